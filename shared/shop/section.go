package shop

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/payment/status"
	"github.com/rackless/rackless/shared/promotion"
	"github.com/rackless/rackless/shared/shipping/quote"
	"github.com/rackless/rackless/shared/tax/rate"
)

// Sections are the parts of a configuration that are replaced as a whole: those
// of price.Config, and how to pay. A section that is nil is absent; an empty list
// is a section without entries.
type Sections struct {
	General         *price.General       `json:"general,omitempty"`
	TaxRules        []rate.Rule          `json:"tax_rules,omitempty"`
	ShippingMethods []quote.Method       `json:"shipping_methods,omitempty"`
	RuleLists       []promotion.RuleList `json:"rule_lists,omitempty"`
	Coupons         []Coupon             `json:"coupons,omitempty"`
	Offers          []Offer              `json:"offers,omitempty"`
	Handling        *quote.Charges       `json:"handling,omitempty"`
	Insurance       *quote.Charges       `json:"insurance,omitempty"`
	PaymentFees     []price.PaymentFee   `json:"payment_fees,omitempty"`
	Schedules       []schedule.Schedule  `json:"schedules,omitempty"`
	VAT             *rate.VAT            `json:"vat,omitempty"`
	PaymentMethods  []PaymentMethod      `json:"payment_methods,omitempty"`
}

// Limits is how often orders may use a coupon or an offer; 0 for any number.
type Limits struct {
	UsageLimit            int64 `json:"usage_limit,omitempty"`              // by all orders together
	UsageLimitPerCustomer int64 `json:"usage_limit_per_customer,omitempty"` // by the orders of one buyer
}

func (l Limits) check(f *fault.Fields) {
	f.Check(l.UsageLimit >= 0, "/usage_limit", "must not be negative")
	f.Check(l.UsageLimitPerCustomer >= 0, "/usage_limit_per_customer", "must not be negative")
}

// Coupon is a coupon and how often orders may use it.
type Coupon struct {
	promotion.Coupon
	Limits
}

// Validate refuses a coupon that cannot be.
func (c Coupon) Validate() error {
	var f fault.Fields
	f.Merge("", c.Coupon.Validate())
	c.check(&f)
	return f.Err()
}

// Offer is an offer, how often orders may use it and how much it may cost.
type Offer struct {
	promotion.Offer
	Limits
	Budget string `json:"budget,omitempty"` // of the discounts of all orders together; empty: no bound
}

// Validate refuses an offer that cannot be.
func (o Offer) Validate() error {
	var f fault.Fields
	f.Merge("", o.Offer.Validate())
	o.check(&f)
	if o.Budget != "" {
		budget, err := money.ParseDecimal(o.Budget)
		f.Merge("/budget", err)
		f.Check(err != nil || budget.IsPositive(), "/budget", "must be more than zero, or absent")
		f.Check(o.On == promotion.OnGoods, "/budget", "is for offers on goods")
	}
	return f.Err()
}

// When the money of an authorized payment is taken.
const (
	AtOnce         = "at_once"          // with the authorization, in one step
	OnConfirm      = "on_confirm"       // when the order is confirmed
	OnShip         = "on_ship"          // when all of the order has left the warehouse
	OnEachShipment = "on_each_shipment" // in parts, as goods leave, where the gateway allows it; else as OnShip
	Manual         = "manual"           // when staff say so
)

// captures are when money can be taken.
var captures = []string{AtOnce, OnConfirm, OnShip, OnEachShipment, Manual}

// PaymentMethod is a tender that a shop takes and who handles it.
type PaymentMethod struct {
	Tender  string `json:"tender"`  // CREDIT, GIFTCARD, CHECK …
	Gateway string `json:"gateway"` // the gateway's name, e.g. test; empty: none is behind the tender
	Capture string `json:"capture"` // at_once, on_confirm, on_ship, on_each_shipment or manual
	Enabled bool   `json:"enabled"`
	Title   string `json:"title,omitempty"` // as buyers read it
	// HoldHours is how long after it was placed an order waits for staff to decide
	// on a payment that the gateway holds for review; 0 is DefaultHold. Then it
	// expires and the payment is voided.
	HoldHours int `json:"hold_hours,omitempty"`
	// OnAccount wants purchase orders covered by the customer's credit line: what is
	// open of it is held until the order is paid for or called off.
	OnAccount bool `json:"on_account,omitempty"`
	// Review is what the shop makes of the bank's checks. With any, money that is
	// taken at_once is taken on_confirm instead, when it has been judged.
	Review status.Policy `json:"review,omitzero"`
}

// DefaultHold is how long an order with a held payment waits where the shop does
// not say; maxHold the longest: Stripe keeps authorizations for seven days.
const (
	DefaultHold = 72 * time.Hour
	maxHold     = 7 * 24 * time.Hour
)

// Hold is HoldHours as a duration.
func (m PaymentMethod) Hold() time.Duration {
	return cmp.Or(time.Duration(m.HoldHours)*time.Hour, DefaultHold)
}

var (
	tenderShape  = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,19}$`)
	gatewayShape = regexp.MustCompile(`^([a-z][a-z0-9_]{0,29})?$`)
)

// Validate refuses a method that nobody could pay with.
func (m PaymentMethod) Validate() error {
	var f fault.Fields
	f.Check(tenderShape.MatchString(m.Tender), "/tender", "must be a tender in capitals, such as CREDIT")
	f.Check(gatewayShape.MatchString(m.Gateway), "/gateway", "must be a gateway's name in lower case, such as test, or empty")
	f.Check(slices.Contains(captures, m.Capture), "/capture", "must be %s", strings.Join(captures, ", "))
	f.Check(0 <= m.HoldHours && m.HoldHours <= int(maxHold/time.Hour), "/hold_hours", "must be 0 to %d", int(maxHold/time.Hour))
	f.Check(!m.OnAccount || m.Tender == CreditLine, "/on_account", "is for the tender %s only", CreditLine)
	f.Check(len(m.Title) <= 80, "/title", "must not exceed 80 characters")
	f.Merge("/review", m.Review.Validate())
	return f.Err()
}

// maxEntries bounds a section. A pricing call reads them all.
const maxEntries = 2000

func (s Sections) check(f *fault.Fields) {
	if s.General != nil {
		f.Merge("/general", s.General.Validate())
	}
	if s.Handling != nil {
		f.Merge("/handling", s.Handling.Validate())
	}
	if s.Insurance != nil {
		f.Merge("/insurance", s.Insurance.Validate())
	}
	if s.VAT != nil {
		f.Merge("/vat", s.VAT.Validate())
	}
	for _, l := range s.lists() {
		l.check(f)
	}
}

// list is a section of entries: a table with a row per entry.
type list struct {
	field   string // of the JSON
	table   string
	key     string // column that no two entries share, position if entries may be alike
	entries any    // the slice
	count   int
	absent  bool
	check   func(*fault.Fields)
}

func (s Sections) lists() []list {
	return []list{
		section("tax_rules", "tax_rules", s.TaxRules, "position", nil),
		section("shipping_methods", "shipping_methods", s.ShippingMethods, "id", func(m quote.Method) string { return m.ID }),
		section("rule_lists", "rule_lists", s.RuleLists, "id", func(l promotion.RuleList) string { return l.ID }),
		section("coupons", "coupons", s.Coupons, "code", func(c Coupon) string { return c.Code }),
		section("offers", "offers", s.Offers, "id", func(o Offer) string { return o.ID }),
		section("payment_fees", "payment_fees", s.PaymentFees, "tender", func(p price.PaymentFee) string { return p.Tender }),
		section("schedules", "price_schedules", s.Schedules, "id", func(x schedule.Schedule) string { return x.ID }),
		section("payment_methods", "payment_methods", s.PaymentMethods, "tender", func(m PaymentMethod) string { return m.Tender }),
	}
}

func section[T interface{ Validate() error }](field, table string, entries []T, key string, keyOf func(T) string) list {
	return list{
		field: field, table: table, key: key, entries: entries, count: len(entries), absent: entries == nil,
		check: func(f *fault.Fields) {
			f.Check(len(entries) <= maxEntries, "/"+field, "must not have more than %d entries", maxEntries)
			seen := map[string]int{}
			for i, entry := range entries {
				path := "/" + field + "/" + strconv.Itoa(i)
				f.Merge(path, entry.Validate())
				if keyOf == nil {
					continue
				}
				k := keyOf(entry)
				first, twice := seen[k]
				f.Check(!twice, path+"/"+key, "is that of entry %d already", first)
				seen[k] = i
			}
		},
	}
}

// queue replaces what the table holds. Rows that stay keep their identity: a
// coupon may be locked by an order just now.
func (l list) queue(batch *pgx.Batch) error {
	documents, err := json.Marshal(l.entries)
	if err != nil {
		return fmt.Errorf("encode %s: %w", l.field, err)
	}
	same := "e.ordinality = t.position"
	if l.key != "position" {
		same = fmt.Sprintf("e.value ->> '%s' = t.%s", l.key, l.key)
	}
	batch.Queue(fmt.Sprintf(`
		DELETE FROM %s t
		WHERE t.shop_id = current_shop()
		  AND NOT EXISTS (SELECT FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e WHERE %s)`, l.table, same), documents)
	batch.Queue(fmt.Sprintf(`
		INSERT INTO %s (shop_id, position, document)
		SELECT current_shop(), e.ordinality, e.value
		FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e
		ON CONFLICT (shop_id, %s) DO UPDATE SET position = EXCLUDED.position, document = EXCLUDED.document`, l.table, l.key), documents)
	return nil
}
