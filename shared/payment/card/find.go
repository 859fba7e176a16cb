package card

import "regexp"

// Contains reports whether text has a card number in it: 13 to 19 digits with
// the right check digit, together or in groups with a space or hyphen in between.
// Longer runs of digits are no card numbers. It is for places where nothing of the
// kind belongs, such as a gateway's token.
func Contains(text string) bool {
	return find(text, func(digits []byte) bool { return len(digits) >= 13 && Luhn(0, string(digits)) })
}

// Written reports whether somebody has written a card number into text: as
// Contains, but only numbers that a card of a known brand has. A telephone number or
// a parcel's, which may have the right check digit by chance, is none.
func Written(text string) bool {
	return find(text, func(digits []byte) bool { return issued.Match(digits) && Luhn(0, string(digits)) })
}

// issued are the numbers of Visa, Mastercard, American Express, Diners Club,
// Discover, JCB and UnionPay (ISO/IEC 7812 issuer ranges).
var issued = regexp.MustCompile(`^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|` +
	`6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17})$`)

// find reports whether a run of digits, or a group of them, is a number.
func find(text string, isNumber func([]byte) bool) bool {
	var run, group []byte // since the last gap; since the last separator
	for i := 0; i <= len(text); i++ {
		switch {
		case i < len(text) && isDigit(text[i]):
			run, group = append(run, text[i]), append(group, text[i])
			continue
		case isNumber(group), isNumber(run):
			return true
		case i == len(text) || text[i] != ' ' && text[i] != '-' || len(group) == 0:
			run = nil
		}
		group = nil
	}
	return false
}
