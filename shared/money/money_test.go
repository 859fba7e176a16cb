package money_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
)

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"amount":"12.3","currency":"USD"}`:     `{"amount":"12.30","currency":"USD"}`,
		`{"amount":"12.345","currency":"USD"}`:   `{"amount":"12.345","currency":"USD"}`,
		`{"amount":"-0.005","currency":"KWD"}`:   `{"amount":"-0.005","currency":"KWD"}`,
		`{"amount":"500","currency":"JPY"}`:      `{"amount":"500","currency":"JPY"}`,
		`{"amount":"1.2500","currency":"CLF"}`:   `{"amount":"1.2500","currency":"CLF"}`,
		`{"amount":"000.10","currency":"EUR"}`:   `{"amount":"0.10","currency":"EUR"}`,
		`{"amount":"99999999","currency":"HUF"}`: `{"amount":"99999999.00","currency":"HUF"}`,
	} {
		var m money.Money
		if err := json.Unmarshal([]byte(in), &m); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got, err := json.Marshal(m)
		if err != nil || string(got) != want {
			t.Errorf("%s became %s (err %v), want %s", in, got, err, want)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`{"amount":12.3,"currency":"USD"}`,
		`{"amount":"1e9","currency":"USD"}`,
		`{"amount":"","currency":"USD"}`,
		`{"amount":"-","currency":"USD"}`,
		`{"amount":"1.2.3","currency":"USD"}`,
		`{"amount":"1.","currency":"USD"}`,
		`{"amount":"1-","currency":"USD"}`,
		`{"amount":"1234567890123456789012345","currency":"USD"}`,
		`{"amount":"1","currency":"usd"}`,
		`{"amount":"1","currency":"XXX"}`,
		`{"amount":"1"}`,
		`[]`,
	} {
		var m money.Money
		if err := json.Unmarshal([]byte(in), &m); err == nil {
			t.Errorf("%s was accepted as %v", in, m)
		}
	}
}

func TestParseNamesEveryField(t *testing.T) {
	t.Parallel()
	_, err := money.Parse("1x", "dollars")
	e, ok := err.(*fault.Error)
	if !ok || e.Kind != fault.Invalid || len(e.Fields) != 2 {
		t.Fatalf("got %v, want an Invalid refusal of two fields", err)
	}
	if e.Fields[0].Path != "/amount" || e.Fields[1].Path != "/currency" {
		t.Errorf("paths %v", e.Fields)
	}
}

func TestMinor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount, currency string
		want             int64
		ok               bool
	}{
		{"12.34", "USD", 1234, true},
		{"-12.340", "USD", -1234, true},
		{"12.345", "USD", 0, false},
		{"12.345", "BHD", 12345, true},
		{"12", "JPY", 12, true},
		{"12.5", "JPY", 0, false},
		{"92233720368547758.07", "USD", math.MaxInt64, true},
		{"92233720368547758.08", "USD", 0, false},
	} {
		m, err := money.Parse(c.amount, c.currency)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Minor()
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%v: %d, %v; want %d, ok %v", m, got, err, c.want, c.ok)
		}
		if c.ok && !money.FromMinor(got, c.currency).Amount.Equal(m.Amount) {
			t.Errorf("%v does not come back from %d minor units", m, got)
		}
	}
	if _, err := (money.Money{Amount: decimal.New(1, 0)}).Minor(); err == nil {
		t.Error("an amount without currency has minor units")
	}
}

func TestFromMinorPanicsWithoutCurrency(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	money.FromMinor(1, "")
}

func TestString(t *testing.T) {
	t.Parallel()
	if got := money.FromMinor(-5, "USD").String(); got != "-0.05 USD" {
		t.Errorf("got %q", got)
	}
}

func TestExponentsCoverTheList(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{"USD": 2, "JPY": 0, "TND": 3, "UYW": 4, "AFN": 2} {
		if got, ok := money.Exponent(code); !ok || got != want {
			t.Errorf("Exponent(%s) = %d, %v; want %d", code, got, ok, want)
		}
	}
	if _, ok := money.Exponent("XTS"); ok {
		t.Error("the test currency counts as real")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("12.34", "USD")
	f.Add("-.5", "JPY")
	f.Fuzz(func(t *testing.T, amount, currency string) {
		m, err := money.Parse(amount, currency)
		if err != nil {
			return
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var back money.Money
		if err := json.Unmarshal(text, &back); err != nil || !back.Amount.Equal(m.Amount) {
			t.Fatalf("%q came back as %v (%v)", amount, back, err)
		}
	})
}
