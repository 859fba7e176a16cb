// Package money is an amount with its currency, and the exact arithmetic that
// every domain needs of it: reading and minor units. Prices are
// calculated in cart/price; this package rounds nothing by itself.
package money

import (
	"encoding/json"
	"math"

	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/fault"
)

// Money is an amount in the currency's major unit, e.g. 12.34 USD. The zero
// value has no currency and is not valid in a request.
type Money struct {
	Amount   decimal.Decimal
	Currency string // ISO 4217, upper case
}

// maxDigits bounds the text of an amount; 24 digits hold any sum of prices,
// and keep hostile input from being expanded.
const maxDigits = 24

// Parse reads an amount in plain decimal notation ("-12.34", no exponent) and
// a currency code. Both are refused as Invalid with the field at fault.
func Parse(amount, currency string) (Money, error) {
	var f fault.Fields
	d, err := ParseDecimal(amount)
	f.Merge("/amount", err)
	_, known := Exponent(currency)
	f.Check(known, "/currency", "is no ISO 4217 currency code")
	return Money{d, currency}, f.Err()
}

// ParseDecimal reads a plain decimal number: an optional minus sign, digits
// and at most one dot, at most 24 digits, no exponent.
func ParseDecimal(s string) (decimal.Decimal, error) {
	digits, dots := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			dots++
		case c == '-' && i == 0:
		default:
			return decimal.Decimal{}, fault.New(fault.Invalid, "must be a decimal number; %q at position %d is not part of one", s[i:i+1], i+1)
		}
	}
	if digits == 0 || dots > 1 || s[len(s)-1] == '.' {
		return decimal.Decimal{}, fault.New(fault.Invalid, "must be a decimal number such as 12.34")
	}
	if digits > maxDigits {
		return decimal.Decimal{}, fault.New(fault.Invalid, "must have at most %d digits", maxDigits)
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return decimal.Decimal{}, fault.From(fault.Invalid, err, "must be a decimal number such as 12.34")
	}
	return d, nil
}

// FromMinor returns units of the currency's smallest unit (cents, yen, fils).
// It panics for an unknown currency: the caller checked it when it was stored.
func FromMinor(units int64, currency string) Money {
	return Money{decimal.New(units, -int32(mustExponent(currency))), currency}
}

// Minor returns the amount in the currency's smallest unit. An amount finer
// than that unit, one beyond 64 bits or an unknown currency is an error: this
// function never rounds.
func (m Money) Minor() (int64, error) {
	exp, ok := Exponent(m.Currency)
	if !ok {
		return 0, fault.New(fault.Invalid, "%q is no ISO 4217 currency code", m.Currency)
	}
	shifted := m.Amount.Shift(int32(exp))
	if !shifted.IsInteger() {
		return 0, fault.New(fault.Invalid, "%s %s is finer than the currency's smallest unit", m.Amount, m.Currency)
	}
	if shifted.Abs().GreaterThan(decimal.New(math.MaxInt64, 0)) {
		return 0, fault.New(fault.Invalid, "%s %s is too large", m.Amount, m.Currency)
	}
	return shifted.IntPart(), nil
}

// String returns the amount with at least the currency's digits, and the code.
func (m Money) String() string { return m.text() + " " + m.Currency }

func (m Money) text() string {
	exp, _ := Exponent(m.Currency)
	return m.Amount.StringFixed(max(int32(exp), -m.Amount.Exponent()))
}

type wire struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// MarshalJSON writes {"amount":"12.34","currency":"USD"}; the amount has at
// least as many decimals as the currency.
func (m Money) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{m.text(), m.Currency})
}

// UnmarshalJSON reads what MarshalJSON writes. A JSON number is refused: most
// clients would have rounded it already.
func (m *Money) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	parsed, err := Parse(w.Amount, w.Currency)
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
