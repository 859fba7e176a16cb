package promotion_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/perlnum"
	"github.com/rackless/rackless/shared/promotion"
)

var exact = perlnum.Exact(perlnum.HalfUp, 2)

// facts is a Wednesday afternoon: 2 mugs at 10, one of them sold elsewhere, and
// a lamp at 25 with an option.
func facts() *promotion.Facts {
	return &promotion.Facts{
		Lines: []line.Line{
			{STID: "77*MUG", Qty: 2, Price: exact.Parse("10"), Weight: exact.Int(8), Description: "Blue Mug"},
			{STID: "LAMP:A0/B1AB", Qty: 1, Price: exact.Parse("25"), Weight: exact.Int(40), Description: "Desk lamp", Attributes: map[string]string{"my:color": "red", "my:watts": "40"}},
		},
		Coupons: []string{"SAVE10"}, Country: "US", Region: "CA", Postal: "92101", Address1: "1 Main St", HasStreet: true,
		Schedule: "WS", Referrer: "https://search.example/?q=mugs", IPAddress: "192.0.2.7", Site: "B", Sandbox: true,
		Shipping: exact.Parse("8"), Now: time.Date(2026, 7, 1, 15, 30, 0, 0, time.UTC), Weight: exact.Int(56),
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"IS_TRUE": true, "IGNORE": false, "NOTHING_IN_FILTER|SOFA": true, "SOME_IN_FILTER|mug": true, "SOME_IN_FILTER|SOFA": false,
		"TWO_IN_FILTER|MUG": true, "THREE_IN_FILTER|MUG": false, "THREE_IN_FILTER|MUG,LAMP*": true, "ALL_IN_FILTER|*": true,
		"ALL_IN_FILTER|MUG": false, "ALL_NOT_PRESENT|MUG": true, "FILTER_IS_SUBSTRING|desk*": true, "FILTER_IS_SUBSTRING|chair": false,
		"CRAZY_FILTER|MUG": true, "CRAZY_FILTER|MUG,LAMP": false, "POGMATCH|:A0": true, "POGMATCH|/B1AB": true, "POGMATCH|:C": false, "STIDMATCH/GT|MUG|1": true,
		"STIDMATCH/EQ|MUG|2": true, "STIDMATCH/LT|MUG|2": false, "STIDTOTAL/GT|MUG|$19.99": true, "STIDTOTAL/LT|MUG|20": false,
		"HAS_CLAIM": true, "SUBSTRING_MATCH|Desk_lamp": true, "SUBSTRING_MATCH|Chair": false, "SUBTOTAL/GT||44.99": true, "SUBTOTAL/LT||45": false,
		"TRUE_SUBTOTAL/GT|44": true, "WEIGHT/GT|3#": true, "WEIGHT/LT|3#": false, "WEIGHT/GT|heavy": true, "SHIPPING/GT|7.99": true,
		"SHIPPING/LT|8": false, "COUPON/ANY|SAVE*": true, "COUPON/ANY|OTHER": false, "STATE_MATCH|NY,CA": true, "STATE_MATCH|NY": false,
		"COUNTRYCODE_MATCH|US": true, "COUNTRY_MATCH|Canada": false, "COUNTRY_MATCH|United_States": true, "SCHEDULE_MATCH|WS": true,
		"SCHEDULE_MATCH|WT": false, "IPADDR_MATCH|192.0.2.*": true, "IPADDR_MATCH|10.0.*": false, "IS_POBOX": false, "HAS_DOM_ADDRESS": true,
		"META/EXACT||https://SEARCH.example/?q=mugs": true, "META/EXACT||other": false, "META/FUZZY|mugs": true, "META/FUZZY|lamps": false,
		"MULTIVARSITE/A": false, "MULTIVARSITE/B": true, "SANDBOX/YES": true, "SANDBOX/NO": false, "DATE/GT||20260701153001": true,
		"DATE/LT||20260701153001": false, "DATE/LT|2026-07-01 15:29:59": true, "DATE/GT|soon": false, "DAY_OF_WEEK|1,3": true, "DAY_OF_WEEK|7": false,
		"TIME_PAST|14:15": true, "TIME_PAST|14:45": false, "TIME_PAST|late": false, "TIME_PAST|14.15": false,
		"SOME_IN_FILTER|@@my:color==red": true, "SOME_IN_FILTER|@@my:color<>red": true, "ALL_IN_FILTER|@@my:color<>red": false,
		"SOME_IN_FILTER|@@my:watts>=41\nmy:watts<=39\nbroken": true, "SOME_IN_FILTER|@@my:watts>=41": false, "SOME_IN_FILTER|[ML].*": true,
		"UNKNOWN": false,
	} {
		parts := append(strings.Split(text, "|"), "", "")
		c, err := promotion.Compile(promotion.Rule{Match: parts[0], Filter: parts[1], MatchValue: parts[2]})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Test(exact, facts()).Applies; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestPOBox(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line1, line2, region string
		known                bool
		want                 int
	}{
		{"", "", "AE", false, 10}, {"", "", "CA", false, -1}, {"P.O. Box 12", "", "CA", true, 1}, {"1 Main St", "po box 7", "CA", true, 1},
		{"POB 12", "", "CA", true, 2}, {"1 Main St", "", "CA", true, 0},
	} {
		if got := promotion.POBox(c.line1, c.line2, c.region, c.known); got != c.want {
			t.Errorf("%q %q %s: %d, want %d", c.line1, c.line2, c.region, got, c.want)
		}
	}
}

// Coupon actions under exact arithmetic on 45.00 of goods in 2 lines, 3 pieces.
func TestActions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SET|-5": "-5 1", "SET|-10%": "-4.5 1", "SET|$-3": "-3 1", "SET|-100": "-45 1", "SET|5": "0 1", "ADD*ONE|$-3": "-3 1", "ADD*ONE|-10%": "-4.5 1",
		"ADD*MATCHITEM|-10%": "-2 1", "ADD*MATCHITEM|-1": "-1 1", "ADD*MATCHITEMS|-1": "-2 1", "ADD*MATCHITEMS|-50%": "-10 1", "ADD*MATCHITEMS2|-50%": "-5 1",
		"ADD*MATCHITEMS2|-3": "-3 1", "ADD*MATCHITEMS0|-3": "-6 1", "ADD*MATCHSKU|-1": "-2 1", "ADD*MATCHSKU|-50%": "-5 1", "ADD*MATCHLINES|-50%": "-5 1",
		"ADD*MATCHLINES|-2": "-2 1", "ADD*ALLSKU|-1": "-2 1", "ADD*ALLITEMS|-1": "-3 1", "ADD*EFFECTIVESUBTOTAL|-10%": "-4.5 1", "SETQTY*MATCHSKU|-1": "-1 1",
		"SETQTY*MATCHITEM|-1": "-1 2", "SETQTY*MATCHITEM2|-1": "-1 1", "SETQTY*ALLSKU|-1": "-1 2", "SETQTY*ALLITEMS|-1": "-1 3",
		"MATCHADD*BOGO|-100%": "-10 1", "MATCHADD*B2GO|-100%": "0 1", "MATCHADD*ONLY1|-50%": "-5 1", "MATCHADD*NONE|-50%": "0 1", "UNKNOWN|-1": "0 1",
	} {
		exec, value, _ := strings.Cut(text, "|")
		f := facts()
		c, err := promotion.Compile(promotion.Rule{Match: "SOME_IN_FILTER", Filter: "MUG", Exec: exec, Value: value})
		if err != nil {
			t.Fatal(err)
		}
		if reason := promotion.Apply(exact, f, &promotion.Coupon{Code: "c"}, []promotion.Compiled{c}); reason != "" {
			t.Errorf("%s: %s", text, reason)
		}
		last := f.Lines[len(f.Lines)-1]
		if got := last.Price.String() + " " + exact.Int(last.Qty).String(); got != want || last.STID != "%C" {
			t.Errorf("%s: %s %s, want %s", text, last.STID, got, want)
		}
	}
}

func TestRulesThatEndAList(t *testing.T) {
	t.Parallel()
	off := promotion.Rule{Match: "TRUE", Exec: "SET", Value: "-5"}
	for name, c := range map[string]struct {
		rules  []promotion.Rule
		quirks perlnum.Quirk
		lines  int
		reason string
	}{
		"empty":            {nil, 0, 2, "its rule list is empty"},
		"condition":        {[]promotion.Rule{{Match: "IGNORE", Exec: "SET"}}, 0, 2, "its condition IGNORE does not hold"},
		"gogo_holds":       {[]promotion.Rule{{Match: "TRUE", Exec: "GOGO"}, off}, 0, 3, ""},
		"gogo_stops":       {[]promotion.Rule{{Match: "IGNORE", Exec: "GOGO"}, off}, 0, 2, "its rule list is empty"},
		"stop":             {[]promotion.Rule{{Match: "TRUE", Exec: "STOP"}, off}, 0, 2, "its rule list is empty"},
		"stop_after":       {[]promotion.Rule{off, {Match: "TRUE", Exec: "STOP"}, {Match: "TRUE", Exec: "SET", Value: "-9"}}, 0, 3, "stopped by TRUE"},
		"remove_goes_on":   {[]promotion.Rule{off, {Match: "TRUE", Exec: "REMOVE"}}, 0, 2, "removed by its rule"},
		"disable":          {[]promotion.Rule{off, {Match: "TRUE", Exec: "DISABLE"}, off}, 0, 2, "removed by its rule"},
		"remove_is_quirky": {[]promotion.Rule{off, {Match: "TRUE", Exec: "REMOVE"}}, perlnum.KeepRemoved, 3, "removed by its rule"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts()
			var compiled []promotion.Compiled
			for _, r := range c.rules {
				one, err := promotion.Compile(r)
				if err != nil {
					t.Fatal(err)
				}
				compiled = append(compiled, one)
			}
			a := *exact
			a.Quirks = c.quirks
			reason := promotion.Apply(&a, f, &promotion.Coupon{Code: "C", Stackable: true}, compiled)
			if reason != c.reason || len(f.Lines) != c.lines {
				t.Errorf("%q and %d lines, want %q and %d", reason, len(f.Lines), c.reason, c.lines)
			}
		})
	}
}

func TestListsAndCouponsAreValidated(t *testing.T) {
	t.Parallel()
	good := promotion.RuleList{ID: "SHIP-GROUND", Rules: []promotion.Rule{{Match: "TRUE", Exec: "SHIP/ADD-VALUE", Value: "+10%"}}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"LIST|TRUE|STOP||":                "/id",
		"COUPON-A|MOON|SET||":             "/rules/0/match",
		"COUPON-A|TRUE|SHIP/DISABLE||":    "/rules/0/exec",
		"SHIP-A|TRUE|SET||":               "/rules/0/exec",
		"COUPON-A|TRUE|MATCHADD*B9GO||":   "/rules/0/exec",
		"COUPON-A|TRUE|SET|-1x|":          `/rules/0/value: must be a modifier such as +1.50, -10% or =5; "x" at position 3`,
		"COUPON-A|SOME_IN_FILTER|SET||A[": "/rules/0/filter",
		"COUPON-A|COUPON/ANY|SET||A[":     "/rules/0/filter",
	} {
		p := strings.Split(text, "|")
		list := promotion.RuleList{ID: p[0], Rules: []promotion.Rule{{Match: p[1], Exec: p[2], Value: p[3], Filter: p[4]}}}
		if err := list.Validate(); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if err := (promotion.RuleList{ID: "SHIP-A", Rules: make([]promotion.Rule, 201)}).Validate(); !strings.Contains(err.Error(), "/rules:") {
		t.Error(err)
	}
	if err := (promotion.Coupon{Code: "A", Begins: 1, Expires: 2}).Validate(); err != nil {
		t.Error(err)
	}
	err := promotion.Coupon{Code: "a", Title: strings.Repeat("t", 121), Begins: -1, Expires: -2}.Validate()
	for _, path := range []string{"/code", "/title", "/begins", "/expires"} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s is not refused: %v", path, err)
		}
	}
}

// FuzzRule compiles and runs rules from anybody; valid ones never fail.
func FuzzRule(f *testing.F) {
	f.Add("SOME_IN_FILTER", "A*,B?", "5", "SET", "-10%")
	f.Add("SOME_IN_FILTER", "@@a:b>=5\n", "", "MATCHADD*BOGO", "$-5")
	f.Add("CRAZY_FILTER", "A|(", "$", "ADD*MATCHITEMS9", "=%")
	f.Fuzz(func(t *testing.T, match, filter, value, exec, change string) {
		r := promotion.Rule{Match: match, Filter: filter, MatchValue: value, Exec: exec, Value: change}
		valid := promotion.RuleList{ID: "COUPON-A", Rules: []promotion.Rule{r}}.Validate() == nil
		c, err := promotion.Compile(r)
		if err != nil {
			if valid {
				t.Fatalf("a valid rule is not understood: %v", err)
			}
			return
		}
		for _, a := range []*perlnum.Arith{perlnum.CommerceRack(), exact} {
			f := facts()
			for i := range f.Lines {
				f.Lines[i].Price, f.Lines[i].Weight = a.Int(10), a.Int(8)
			}
			f.Shipping, f.Weight = a.Int(8), a.Int(56)
			promotion.Apply(a, f, &promotion.Coupon{Code: "A"}, []promotion.Compiled{c})
			if total := line.Total(a, f.Lines, line.All); a == exact && total.Sign() < 0 {
				t.Errorf("the discount exceeds the goods: %s", total)
			}
		}
	})
}
