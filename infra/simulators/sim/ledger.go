package sim

import (
	"slices"
	"sync"
	"time"
)

// A Posting is the kind of an entry of the ledger.
type Posting string

// The kinds of entries. Their amounts are never negative.
const (
	Authorized     Posting = "authorized"      // the issuer holds the amount
	Captured       Posting = "captured"        // the merchant claims it
	Voided         Posting = "voided"          // what is held is released
	CaptureVoided  Posting = "capture_voided"  // a claim is withdrawn before it was settled
	Refunded       Posting = "refunded"        // a claim is given back
	RefundReversed Posting = "refund_reversed" // a refund did not happen after all
)

// An Entry is one booking.
type Entry struct {
	At      time.Time `json:"at"`
	Posting Posting   `json:"posting"`
	Cents   int64     `json:"cents"`
	// ID is the vendor's id of what booked it: a refund's own, for example.
	ID string `json:"id"`
}

// An Account is what was booked on one payment, in the currency's smallest
// unit. Amounts only grow: a void does not lessen what was captured, it counts
// in Voided, as a released hold does. Refunded is less what was reversed. Net is
// what the merchant has in the end.
type Account struct {
	// ID is the vendor's id of the payment.
	ID string `json:"id"`
	// Reference is the shop's own name of the payment, as it was sent.
	Reference  string            `json:"reference"`
	Currency   string            `json:"currency"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Authorized int64             `json:"authorized"`
	Captured   int64             `json:"captured"`
	Voided     int64             `json:"voided"`
	Refunded   int64             `json:"refunded"`
	Net        int64             `json:"net"`
	Entries    []Entry           `json:"entries"`
}

// Ledger is what a simulator booked, in the order of the payments. It is safe
// for concurrent use.
type Ledger struct {
	mu       sync.Mutex
	accounts []*Account
	byID     map[string]*Account
}

// Open adds an account, on which nothing is booked.
func (l *Ledger) Open(a Account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil {
		l.byID = map[string]*Account{}
	}
	if l.byID[a.ID] != nil {
		panic("sim: account " + a.ID + " is open")
	}
	a.Entries = []Entry{}
	l.byID[a.ID] = &a
	l.accounts = append(l.accounts, &a)
}

// Book adds an entry to the account, which must be open, and returns its new
// state.
func (l *Ledger) Book(account string, e Entry) Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.byID[account]
	a.Entries = append(a.Entries, e)
	switch e.Posting {
	case Authorized:
		a.Authorized += e.Cents
	case Captured:
		a.Captured += e.Cents
		a.Net += e.Cents
	case Voided:
		a.Voided += e.Cents
	case CaptureVoided:
		a.Voided += e.Cents
		a.Net -= e.Cents
	case Refunded:
		a.Refunded += e.Cents
		a.Net -= e.Cents
	case RefundReversed:
		a.Refunded -= e.Cents
		a.Net += e.Cents
	}
	return a.copy()
}

// Accounts returns all accounts.
func (l *Ledger) Accounts() []Account {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Account, len(l.accounts))
	for i, a := range l.accounts {
		all[i] = a.copy()
	}
	return all
}

// Account returns the account of a payment.
func (l *Ledger) Account(id string) (Account, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.byID[id]
	if !ok {
		return Account{}, false
	}
	return a.copy(), true
}

func (a *Account) copy() Account {
	c := *a
	c.Entries = slices.Clone(a.Entries)
	return c
}
