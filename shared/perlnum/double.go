package perlnum

import (
	"math"
	"strconv"
	"strings"
)

// numericPrefix returns the longest prefix of s that Perl takes for a decimal
// number, without leading white space; "" if there is none.
func numericPrefix(s string) string {
	s = strings.TrimLeft(s, " \t\n\r\f\v")
	i := 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	digits := 0
	for i < len(s) && isDigit(s[i]) {
		i, digits = i+1, digits+1
	}
	if i < len(s) && s[i] == '.' {
		i++
		for i < len(s) && isDigit(s[i]) {
			i, digits = i+1, digits+1
		}
	}
	if digits == 0 {
		return ""
	}
	if j := i; j < len(s) && (s[j] == 'e' || s[j] == 'E') {
		j++
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if k := j; k < len(s) && isDigit(s[k]) {
			for k < len(s) && isDigit(s[k]) {
				k++
			}
			if k-j <= 3 {
				i = k
			}
		}
	}
	return strings.TrimSuffix(strings.TrimPrefix(s[:i], "+"), ".")
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseFloat reads what numericPrefix returned; overflow gives infinity.
func parseFloat(s string) float64 {
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

// fixed2 is what remains of x after printf("%.2f") and reading it again.
func fixed2(x float64) float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	var buf [64]byte
	return parseFloat(string(strconv.AppendFloat(buf[:0], x, 'f', 2, 64)))
}

// healedInt is x printed with six decimals and cut at the point.
func healedInt(x float64) int64 {
	t := math.Trunc(x)
	if math.Abs(x-t) > 0.999999 {
		t = math.Trunc(parseFloat(strconv.FormatFloat(x, 'f', 6, 64)))
	}
	return clampInt(t)
}

// formatG15 is C's printf("%.15g").
func formatG15(x float64) string {
	s := strconv.FormatFloat(x, 'e', 14, 64)
	mantissa, exp, ok := strings.Cut(s, "e")
	if !ok { // Inf, NaN
		return s
	}
	e, _ := strconv.Atoi(exp)
	if e < -5 || e >= 15 {
		m := strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		if e < 0 {
			return m + "e-" + pad2(-e)
		}
		return m + "e+" + pad2(e)
	}
	s = strconv.FormatFloat(x, 'f', max(14-e, 0), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func pad2(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}
