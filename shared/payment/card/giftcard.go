package card

import "strings"

// The results of checking a gift card's code.
const (
	CodeOK       = 0
	BadStart     = 1
	BadLetter    = 2
	BadCheckChar = 3
)

// CodeLength is the length of a gift card's code, without separators.
const CodeLength = 16

const base36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Code leaves the separators out of a gift card's code.
func Code(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || '\t' <= r && r <= '\r' {
			return -1
		}
		return r
	}, strings.ToUpper(s))
}

// CheckCode checks the code of a gift card: it starts with a digit, has none
// of the letters that look like digits, and ends with its check character
// (payments specification, §9).
func CheckCode(s string) int {
	code := Code(s)
	if code == "" || !isDigit(code[0]) {
		return BadStart
	}
	body, last := code[:len(code)-1], code[len(code)-1]
	if strings.ContainsAny(body, "LISO") {
		return BadLetter
	}
	if len(code) != CodeLength || CheckChar(body) != last {
		return BadCheckChar
	}
	return CodeOK
}

// CheckChar is the check character of a code's first characters: their sum in
// base 36.
func CheckChar(body string) byte {
	sum := 0
	for i := range len(body) {
		if v := strings.IndexByte(base36, body[i]); v > 0 {
			sum += v
		}
	}
	return base36[sum%36]
}

// Grouped writes a code in groups of four.
func Grouped(s string) string {
	code := Code(s)
	var groups []string
	for len(code) > 4 {
		groups, code = append(groups, code[:4]), code[4:]
	}
	return strings.Join(append(groups, code), "-")
}

// MaskedCode shows the first and the last four characters of a code.
func MaskedCode(s string) string { return maskCode(s, "-xxxx-xxxx-") }

// ShortCode is the short form of MaskedCode.
func ShortCode(s string) string { return maskCode(s, "..") }

func maskCode(s, between string) string {
	code := Code(s)
	if len(code) < 8 {
		return strings.Repeat("x", len(code))
	}
	return code[:4] + between + code[len(code)-4:]
}
