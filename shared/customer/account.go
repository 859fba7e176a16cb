package customer

import (
	"context"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/shop"
	"github.com/rackless/rackless/shared/txn"
)

// Account is what a customer has with the shop under one tender.
type Account struct {
	Tender       string       `json:"tender"`        // POINTS, RMC (credit for returned goods) or PO (credit line of purchase orders)
	BalanceCents int64        `json:"balance_cents"` // what can be spent now, in the smallest unit of the shop's currency
	Entries      []shop.Entry `json:"entries"`       // the newest first, 100 at most
}

// AccountsInput names a customer.
type AccountsInput struct {
	ID string `json:"-" path:"id"`
}

// AccountList is every account that a customer has.
type AccountList struct {
	Accounts []Account `json:"accounts"`
}

// Accounts returns a customer's accounts to staff or to that customer. For anybody
// else, and for one who was erased, there is none: kind NotFound.
func Accounts(ctx context.Context, tx *txn.Tx, in AccountsInput) (AccountList, error) {
	out := AccountList{Accounts: []Account{}}
	if _, err := Get(ctx, tx, GetInput(in)); err != nil {
		return out, err
	}
	for _, tender := range shop.Accounts {
		a, found, err := accountOf(ctx, tx, tender, in.ID)
		if err != nil {
			return out, err
		}
		if found {
			out.Accounts = append(out.Accounts, a)
		}
	}
	return out, nil
}

// AdjustInput changes what an account holds.
type AdjustInput struct {
	ID       string `json:"-" path:"id"`
	Tender   string `json:"-" path:"tender"` // POINTS, RMC or PO
	AddCents int64  `json:"add_cents"`       // to the balance; negative: take from it
	Note     string `json:"note,omitempty"`  // why, for the customer, too
}

// maxAdjustment bounds what one adjustment moves: a slip of the hand is refused.
const maxAdjustment = 100_000_000_00

// Validate refuses what moves nothing, or too much.
func (in AdjustInput) Validate() error {
	var f fault.Fields
	f.Check(in.AddCents != 0 && -maxAdjustment <= in.AddCents && in.AddCents <= maxAdjustment, "/add_cents", "must not be 0, nor exceed %d", int64(maxAdjustment))
	checkLength(&f, "/note", in.Note, 200)
	return f.Err()
}

// Adjust adds to a customer's account, or takes from it; the first adjustment opens
// it. It is for staff. Below nothing is refused with kind Conflict.
func Adjust(ctx context.Context, tx *txn.Tx, in AdjustInput) (Account, error) {
	if !slices.Contains(shop.Accounts, in.Tender) {
		return Account{}, fault.New(fault.NotFound, "there is no account %s: it must be %s", in.Tender, strings.Join(shop.Accounts, ", "))
	}
	if _, err := find(ctx, tx, in.ID); err != nil {
		return Account{}, err
	}
	if err := shop.AdjustAccount(ctx, tx, shop.AccountCode(in.Tender, in.ID), in.AddCents, in.Note); err != nil {
		return Account{}, err
	}
	a, _, err := accountOf(ctx, tx, in.Tender, in.ID)
	return a, err
}

func accountOf(ctx context.Context, tx *txn.Tx, tender, customerID string) (a Account, found bool, err error) {
	code := shop.AccountCode(tender, customerID)
	balances, err := shop.GiftCards(ctx, tx, []string{code})
	if err != nil {
		return a, false, err
	}
	balance, found := balances[code]
	if !found {
		return a, false, nil
	}
	a = Account{Tender: tender, BalanceCents: balance.BalanceCents}
	a.Entries, err = shop.Ledger(ctx, tx, code)
	return a, true, err
}
