package card_test

import (
	"testing"

	"github.com/rackless/rackless/shared/payment/card"
)

func TestContains(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"4111111111111111":             true,
		"4111 1111 1111 1111":          true,
		"4111 1111 1111 1111 1":        true,
		"4111-1111-1111-1111":          true,
		"378282246310005":              true,
		"4222222222222":                true,
		"tok|4242424242424242|x":       true,
		"card:4242424242424242.":       true,
		"4111111111111112":             false, // check digit
		"0000000000000000":             false,
		"41111111111111111111":         false, // 20 digits
		"411111111111":                 false, // 12 digits
		"4111x1111x1111x1111":          false,
		"4111  1111 1111 1111":         false, // two spaces
		"pm_1MqLiJLkdIwHu7ixUEgbFdYF":  false,
		"1929153842|1843139450":        false,
		"COMMON.ACCEPT.INAPP.PAYMENT|": false,
		"4111111111111111 1226":        true,
		"12 4111111111111111":          true,
		"":                             false,
	} {
		if got := card.Contains(text); got != want {
			t.Errorf("Contains(%q) = %t, want %t", text, got, want)
		}
	}
}

func TestWritten(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"my card is 4111 1111 1111 1111, thanks": true,
		"378282246310005":                        true,
		"3782-822463-10005":                      true,
		"2223003122003222":                       true,
		"30569309025904":                         true,
		"3530111333300000":                       true,
		"6200000000000005":                       true,
		"4111111111111112":                       false, // check digit
		"1234567812345670":                       false, // nobody's, though the check digit is right
		"4006381333931":                          false, // a book or a pen: EAN-13 with another check digit
		"9400111899223197428490":                 false, // a parcel
		"":                                       false,
	}
	for text, want := range tests {
		if got := card.Written(text); got != want {
			t.Errorf("Written(%q) is %v, want %v", text, got, want)
		}
	}
}
