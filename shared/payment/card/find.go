package card

// Contains reports whether text has a card number in it: 13 to 19 digits with
// the right check digit, together or in groups with a space or hyphen in between.
// Longer runs of digits are no card numbers.
func Contains(text string) bool {
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

func isNumber(digits []byte) bool { return len(digits) >= 13 && Luhn(0, string(digits)) }
