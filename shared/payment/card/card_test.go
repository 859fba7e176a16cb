package card_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rackless/rackless/shared/payment/card"
	"github.com/rackless/rackless/shared/perlnum"
)

var now = time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC)

func TestBrandsAndMasks(t *testing.T) {
	t.Parallel()
	for number, want := range map[string][3]string{
		"4111111111111111": {"VISA", "XXXX-XXXX-XXXX-1111", "41111xxxxxxx1111"},
		"378282246310005":  {"AMEX", "XXXX-XXXXXX-10005", "37828xxxxxx0005"},
		"5105105105105100": {"MC", "XXXX-XXXX-XXXX-5100", "51051xxxxxxx5100"},
		"6011111111111117": {"NOVUS", "XXXX-XXXX-XXXX-1117", "60111xxxxxxx1117"},
		"4222222222222":    {"VISA", "XXXXXXXXX2222", "42222xxxx2222"},
		"9999999999999999": {"", "XXXX-XXXX-XXXX-9999", "99999xxxxxxx9999"},
		"1234":             {"", "1234", "12341234"},
	} {
		if got := [3]string{string(card.BrandOf(number)), card.Hidden(number), card.Masked(number)}; got != want {
			t.Errorf("%s: %v, want %v", number, got, want)
		}
		if card.LengthOK(number) != (want[0] != "") {
			t.Errorf("%s: the length is wrong", number)
		}
	}
}

func TestLuhn(t *testing.T) {
	t.Parallel()
	for number, want := range map[string][2]bool{ // by itself, and as the original takes it
		"4111111111111111": {true, true}, "4111 1111 1111 1111": {true, true}, "4111111111111112": {false, false},
		"": {false, true}, "0000000000000000": {false, true}, "18": {false, true}, "41111111111111111111111": {false, false},
	} {
		if got := [2]bool{card.Luhn(0, number), card.Luhn(perlnum.LaxCards, number)}; got != want {
			t.Errorf("%q: %v, want %v", number, got, want)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		number, month, year, cvv string
		quirks                   perlnum.Quirk
		want                     string
	}{
		"good":             {"4111-1111-1111-1111", "7", "26", "123", 0, ""},
		"last_month":       {"4111111111111111", "6", "2026", "123", 0, card.Expired},
		"month_13":         {"4111111111111111", "13", "2030", "123", 0, card.Expired},
		"month_0":          {"4111111111111111", "0", "2030", "123", 0, card.Expired},
		"month_0_original": {"4111111111111111", "0", "2030", "123", perlnum.LaxCards, ""},
		"last_century":     {"4111111111111111", "1", "1999", "123", 0, card.Expired},
		"amex_cvv":         {"378282246310005", "1", "2030", "123", 0, card.BadCVV},
		"amex":             {"378282246310005", "1", "2030", "1234", 0, ""},
		"cvv_letters":      {"4111111111111111", "1", "2030", "12a", 0, card.BadCVV},
		"letters":          {"4111x111111111111", "1", "2030", "123", perlnum.LaxCards, card.BadNumber},
		"unknown_brand":    {"9999999999999995", "1", "2030", "1", 0, card.BadNumber},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := card.Verify(c.quirks, c.number, c.month, c.year, &c.cvv, now); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	if got := card.Verify(0, "4111111111111111", "7", "2026", nil, now); got != "" {
		t.Errorf("without check value: %q", got)
	}
}

func TestGiftCardCodes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[0-9]{3}[0-9A-HJKMNP-RT-Z]{12}`).Draw(t, "body")
		code := body + string(card.CheckChar(body))
		if got := card.CheckCode(card.Grouped(code)); got != card.CodeOK {
			t.Fatalf("%s gives %d", code, got)
		}
		wrong := code[:15] + string(card.CheckChar(body+"1"))
		if got := card.CheckCode(wrong); got != card.BadCheckChar {
			t.Fatalf("%s gives %d", wrong, got)
		}
	})
	for code, want := range map[string]int{"": card.BadStart, "Q5032U7QHJ2DH5Z9": card.BadStart, "758APOBW38TKTQPZ": card.BadLetter, "6603VUQFDGB6RV2": card.BadCheckChar} {
		if got := card.CheckCode(code); got != want {
			t.Errorf("%q gives %d, want %d", code, got, want)
		}
	}
	if got := card.MaskedCode("14kx-thb0 NWQCJG6X"); got != "14KX-xxxx-xxxx-JG6X" {
		t.Error(got)
	}
	if got := card.ShortCode("14KX"); got != "xxxx" {
		t.Error(got)
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	packed := card.Pack(map[string]string{"CM": "4111xxxxxxxx1111", "YY": "2030|x", "LONG": "dropped", "a|": "dropped"})
	if packed != "|CM:4111xxxxxxxx1111|YY:2030 x" {
		t.Error(packed)
	}
	if got := card.Unpack(packed); len(got) != 2 || got["YY"] != "2030 x" {
		t.Error(got)
	}
	if got := card.Unpack("CM:4111"); len(got) != 0 {
		t.Error(got)
	}
}

func TestProcessingFees(t *testing.T) {
	t.Parallel()
	a := perlnum.Exact(perlnum.HalfUp, 2)
	configured := map[string]string{"CC_TRANSFEE": "0.30", "CC_DISCRATE": "2.9", "AMEX_DISCRATE": "0"}
	want := map[string][]string{"4111xxxx": {"CC_TRANSFEE 0.3", "CC_DISCRATE 2.9"}, "3782xxxx": {"CC_TRANSFEE 0.3", "CC_DISCRATE 2.9", "AMEX_DISCRATE 0"}, "": {"CC_TRANSFEE 0.3", "CC_DISCRATE 2.9"}}
	for mask, fees := range want {
		got := card.ProcessingFees(a, a.Int(100), mask, configured)
		if len(got) != len(fees) {
			t.Fatalf("%s: %v", mask, got)
		}
		for i, fee := range got {
			if s := fee.Type + " " + fee.Amount.String(); s != fees[i] {
				t.Errorf("%s: %s, want %s", mask, s, fees[i])
			}
		}
	}
}
