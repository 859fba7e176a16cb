package option

import (
	"strings"
	"time"

	"github.com/rackless/rackless/shared/perlnum"
)

// TextFees returns the fees for a buyer's text, per character A–Z and 0–9, word
// and line, each rounded, and how it was counted (CommerceRack cart
// specification, §3.3).
func TextFees(a *perlnum.Arith, g *Group, text string) (perlnum.Num, string) {
	fee := a.Int(0)
	var notes []string
	count := func(each string, n int64, what string) {
		if rate := a.Parse(each); rate.Sign() > 0 {
			fee = fee.Add(rate.Times(n).Round())
			notes = append(notes, a.Int(n).String()+" "+what)
		}
	}
	count(g.FeePerChar, characters(text), "characters")
	count(g.FeePerWord, words(text), "words")
	count(g.FeePerLine, lines(text), "lines")
	return fee, strings.Join(notes, " ")
}

func characters(text string) int64 {
	n := int64(0)
	for _, c := range []byte(text) {
		if (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') {
			n++
		}
	}
	return n
}

// words counts as a split at runs of other characters does: text that begins
// with one has an empty first word, trailing ones add nothing.
func words(text string) int64 {
	return split(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

func lines(text string) int64 {
	return split(text, func(r rune) bool { return r == '\n' || r == '\r' })
}

func split(text string, separator func(rune) bool) int64 {
	n := int64(len(strings.FieldsFunc(text, separator)))
	if n > 0 && strings.IndexFunc(text, separator) == 0 {
		n++
	}
	return n
}

// rushFee returns the fee for a date, MM/DD/YYYY, that is close.
func rushFee(a *perlnum.Arith, g *Group, date string, today time.Time) perlnum.Num {
	day, err := time.Parse("1/2/2006", date)
	if err != nil {
		return a.Int(0)
	}
	midnight := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC)
	if day.Sub(midnight) > time.Duration(g.RushDays)*24*time.Hour {
		return a.Int(0)
	}
	return a.Parse(g.RushFee)
}
