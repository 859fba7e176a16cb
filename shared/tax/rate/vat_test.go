package rate_test

import (
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/tax/rate"
)

var vatIDs = strings.Fields(`DE136695976 ATU13585627 BE0428759497 DK13585628 EL094259216 FI20774740 FR83404833048
	IT00743110157 LU15027442 NL004495445B01 PL8567346215 PT501964843 SE123456789701 SI50223054 SK2022749619 CZ25123891
	EE100931558 HU12892312 IE6433435F LT119511515 LV40003521600 MT11679112 RO18547290 BG175074752 CY10259033P
	HR33392005961 ES54362315K ESB58378431`)

func TestVATIDsOfEveryMemberState(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, id := range vatIDs {
		country, ok := rate.VATID(strings.ToLower(id[:2]) + " " + id[2:])
		if want := strings.Replace(id[:2], "EL", "GR", 1); !ok || country != want {
			t.Errorf("%s: %q, %v, want %s", id, country, ok, want)
		}
		seen[country] = true
	}
	if len(seen) != 27 {
		t.Errorf("%d member states are tested, want 27", len(seen))
	}
}

// No check digit lets a single wrong digit pass in more than a few places.
func TestAWrongDigitIsNoticed(t *testing.T) {
	t.Parallel()
	for _, id := range vatIDs {
		passed := 0
		for i := 2; i < len(id); i++ {
			if id[i] < '0' || id[i] > '9' {
				continue
			}
			wrong := id[:i] + string('0'+(id[i]-'0'+1)%10) + id[i+1:]
			if _, ok := rate.VATID(wrong); ok {
				passed++
			}
		}
		if passed > 2 {
			t.Errorf("%s: %d ids with one wrong digit pass", id, passed)
		}
	}
}

func TestVATIDForms(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"": false, "DE": false, "XX123456789": false, "GB123456789": false, "DE12345678": false,
		"ESX2482300W": true, "ESX2482300A": false, "IE8D79739I": true, "NL123456782B90": true, "NL000099998B57": true, "NL000099998B58": false, "CZ7103192745": true,
		"LV15066312345": true, "LT100001919017": true, "BG7523169263": true, "FRK7399859412": true,
	} {
		if _, ok := rate.VATID(id); ok != want {
			t.Errorf("%q: %v, want %v", id, ok, want)
		}
	}
}

func TestPlaceOfSupply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		oss                   bool
		country, id           string
		want                  string
		reverse, export, zero bool
		reason                string
	}{
		"at_home":            {country: "DE", want: "DE", reason: "within DE"},
		"no_country":         {want: "DE", reason: "within DE"},
		"at_home_business":   {country: "DE", id: "DE136695976", want: "DE", reason: "within DE"},
		"consumer_oss":       {oss: true, country: "FR", want: "FR", reason: "consumer in FR"},
		"consumer_threshold": {country: "FR", want: "DE", reason: "below the threshold"},
		"business":           {country: "FR", id: "FR83404833048", want: "FR", reverse: true, zero: true, reason: "reverse charge"},
		"business_elsewhere": {country: "FR", id: "ATU13585627", want: "FR", reverse: true, zero: true, reason: "VAT id of AT"},
		"own_id_abroad":      {oss: true, country: "FR", id: "DE136695976", want: "FR", reason: "whose VAT id is of DE"},
		"wrong_id":           {oss: true, country: "FR", id: "FR83404833049", want: "FR", reason: "is not valid"},
		"export":             {country: "US", want: "DE", export: true, zero: true, reason: "export to US"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := rate.VAT{Home: "DE", OSS: c.oss}
			s := v.Supply(c.country, c.id)
			if s.Country != c.want || s.Reverse != c.reverse || s.Export != c.export || s.Zero() != c.zero || !strings.Contains(s.Reason, c.reason) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestVATRates(t *testing.T) {
	t.Parallel()
	v := rate.VAT{Home: "DE", Rates: []rate.VATRate{{"DE", "", "19"}, {"DE", "food", "7"}, {"FR", "", "20"}}}
	for _, c := range [][3]string{{"DE", "", "19"}, {"DE", "food", "7"}, {"DE", "books", "19"}, {"FR", "food", "20"}, {"IT", "", "0"}} {
		if got := v.Rate(c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
	if err := v.Validate(); err != nil {
		t.Error(err)
	}
	bad := rate.VAT{Home: "CH", Rates: []rate.VATRate{{"US", "Food", "101"}, {"FR", "", "-1"}, {"FR", "", "x"}}}
	err := bad.Validate()
	for _, path := range []string{"/home", "/rates/0/country", "/rates/0/class", "/rates/0/rate", "/rates/1/rate", "/rates/2/rate", "/rates:"} {
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not refused: %v", path, err)
		}
	}
}

func TestRulesAreValidated(t *testing.T) {
	t.Parallel()
	good := []rate.Rule{
		{Method: rate.State, Match: "CA", Rate: "7.25", Apply: 63, Zone: "CA", Expires: "20301231"},
		{Method: rate.City, Match: "CA+San Diego*", Rate: "1"}, {Method: rate.ZipSpan, Match: "92101", Rate: "0"},
		{Method: rate.ZipSpan, Match: "92000-92199", Rate: "100"}, {Method: rate.Zip4, Match: "92101-1234", Rate: "1."},
		{Method: rate.Country, Match: "DE", Rate: "19"}, {Method: rate.IntProv, Match: "CA+ON", Rate: "13"}, {Method: rate.IntZip, Match: "CA+M5*", Rate: "13"},
	}
	for _, r := range good {
		if err := r.Validate(); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	for path, r := range map[string]rate.Rule{
		"/method":  {Method: "planet", Match: "Earth", Rate: "1"},
		"/match":   {Method: rate.Country, Match: "Germany", Rate: "1"},
		"/rate":    {Method: rate.Country, Match: "DE", Rate: "101"},
		"/apply":   {Method: rate.Country, Match: "DE", Rate: "1", Apply: 64},
		"/zone":    {Method: rate.Country, Match: "DE", Rate: "1", Zone: strings.Repeat("z", 81)},
		"/expires": {Method: rate.Country, Match: "DE", Rate: "1", Expires: "20301301"},
	} {
		if err := r.Validate(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), path+":") {
			t.Errorf("%s is not refused: %v", path, err)
		}
	}
}
