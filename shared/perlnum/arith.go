// Package perlnum is the arithmetic of prices. It has two kinds of numbers
// behind one type: the IEEE doubles of the original Perl code, operation by
// operation (the commercerack policy), and exact decimals (the exact policy).
// Which kind a number is, how it rounds and which oddities of the original
// apply is said once, in an Arith. This is the only package of the project in
// which floating point may occur. It is pure, and the cores of pricing call it.
package perlnum

import (
	"math"
	"strings"

	"github.com/shopspring/decimal"
)

// Rounding is how an exact amount between two smallest units is rounded.
type Rounding uint8

// The rounding modes. Halves go away from zero, to the even neighbour, or
// toward zero.
const (
	HalfUp Rounding = iota
	HalfEven
	HalfDown
)

// Level is what an exact amount is rounded of.
type Level uint8

// The levels.
const (
	PerLine  Level = iota // the amount of a line
	PerUnit               // the price of one piece
	PerOrder              // the sums of the order
)

// Quirk is a set of oddities of the original that can be switched on one by
// one. The commercerack policy is all of them, the exact policy none.
type Quirk uint32

// The quirks. Each names the oddity and, after the dash, what happens without.
const (
	// BinaryFloat calculates in IEEE doubles — decimals.
	BinaryFloat Quirk = 1 << iota
	// CutCents cuts an amount finer than a cent when it enters a sum (cart
	// specification, §2, f2int) — it is rounded.
	CutCents
	// CutFeeTax cuts the tax on shipping, handling, insurance and special fee
	// to whole cents (§6.3) — it is rounded.
	CutFeeTax
	// UnitCents makes cents of the unit price before the quantity, and keeps
	// hundredths of a cent of each line's tax (§5) — both are rounded where the
	// rounding level says.
	UnitCents
	// ExemptInTaxable counts lines that are not taxable into items_taxable
	// (§5) — only taxable ones.
	ExemptInTaxable
	// WholeDollarPercent cuts the matched total to whole dollars before
	// ADD*MATCHITEMS takes a percentage of it (§10) — the exact total.
	WholeDollarPercent
	// UncappedCoupons lets a discount exceed the goods (§10) — it ends at
	// minus the goods' total.
	UncappedCoupons
	// StickyShipping keeps the shipping method that was chosen before the
	// coupons applied (§4) — the choice is made once, with the final lines.
	StickyShipping
	// LoseZip4 loses the last four digits of a ZIP+4 code (§6.1) — zip4 tax
	// rules match.
	LoseZip4
	// LegacyRuleTexts reads rule values the way the original's code happens
	// to: ADD*ONE ignores "$-3", a minus-one rule never takes a percentage,
	// the ALL and MATCH* actions that were kept "for compatibility" (§7.5,
	// §10) — as they are documented.
	LegacyRuleTexts
	// FreePoints charges points and return credits without looking at what is
	// due (§13) — never more than is due.
	FreePoints
	// KeepRemoved leaves the discount line of a coupon whose rule says REMOVE
	// or DISABLE (§10) — the line goes.
	KeepRemoved
	// SKUPriceNeeded refuses a product whose chosen SKU has no price (§3, step
	// 8) — it costs what the product costs.
	SKUPriceNeeded
	// AnyCountry takes every country for the United States in COUNTRY_MATCH
	// (§7.5) — the country's name is looked up.
	AnyCountry
	// HalfSpan takes a zip span whose ends are reversed for its lower end only
	// (§6.1) — the ends are swapped.
	HalfSpan
	// EmptyLimits takes a maximum quantity that is set but empty or zero for a
	// maximum of none (§3, step 6) — for no maximum.
	EmptyLimits
	// LosePounds takes the weight of a SKU for ounces whatever its unit (§3,
	// step 2): 2# is 2 — pounds count.
	LosePounds
	// LaxCards accepts a card that expires in month 0, and an empty or all-zero
	// card number or one with letters (payments specification, §6) — a month
	// is 1 to 12 and a card number has 12 to 19 digits.
	LaxCards
	// LatestReview lets a later review result soften an escalation or a denial
	// (payments specification, §7.1) — the most severe one stays.
	LatestReview

	quirkEnd
)

// AllQuirks is the commercerack policy.
const AllQuirks = quirkEnd - 1

var quirkNames = [...]string{
	"binary-float", "cut-cents", "cut-fee-tax", "unit-cents", "exempt-in-taxable", "whole-dollar-percent",
	"uncapped-coupons", "sticky-shipping", "lose-zip4", "legacy-rule-texts", "free-points", "keep-removed",
	"sku-price-needed", "any-country", "half-span", "empty-limits", "lose-pounds",
	"lax-cards", "latest-review",
}

// Has reports whether all quirks of other are in q.
func (q Quirk) Has(other Quirk) bool { return q&other == other }

// Each returns the single quirks of q in a fixed order.
func (q Quirk) Each() []Quirk {
	var all []Quirk
	for one := Quirk(1); one < quirkEnd; one <<= 1 {
		if q&one != 0 {
			all = append(all, one)
		}
	}
	return all
}

// String returns the names joined by "+", or "none".
func (q Quirk) String() string {
	if q == 0 {
		return "none"
	}
	var names []string
	for i, name := range quirkNames {
		if q&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// Arith says how to calculate. It is not changed after it was made, and may be
// shared.
type Arith struct {
	Quirks   Quirk
	Rounding Rounding // of decimals; doubles round as C's printf does
	Level    Level    // of decimals, without UnitCents
	Exponent int32    // decimals of the currency; doubles have two
}

// CommerceRack is the arithmetic of the original.
func CommerceRack() *Arith { return &Arith{Quirks: AllQuirks, Exponent: 2} }

// Exact is the arithmetic of decimals for a currency with exponent decimals.
func Exact(mode Rounding, exponent int) *Arith {
	return &Arith{Rounding: mode, Exponent: int32(exponent)}
}

// Has reports whether a quirk is on.
func (a *Arith) Has(q Quirk) bool { return a.Quirks.Has(q) }

func (a *Arith) double() bool { return a.Quirks&BinaryFloat != 0 }

// Int returns a whole number.
func (a *Arith) Int(n int64) Num {
	if a.double() {
		return Num{a: a, f: float64(n)}
	}
	return Num{a: a, d: newDec(n, 0)}
}

// Minor returns an amount given in the smallest unit, e.g. cents.
func (a *Arith) Minor(units int64) Num {
	if a.double() {
		return Num{a: a, f: fixed2(float64(units) / 100)}
	}
	return Num{a: a, d: newDec(units, a.Exponent)}
}

// Parse reads the number that a text begins with, as Perl does: "12 oz" is 12,
// "abc" and "" are 0. It never fails; texts are checked when they are saved.
func (a *Arith) Parse(s string) Num {
	s = numericPrefix(s)
	if s == "" {
		return a.Int(0)
	}
	if a.double() {
		return Num{a: a, f: parseFloat(s)}
	}
	if d, ok := parseSmall(s); ok {
		return Num{a: a, d: d}
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > 30 || d.Exponent() < -60 {
		return a.Int(0)
	}
	return Num{a: a, d: small(d)}
}

const maxInt = 1 << 53 // doubles beyond are not whole cents any more

func clampInt(f float64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f > maxInt:
		return maxInt
	case f < -maxInt:
		return -maxInt
	}
	return int64(f)
}
