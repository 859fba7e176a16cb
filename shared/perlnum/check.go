package perlnum

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rackless/rackless/shared/money"
)

// The original reads any text as some number. What a shop configures anew must
// be a number; these functions say what is wrong with a text, and where.

// CheckAmount accepts an amount, "", a dollar sign in front and a last dot.
func CheckAmount(s string) error {
	if s == "" {
		return nil
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "$"), ".")
	_, err := money.ParseDecimal(s)
	return err
}

// CheckModifier accepts a price modifier: "+1.50", "-10%", "=5", "$-3" or "".
func CheckModifier(s string) error {
	if s == "" {
		return nil
	}
	digits, dots, sign := 0, 0, 0
	for i := range len(s) {
		c := s[i]
		ok := true
		switch {
		case isDigit(c):
			digits++
		case c == '.':
			dots++
			ok = dots == 1
		case c == '+' || c == '-' || c == '=':
			sign++
			ok = digits == 0 && dots == 0 && sign <= 2
		case c == '$' || c == ' ':
			ok = digits == 0 && dots == 0
		case c == '%':
			ok = i == len(s)-1
		default:
			ok = false
		}
		if !ok {
			return fmt.Errorf("must be a modifier such as +1.50, -10%% or =5; %q at position %d is not expected", s[i:i+1], i+1)
		}
	}
	if digits == 0 || digits > maxCheckedDigits {
		return errors.New("must be a modifier such as +1.50, -10% or =5")
	}
	return nil
}

const maxCheckedDigits = 24

// CheckWeight accepts a weight in ounces, or in pounds and ounces.
func CheckWeight(s string) error {
	if _, ok := (&Arith{}).Weight(s); !ok || len(s) > maxCheckedDigits {
		return errors.New("must be a weight such as 8 (ounces) or 1#8 (pounds and ounces)")
	}
	return nil
}

// CheckWeightModifier accepts a weight modifier: "+1#", "=2#8", "-10%".
func CheckWeightModifier(s string) error {
	if _, _, ok := (&Arith{}).WeightModifier(s); !ok || len(s) > maxCheckedDigits {
		return errors.New("must be a weight modifier such as +8 or =1#8")
	}
	return nil
}
