package authorizenet

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// An instrument is a card or a bank account.
type instrument struct {
	number, expiry, code string
	routing              string // of a bank account
	profile              *customer
	paymentProfile       *wallet
}

func (i instrument) bank() bool { return i.routing != "" }

// mask is the number as the vendor shows it.
func (i instrument) mask() string { return "XXXX" + i.last4() }

func (i instrument) last4() string { return i.number[max(0, len(i.number)-4):] }

// brand is the vendor's account type, "" for a number of no known brand.
func (i instrument) brand() string {
	if i.bank() {
		return "eCheck"
	}
	for _, b := range []struct{ prefixes, name string }{
		{"34 37", "AmericanExpress"},
		{"3088 35", "JCB"},
		{"30 36 38", "DinersClub"},
		{"6011 65 62", "Discover"}, // UnionPay goes through Discover
		{"4", "Visa"},
		{"5 2", "MasterCard"},
	} {
		for prefix := range strings.FieldsSeq(b.prefixes) {
			if strings.HasPrefix(i.number, prefix) {
				return b.name
			}
		}
	}
	return ""
}

// check returns the reason code of what is wrong with the instrument, 0 if
// nothing is.
func (i instrument) check(now time.Time) int {
	if i.bank() {
		switch {
		case !validRouting(i.routing):
			return 9
		case !digitsRE.MatchString(i.number):
			return 10
		}
		return 0
	}
	end, ok := expiryEnd(i.expiry)
	switch {
	case !luhn(i.number):
		return 6
	case i.brand() == "":
		return 17
	case !ok:
		return 7
	case !now.Before(end):
		return 8
	}
	return 0
}

var digitsRE = regexp.MustCompile(`^[0-9]+$`)

// luhn reports whether the text is a card number with the right check digit.
func luhn(number string) bool {
	if len(number) < 13 || len(number) > 16 || !digitsRE.MatchString(number) {
		return false
	}
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
			d = d/10 + d%10
		}
		sum += d
	}
	return sum%10 == 0
}

// validRouting checks the check digit of an American bank's routing number.
func validRouting(routing string) bool {
	if len(routing) != 9 || !digitsRE.MatchString(routing) {
		return false
	}
	sum := 0
	for i, weight := range []int{3, 7, 1, 3, 7, 1, 3, 7, 1} {
		sum += weight * int(routing[i]-'0')
	}
	return sum%10 == 0
}

var expiryREs = []*regexp.Regexp{
	regexp.MustCompile(`^(?P<y>20\d\d)-(?P<m>\d\d)$`),
	regexp.MustCompile(`^(?P<m>\d\d)[-/]?(?P<y>\d\d)$`),
	regexp.MustCompile(`^(?P<m>\d\d)[-/]?(?P<y>20\d\d)$`),
}

// expiryEnd returns the moment at which a card with that expiry date expires.
func expiryEnd(expiry string) (time.Time, bool) {
	for _, re := range expiryREs {
		m := re.FindStringSubmatch(expiry)
		if m == nil {
			continue
		}
		year, _ := strconv.Atoi(m[re.SubexpIndex("y")]) // digits
		month, _ := strconv.Atoi(m[re.SubexpIndex("m")])
		if month < 1 || month > 12 {
			return time.Time{}, false
		}
		if year < 100 {
			year += 2000
		}
		return time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC), true
	}
	return time.Time{}, false
}

// avs returns the result of the address check that the sandbox gives for a zip.
func (i instrument) avs(zip string) string {
	if i.bank() {
		return "P"
	}
	brand := i.brand()
	letter, ok := map[string]string{
		"": "P", "46201": "A", "46203": "E", "46204": "G", "46205": "N", "46206": "P", "46207": "R", "46208": "S",
		"46209": "U", "46211": "W", "46214": "X", "46217": "Z",
	}[zip]
	if !ok ||
		brand == "AmericanExpress" && strings.Contains("GWX", letter) ||
		brand == "Visa" && letter == "X" {
		return "Y"
	}
	return letter
}

// cvv returns the result of the card code check that the sandbox gives.
func (i instrument) cvv() string {
	switch i.code {
	case "":
		return ""
	case "900":
		return "M"
	case "901":
		return "N"
	case "902":
		return "S"
	case "903":
		return "U"
	}
	return "P"
}

// cents is an amount in the currency's smallest unit, written as a number with
// two digits of fraction.
type cents int64

func (c cents) String() string {
	sign := ""
	if c < 0 {
		sign, c = "-", -c
	}
	return fmt.Sprintf("%s%d.%02d", sign, int64(c)/100, int64(c)%100)
}

// MarshalJSON writes a number.
func (c cents) MarshalJSON() ([]byte, error) { return []byte(c.String()), nil }

// maxAmount is the highest amount of a transaction.
const maxAmount cents = 99_999_999_99

// parseCents reads an amount that has the form of the schema and returns a
// reason code if it cannot be charged.
func parseCents(s string) (cents, int) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "+"), ".")
	fraction = strings.TrimRight(fraction, "0")
	if s == "" || len(fraction) > 2 {
		return 0, 5
	}
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > 10 {
		return 0, 49
	}
	n, err := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
	if err != nil {
		return 0, 5
	}
	if cents(n) > maxAmount {
		return 0, 49
	}
	return cents(n), 0
}
