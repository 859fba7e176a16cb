package status

import "github.com/rackless/rackless/shared/perlnum"

// Tender is an intended payment in a cart.
type Tender struct {
	Tender  string
	Amount  perlnum.Num  // requested; 0: a share of what is left
	Charge  perlnum.Num  // POINTS and RMC: what to take. Filled in by Allocate
	Balance *perlnum.Num // of a gift card; nil for one that is not known
	Expires bool
	At      int // position in the caller's queue
}

// Prepaid reports whether the tender is stored value, which is used first.
func (t *Tender) Prepaid() bool {
	return t.Tender == "GIFTCARD" || t.Tender == "POINTS" || t.Tender == "RMC"
}

// Allocate spreads due, in the smallest unit, over the tenders: stored value
// first (expiring gift cards before others), then fixed amounts, then equal
// shares of which the last takes what is left (CommerceRack cart specification,
// §13). It returns the tenders in that order with their charges, what remains
// due, and what fixed amounts and shares will authorise.
func Allocate(a *perlnum.Arith, queue []Tender, due int64) (out []Tender, left, auth int64) {
	var prepaid, fixed, shared []Tender
	for _, t := range queue {
		switch {
		case t.Tender == "GIFTCARD" && !t.Expires:
			prepaid = append(prepaid, t)
		case t.Prepaid():
			prepaid = append([]Tender{t}, prepaid...)
		case t.Amount.Sign() > 0:
			fixed = append(fixed, t)
		default:
			shared = append(shared, t)
		}
	}
	for i := range prepaid {
		t := &prepaid[i]
		if t.Tender == "GIFTCARD" {
			t.Charge = a.Int(0)
			if t.Balance != nil {
				t.Charge = *t.Balance
			}
			if t.Amount.Sign() > 0 && t.Amount.Less(t.Charge) {
				t.Charge = t.Amount
			}
			t.cap(a, due)
		} else if !a.Has(perlnum.FreePoints) {
			t.cap(a, due)
		}
		due -= t.Charge.Cents()
	}
	for i := range fixed {
		t := &fixed[i]
		t.Charge = t.Amount
		t.cap(a, due)
		auth += t.Charge.Cents()
		due -= t.Charge.Cents()
	}
	share := int64(0)
	if n := int64(len(shared)); n > 0 {
		share = due / n
	}
	for i := range shared {
		part := share
		if i == len(shared)-1 {
			part = due
		}
		shared[i].Charge = a.Minor(part)
		auth += part
		due -= part
	}
	return append(append(prepaid, fixed...), shared...), due, auth
}

// cap keeps a charge from exceeding what is due.
func (t *Tender) cap(a *perlnum.Arith, due int64) {
	if due < t.Charge.Cents() {
		t.Charge = a.Minor(due)
	}
}
