package perlnum

import "strings"

// Weight reads a weight in ounces, or in pounds and ounces ("2#8" is 40 ounces;
// either part may be missing). White space is ignored, nothing is zero. It
// reports false for anything else.
func (a *Arith) Weight(s string) (Num, bool) {
	s = strings.Join(strings.Fields(s), "")
	if s == "" {
		return a.Int(0), true
	}
	pounds, ounces, both := strings.Cut(s, "#")
	if !both {
		pounds, ounces = "", s
	}
	if (pounds != "" && !plainNumber(pounds)) || (ounces != "" && !plainNumber(ounces)) {
		return a.Int(0), false
	}
	if !both {
		return a.Parse(ounces), true
	}
	return a.Parse(ounces).Add(a.Parse(pounds).Times(16)), true
}

// WeightModifier splits a weight modifier ("+1#", "=2#8", "-4") into its sign
// characters and the weight; it reports false if that is none.
func (a *Arith) WeightModifier(s string) (sign string, w Num, ok bool) {
	s = strings.Join(strings.Fields(s), "")
	if s != "" && strings.IndexByte("+-=", s[0]) >= 0 {
		sign, s = s[:1], s[1:]
	}
	if strings.Contains(s, "%") {
		sign, s = sign+"%", strings.ReplaceAll(s, "%", "")
	}
	w, ok = a.Weight(s)
	return sign, w, ok
}

// plainNumber reports whether s is digits with at most one dot, and not the dot
// alone.
func plainNumber(s string) bool {
	digits, dots := 0, 0
	for i := range len(s) {
		switch {
		case isDigit(s[i]):
			digits++
		case s[i] == '.':
			dots++
		default:
			return false
		}
	}
	return digits > 0 && dots <= 1
}
