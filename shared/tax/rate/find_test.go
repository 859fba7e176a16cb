package rate_test

import (
	"testing"
	"time"

	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/tax/rate"
)

var (
	exact = perlnum.Exact(perlnum.HalfUp, 2)
	today = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
)

func TestFind(t *testing.T) {
	t.Parallel()
	type rule = rate.Rule
	sanDiego := rate.Destination{Region: "ca", City: "San Diego", Postal: "92101-1234"}
	toronto := rate.Destination{Country: "CA", Region: "Ontario", Postal: "M5V 2T6"}
	for name, c := range map[string]struct {
		rules  []rule
		to     rate.Destination
		quirks perlnum.Quirk
		want   string
	}{
		"state":            {[]rule{{Method: rate.State, Match: "CA", Rate: "7.25"}}, sanDiego, 0, "7.25"},
		"other_state":      {[]rule{{Method: rate.State, Match: "NY", Rate: "7.25"}}, sanDiego, 0, "0"},
		"last_state":       {[]rule{{Method: rate.State, Match: "CA", Rate: "7.25"}, {Method: rate.Country, Match: "US", Rate: "1"}}, sanDiego, 0, "1"},
		"state_and_local":  {[]rule{{Method: rate.State, Match: "CA", Rate: "7.25"}, {Method: rate.City, Match: "CA+San*", Rate: "0.5"}}, sanDiego, 0, "7.75"},
		"expired":          {[]rule{{Method: rate.State, Match: "CA", Rate: "7.25", Expires: "20260701"}}, sanDiego, 0, "0"},
		"not_yet_expired":  {[]rule{{Method: rate.State, Match: "CA", Rate: "7.25", Expires: "20260702"}}, sanDiego, 0, "7.25"},
		"span":             {[]rule{{Method: rate.ZipSpan, Match: "92000-92199", Rate: "1"}}, sanDiego, 0, "1"},
		"one_zip":          {[]rule{{Method: rate.ZipSpan, Match: "92101", Rate: "1"}}, sanDiego, 0, "1"},
		"span_reversed":    {[]rule{{Method: rate.ZipSpan, Match: "92199-92000", Rate: "1"}}, sanDiego, 0, "1"},
		"reversed_quirk":   {[]rule{{Method: rate.ZipSpan, Match: "92199-92000", Rate: "1"}}, sanDiego, perlnum.HalfSpan, "0"},
		"zip4":             {[]rule{{Method: rate.Zip4, Match: "92101-1234", Rate: "1"}}, sanDiego, 0, "1"},
		"zip4_quirk":       {[]rule{{Method: rate.Zip4, Match: "92101-1234", Rate: "1"}}, sanDiego, perlnum.LoseZip4, "0"},
		"zip4_missing":     {[]rule{{Method: rate.Zip4, Match: "92101-1234", Rate: "1"}}, rate.Destination{Postal: "92101"}, 0, "0"},
		"province":         {[]rule{{Method: rate.IntProv, Match: "CA+ON", Rate: "13"}}, toronto, 0, "13"},
		"postal_pattern":   {[]rule{{Method: rate.IntZip, Match: "CA+M5*6", Rate: "13"}}, toronto, 0, "13"},
		"another_country":  {[]rule{{Method: rate.State, Match: "ON", Rate: "13"}, {Method: rate.IntZip, Match: "GB+M5*", Rate: "1"}}, toronto, 0, "0"},
		"unknown_province": {[]rule{{Method: rate.IntProv, Match: "CA+ATLANTIS", Rate: "13"}}, rate.Destination{Country: "CA", Region: "Atlantis"}, 0, "13"},
		"unknown_method":   {[]rule{{Method: "planet", Match: "Earth", Rate: "13"}}, toronto, 0, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := *exact
			a.Quirks = c.quirks
			if got := rate.Find(&a, c.rules, c.to, today).Combined(&a).String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	rules := []rate.Rule{
		{Method: rate.State, Match: "CA", Rate: "7.25", Apply: rate.ApplyItems | rate.ApplyShipping, Zone: "CA"},
		{Method: rate.ZipSpan, Match: "92101", Rate: "1", Zone: "SD"},
		{Method: rate.Country, Match: "DE", Rate: "19"},
	}
	on := rate.Amounts{Subtotal: exact.Int(100), Shipping: exact.Int(10), Handling: exact.Int(5)}
	e := rate.Evaluate(exact, rules, rate.Destination{Region: "CA", Postal: "92101"}, on, today)
	if e.StateTotal.String() != "7.98" || e.LocalTotal.String() != "1" || e.Base.String() != "100" || e.Rate.String() != "8.25" || e.Total.String() != "8.25" {
		t.Errorf("state %s, local %s of %s, in all %s %% or %s", e.StateTotal, e.LocalTotal, e.Base, e.Rate, e.Total)
	}
	if *e.Zone != "SD" || e.Apply != rate.ApplyItems|rate.ApplyShipping {
		t.Errorf("zone %s, applies to %d", *e.Zone, e.Apply)
	}
}
