// Package status works out what recorded payments mean for an order: what is
// paid, authorised and due, and the order's payment status. It also spreads an
// amount due over the tenders a buyer offers. It is a pure core: cart/price and
// the payment domain call it.
package status

// Payment is a recorded payment. One with a parent follows it up, e.g. as its
// refund (CommerceRack payments specification, §1).
type Payment struct {
	ID     string
	Parent string
	Tender string
	Amount int64  // in the smallest unit
	Status string // three digits; the first is the class
	Voided bool
}

// Balance is the state of an order's payments.
type Balance struct {
	Paid     int64
	Auth     int64
	Returned int64
	Due      int64  // the total less what is paid
	Status   string // three digits
	Method   string // the tender, MIXED, NONE or ZERO
}

// Classes of a payment status: its first digit.
const (
	paid       = '0'
	authorised = '1'
	denied     = '2'
	returned   = '3'
	review     = '4'
	processing = '5'
	void       = '6'
	failed     = '9'
)

// Statuses that only an order has.
const (
	zeroTotal     = "009"
	severalPaid   = "090"
	severalAuth   = "190"
	severalDenied = "290"
	someReturned  = "390"
	allVoided     = "699"
	noPayments    = "902"
	partlyPaid    = "904"
	undetermined  = "990"
)

func class(status string) byte {
	if status == "" {
		return 0
	}
	return status[0]
}

// chain is an origin payment with what followed it.
type chain struct {
	origin Payment
	amount int64  // net paid
	status string // the last one that was no failure; the origin's while something is paid
	gone   bool   // a void: it counts for nothing
}

// Evaluate works out the balance of an order of total in the smallest unit and
// pieces pieces (payments specification, §3).
func Evaluate(payments []Payment, total, pieces int64) Balance {
	var b Balance
	chains := b.chains(payments)
	b.Method = method(payments)
	b.Due = total - b.Paid
	b.Status = b.status(payments, chains, total)
	if len(chains) == 0 && total == 0 && pieces > 0 {
		b.Method, b.Status = "ZERO", zeroTotal
	}
	if b.Method == "MIXED" && class(b.Status) == paid {
		b.Method = paidMethod(payments)
	}
	return b
}

func (b *Balance) chains(payments []Payment) []chain {
	var chains []chain
	for _, p := range payments {
		if p.Parent != "" {
			continue
		}
		c := chain{origin: p, status: p.Status}
		if !p.Voided {
			if class(p.Status) == void {
				chains = append(chains, chain{gone: true})
				continue
			}
			b.count(&c, p)
			for _, next := range payments {
				if next.Parent == p.ID && next.Parent != "" {
					b.count(&c, next)
				}
			}
		}
		for _, next := range payments {
			if next.Parent == p.ID && next.Parent != "" && (p.Voided || class(next.Status) != denied) {
				c.status = next.Status
			}
		}
		if c.amount > 0 {
			c.status = p.Status
		}
		chains = append(chains, c)
	}
	return chains
}

func (b *Balance) count(c *chain, p Payment) {
	switch class(p.Status) {
	case paid, review:
		b.Paid += p.Amount
		c.amount += p.Amount
	case authorised:
		b.Auth += p.Amount
	case returned:
		b.Paid -= p.Amount
		c.amount -= p.Amount
		b.Returned += p.Amount
	}
}

// status applies the first rule that fits.
func (b *Balance) status(payments []Payment, chains []chain, total int64) string {
	switch {
	case len(chains) == 0:
		return noPayments
	case b.Paid == total:
		status := common(chains, severalPaid, func(c *chain) (string, bool) { return c.status, c.amount > 0 })
		if status == "" && total == 0 {
			return zeroTotal
		}
		return status
	case b.Auth >= total:
		return common(chains, severalAuth, func(c *chain) (string, bool) {
			return c.origin.Status, !c.gone && !c.origin.Voided && class(c.origin.Status) == authorised
		})
	case 0 < b.Paid && b.Paid < total:
		return partlyPaid
	case len(payments) == 1:
		return payments[0].Status
	case b.Paid == 0 && b.Auth == 0 && total > 0:
		return unpaid(chains)
	}
	return undetermined
}

// common returns the status that the chosen chains share, or several; "" if
// none is chosen.
func common(chains []chain, several string, choose func(*chain) (string, bool)) string {
	status, found := "", false
	for i := range chains {
		s, ok := choose(&chains[i])
		switch {
		case !ok:
		case !found:
			status, found = s, true
		case status != s:
			status = several
		}
	}
	return status
}

func unpaid(chains []chain) string {
	last, open, failed, back := "", 0, 0, 0
	for i := range chains {
		c := &chains[i]
		switch {
		case c.origin.Voided && class(c.status) == void:
			last = c.status
		case c.origin.Voided:
			last = allVoided
		case c.amount == 0:
			last = someReturned
		default:
			open++
		}
		switch class(c.status) {
		case denied:
			failed++
		case returned:
			back++
		}
	}
	switch {
	case open > 0:
		return undetermined
	case len(chains) == 1:
		return last
	case failed == len(chains):
		return severalDenied
	case back > 0:
		return someReturned
	}
	return undetermined
}

func method(payments []Payment) string {
	m := ""
	for _, p := range payments {
		switch {
		case p.Voided:
		case m == "":
			m = p.Tender
		case m != p.Tender:
			m = "MIXED"
		}
	}
	if m == "" {
		return "NONE"
	}
	return m
}

// paidMethod looks only at origin payments that are paid.
func paidMethod(payments []Payment) string {
	m := ""
	for _, p := range payments {
		switch {
		case p.Parent != "" || p.Voided || class(p.Status) != paid:
		case m == "":
			m = p.Tender
		case m != p.Tender:
			m = "MIXED"
		}
	}
	if m == "" {
		return "MIXED"
	}
	return m
}
