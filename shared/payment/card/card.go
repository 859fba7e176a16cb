// Package card checks and masks the numbers buyers pay with: payment cards and
// gift cards. It also reads and writes the packed form of a payment's account
// and works out what a processor charges for a card. It is a pure core: the
// payment domain calls it.
package card

import (
	"regexp"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/perlnum"
)

// Brand is the brand of a card; "" is an unknown one.
type Brand string

// The brands (CommerceRack payments specification, §6).
const (
	AMEX  Brand = "AMEX"
	VISA  Brand = "VISA"
	MC    Brand = "MC"
	NOVUS Brand = "NOVUS"
)

var brandPattern = regexp.MustCompile(`^(?:(3[47])|(4)|(5[1-5])|(6011))`)

// BrandOf tells the brand of a number by how it begins.
func BrandOf(number string) Brand {
	m := brandPattern.FindStringSubmatch(number)
	for i, brand := range []Brand{AMEX, VISA, MC, NOVUS} {
		if m != nil && m[i+1] != "" {
			return brand
		}
	}
	return ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Digits leaves out all that is no digit.
func Digits(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if isDigit(s[i]) {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// Luhn reports whether the check digit of a number is right. With LaxCards
// only the first character that is no digit is left out; others count as 0.
func Luhn(q perlnum.Quirk, number string) bool {
	if q.Has(perlnum.LaxCards) {
		for i := range len(number) {
			if !isDigit(number[i]) {
				number = number[:i] + number[i+1:]
				break
			}
		}
	} else {
		number = Digits(number)
		if len(number) < 12 || len(number) > 19 || strings.Trim(number, "0") == "" {
			return false
		}
	}
	sum := 0
	for i := range len(number) {
		c := number[len(number)-1-i]
		if !isDigit(c) {
			continue
		}
		d := int(c - '0')
		if i%2 == 1 {
			d *= 2
			d = d/10 + d%10
		}
		sum += d
	}
	return sum%10 == 0
}

// LengthOK reports whether a number is as long as its brand wants it; a number
// of no known brand is not.
func LengthOK(number string) bool {
	n := len(number)
	switch BrandOf(number) {
	case AMEX:
		return n == 15
	case VISA:
		return n == 13 || n == 16
	case MC, NOVUS:
		return n == 16
	}
	return false
}

// Hidden masks a number for a buyer's eyes.
func Hidden(number string) string {
	switch n := len(number); {
	case n == 15:
		return "XXXX-XXXXXX-" + number[10:]
	case n == 16:
		return "XXXX-XXXX-XXXX-" + number[12:]
	case n <= 4:
		return number
	default:
		return strings.Repeat("X", n-4) + number[n-4:]
	}
}

// Masked masks a number for storing: it keeps the first five and the last four
// digits.
func Masked(number string) string {
	d := Digits(number)
	return d[:min(5, len(d))] + strings.Repeat("x", max(0, len(d)-9)) + d[max(0, len(d)-4):]
}

// CVVOK reports whether a check value fits the brand of a number. That of an
// unknown brand may be anything.
func CVVOK(number, cvv string) bool {
	want := 3
	switch BrandOf(number) {
	case "":
		return true
	case AMEX:
		want = 4
	}
	return len(cvv) == want && Digits(cvv) == cvv
}

// Current reports whether a card that expires at the end of a month of a year
// (2000 to 2099, four digits or the last two) is still good. With LaxCards the
// month may be 0.
func Current(q perlnum.Quirk, month, year string, now time.Time) bool {
	exact := perlnum.Exact(perlnum.HalfUp, 2)
	m, y := exact.Parse(month).Int(), exact.Parse(year).Int()
	if len(year) <= 2 {
		y += 2000
	}
	if m > 12 || m < 0 || m == 0 && !q.Has(perlnum.LaxCards) || y < 2000 || y > 2099 {
		return false
	}
	now = now.UTC()
	return y*12+m >= int64(now.Year())*12+int64(now.Month())
}

// The refusals of Verify, as the original words them.
const (
	BadCVV    = "If a CID or CVV number is provided, it must be valid."
	Expired   = "Credit card has expired."
	BadNumber = "Credit card number must be a valid credit card number."
)

var separators = strings.NewReplacer("-", "", " ", "")

// Verify checks a card and returns "" or why it is refused. A nil cvv was not
// given.
func Verify(q perlnum.Quirk, number, month, year string, cvv *string, now time.Time) string {
	number = separators.Replace(number)
	switch {
	case cvv != nil && !CVVOK(number, *cvv):
		return BadCVV
	case !Current(q, month, year, now):
		return Expired
	case !LengthOK(number) || Digits(number) != number || !Luhn(q, number):
		return BadNumber
	}
	return ""
}
