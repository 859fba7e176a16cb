package quote

import (
	"regexp"
	"strings"
)

// usStates are the two-letter codes of states, territories and military mail.
var usStates = func() map[string]bool {
	m := make(map[string]bool)
	for code := range strings.FieldsSeq("AK AL AR AZ CA CO CT DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT " +
		"NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY DC AA AE AP AS FM GU MH MP PR PW VI") {
		m[code] = true
	}
	return m
}()

// USState reports whether a region is the code of a US state, territory or
// military area.
func USState(region string) bool { return usStates[region] }

var (
	nineDigits = regexp.MustCompile(`^([0-9]{5})([0-9]{4})$`)
	onlyDigits = regexp.MustCompile(`[^0-9]`)
)

// NormalZip returns a US zip as five digits or ZIP+4; what is neither comes
// back unchanged.
func NormalZip(zip, country string) string {
	zip = strings.TrimSpace(zip)
	if country != "" && country != "US" {
		return zip
	}
	digits := onlyDigits.ReplaceAllString(zip, "")
	if len(digits) == 5 {
		return digits
	}
	if m := nineDigits.FindStringSubmatch(digits); m != nil {
		return m[1] + "-" + m[2]
	}
	return zip
}
