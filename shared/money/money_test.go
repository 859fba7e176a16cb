package money_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

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

func TestAllocate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		total   int64
		weights []int64
		want    []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{10, []int64{0, 0}, []int64{5, 5}},
		{1, []int64{0, 5}, []int64{0, 1}},
		{5, []int64{3, 7}, []int64{2, 3}},   // 1.5 and 3.5: the tie goes to the earlier
		{11, []int64{-1, 3}, []int64{3, 8}}, // 2.75 and 8.25
		{math.MaxInt64, []int64{math.MaxInt64, math.MaxInt64}, []int64{math.MaxInt64/2 + 1, math.MaxInt64 / 2}},
		{7, nil, nil},
	} {
		if diff := cmp.Diff(c.want, money.Allocate(c.total, c.weights)); diff != "" {
			t.Errorf("Allocate(%d, %v): %s", c.total, c.weights, diff)
		}
	}
	if got := money.Split(5, 3); !slices.Equal(got, []int64{2, 2, 1}) {
		t.Errorf("Split(5, 3) = %v", got)
	}
	if got := money.Split(5, 0); got != nil {
		t.Errorf("Split(5, 0) = %v", got)
	}
}

func TestAllocateLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(-1e15, 1e15).Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1e12), 1, 40).Draw(t, "weights")
		var sum, all int64
		for _, w := range weights {
			all += w
		}
		for i, p := range money.Allocate(total, weights) {
			sum += p
			if p != 0 && (p < 0) != (total < 0) {
				t.Fatalf("part %d has the wrong sign: %d of %d", i, p, total)
			}
			if all == 0 {
				continue
			}
			exact := decimal.New(total, 0).Mul(decimal.New(weights[i], 0)).Div(decimal.New(all, 0))
			if decimal.New(p, 0).Sub(exact).Abs().GreaterThanOrEqual(decimal.New(1, 0)) {
				t.Fatalf("part %d is %d, its share %s", i, p, exact)
			}
		}
		if sum != total {
			t.Fatalf("parts add up to %d, not %d", sum, total)
		}
	})
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
