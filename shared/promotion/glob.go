package promotion

import "strings"

// glob is one element of a product list, in capitals: * stands for any text, a
// dot for one character.
type glob string

// globs takes a product list apart, unless it has characters that need a
// regular expression.
func globs(text string) ([]glob, bool) {
	list := []glob{}
	for part := range strings.FieldsFuncSeq(strings.ToUpper(text), separates) {
		part = parentheses.Replace(part)
		for i := range len(part) {
			if c := part[i]; c >= 0x80 || strings.IndexByte(`[]{}\+^$|?`, c) >= 0 {
				return nil, false
			}
		}
		list = append(list, glob(part))
	}
	return list, len(list) > 0
}

var parentheses = strings.NewReplacer("(", "", ")", "")

func separates(r rune) bool { return r == ' ' || r == '\n' || r == '\r' || r == ',' }

// matches compares without regard to case.
func (g glob) matches(key string) bool {
	star, resume := -1, 0 // where to go on after the last *
	at, k := 0, 0
	for k < len(key) {
		switch {
		case at < len(g) && g[at] == '*':
			star, resume = at, k
			at++
		case at < len(g) && (g[at] == '.' || g[at] == upper(key[k])):
			at++
			k++
		case star < 0:
			return false
		default:
			resume++
			at, k = star+1, resume
		}
	}
	return strings.Trim(string(g[at:]), "*") == ""
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
