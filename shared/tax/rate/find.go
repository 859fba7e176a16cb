package rate

import (
	"regexp"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/perlnum"
)

// Rates are the rates of a destination, in percent; nil where no rule of that
// kind matched.
type Rates struct {
	State *string // of a state or a country
	Local *string // of a city, zip, province or postal code
	Zone  *string // name of the last matching local or country rule
	Apply int     // the mask of the last matching rule that applies to items
}

// Find evaluates a valid rule table for a destination on a day
// (CommerceRack cart specification, §6.1).
func Find(a *perlnum.Arith, rules []Rule, to Destination, today time.Time) Rates {
	m := matcher{a: a, to: to.normalised()}
	m.zip, m.zip4 = splitZip(a, m.to.Postal)
	day := today.Format("20060102")

	var r Rates
	for i := range rules {
		rule := &rules[i]
		if len(rule.Expires) == 8 && day >= rule.Expires {
			continue
		}
		switch m.kind(rule) {
		case stateKind:
			r.State = &rule.Rate
		case localKind:
			r.Local = &rule.Rate
		default:
			continue
		}
		if rule.Method != State {
			r.Zone = &rule.Zone
		}
		if rule.Apply&ApplyItems != 0 {
			r.Apply = rule.Apply
		}
	}
	return r
}

// Combined returns the sum of both rates, in percent, and 0 if there are none.
func (r Rates) Combined(a *perlnum.Arith) perlnum.Num {
	sum := a.Int(0)
	if r.State != nil {
		sum = sum.Add(a.Parse(*r.State))
	}
	if r.Local != nil {
		sum = sum.Add(a.Parse(*r.Local))
	}
	return sum
}

func (d Destination) normalised() Destination {
	d.Country = strings.ToUpper(d.Country)
	if d.Country == "" {
		d.Country = "US"
	}
	d.Region = strings.ToUpper(d.Region)
	d.City = strings.ToUpper(d.City)
	if d.Country == "CA" {
		if code, ok := Province(d.Region); ok {
			d.Region = code
		}
	}
	return d
}

var plusFour = regexp.MustCompile(`^(\d{5})[+-](\d{4})$`)

// splitZip separates the last four digits of a ZIP+4 code. The original loses
// them: what it keeps is the digit 2.
func splitZip(a *perlnum.Arith, postal string) (zip, zip4 string) {
	parts := plusFour.FindStringSubmatch(postal)
	switch {
	case parts == nil:
		return postal, ""
	case a.Has(perlnum.LoseZip4):
		return parts[1], "2"
	}
	return parts[1], parts[2]
}

type kind uint8

const (
	noKind kind = iota
	stateKind
	localKind
)

type matcher struct {
	a    *perlnum.Arith
	to   Destination
	zip  string
	zip4 string
}

func (m *matcher) kind(r *Rule) kind {
	switch r.Method {
	case State:
		if m.to.Country == "US" && m.to.Region == r.Match {
			return stateKind
		}
	case Country:
		if m.to.Country == r.Match {
			return stateKind
		}
	case City:
		if m.city(r.Match) {
			return localKind
		}
	case ZipSpan:
		if m.to.Country == "US" && m.zipSpan(r.Match) {
			return localKind
		}
	case Zip4:
		if m.to.Country == "US" && m.zip+"-"+m.zip4 == r.Match {
			return localKind
		}
	case IntProv:
		if m.abroad(r.Match, m.to.Region) {
			return localKind
		}
	case IntZip:
		if m.abroad(r.Match, m.zip) {
			return localKind
		}
	}
	return noKind
}

// city matches "ST+City": the separator is a run of space, + - . or comma.
func (m *matcher) city(match string) bool {
	state, city := match, ""
	if i := strings.IndexAny(match, " +-.,"); i >= 0 {
		state, city = match[:i], strings.ToUpper(strings.TrimLeft(match[i:], " +-.,"))
	}
	return m.to.Region == state && wildcard(city, m.to.City)
}

// zipSpan matches "from-to" or a single zip, compared as numbers.
func (m *matcher) zipSpan(match string) bool {
	from, to, _ := strings.Cut(match, "-")
	if to == "" {
		to = from
	}
	zip, low, high := m.a.Parse(m.zip), m.a.Parse(from), m.a.Parse(to)
	if high.Less(low) {
		if m.a.Has(perlnum.HalfSpan) {
			low = high
		} else {
			low, high = high, low
		}
	}
	return !zip.Less(low) && !high.Less(zip)
}

// abroad matches "CC+pattern".
func (m *matcher) abroad(match, value string) bool {
	country, pattern, _ := strings.Cut(match, "+")
	return m.to.Country == country && wildcard(strings.ToUpper(pattern), value)
}

// wildcard compares s with a pattern in which the first * stands for any text.
func wildcard(pattern, s string) bool {
	before, after, found := strings.Cut(pattern, "*")
	if !found {
		return s == pattern
	}
	return len(s) >= len(before)+len(after) && strings.HasPrefix(s, before) && strings.HasSuffix(s, after)
}
