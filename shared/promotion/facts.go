package promotion

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/perlnum"
)

// crazy reports whether every element of the filter is in the cart. The list
// is one element unless it is separated by |, so that "A,B" asks for the two
// products in that order, one after the other.
func (c *Compiled) crazy(f *Facts, r *Result) bool {
	keys := ","
	for _, l := range r.Matched {
		keys += l.Key() + ","
	}
	for element := range strings.SplitSeq(c.Filter, "|") {
		if element == "" {
			continue
		}
		re, err := regexp.Compile("(?i)," + element + ",")
		if err != nil || !re.MatchString(keys) {
			return false
		}
	}
	return true
}

// optionMatch looks for options, ":A0" or "/A001", in the lines' identifiers.
// What it finds replaces what the product filter found.
func (c *Compiled) optionMatch(f *Facts, r *Result) bool {
	r.Matches, r.Pieces = 0, 0
	wanted := strings.FieldsFunc(c.Filter, func(x rune) bool { return x == '\n' || x == '\r' || x == ',' })
	for i := range f.Lines {
		options := optionPart(f.Lines[i].STID)
		for _, w := range wanted {
			if strings.Contains(options, strings.Join(strings.Fields(w), "")) {
				r.Matches++
				r.Pieces++
			}
		}
	}
	return r.Matches > 0
}

// optionPart returns ":inventory options/other options" of an stid.
func optionPart(stid string) string {
	if _, after, ok := strings.Cut(stid, "@"); ok {
		stid = after
	}
	stid, others, _ := strings.Cut(stid, "/")
	if _, after, ok := strings.Cut(stid, "*"); ok {
		stid = after
	}
	_, inventory, _ := strings.Cut(stid, ":")
	return ":" + inventory + "/" + others
}

// elsewhere decides the tests that look at destination, visitor and time.
func (c *Compiled) elsewhere(a *perlnum.Arith, f *Facts) bool {
	switch c.Match {
	case "STATE_MATCH":
		return f.Region != "" && c.lists(f.Region)
	case "COUNTRYCODE_MATCH":
		return c.lists(alpha3(f.Country))
	case "COUNTRY_MATCH":
		return c.Filter != "" && c.lists(countryWords(a, f.Country))
	case "SCHEDULE_MATCH":
		return c.lists(f.Schedule)
	case "IPADDR_MATCH":
		return f.IPAddress != "" && c.text.MatchString(f.IPAddress)
	case "IS_POBOX":
		return POBox(f.Address1, f.Address2, f.Region, f.HasStreet) > 0
	case "HAS_DOM_ADDRESS":
		return a.Parse(f.Postal).Sign() > 0
	case "META/EXACT":
		return strings.EqualFold(f.Referrer, strings.ReplaceAll(c.MatchValue, "$", ""))
	case "META/FUZZY":
		return c.referrer(f.Referrer)
	case "MULTIVARSITE/A":
		return f.Site == "A"
	case "MULTIVARSITE/B":
		return f.Site == "B"
	case "SANDBOX/YES":
		return f.Sandbox
	case "SANDBOX/NO":
		return !f.Sandbox
	case "DATE/GT", "DATE/LT":
		return c.date(f.Now)
	case "DAY_OF_WEEK":
		return c.dayOfWeek(a, f.Now)
	case "TIME_PAST":
		return c.timePast(f.Now)
	}
	return false
}

// lists reports whether the filter, a comma-separated list, has an element.
func (c *Compiled) lists(element string) bool {
	list := strings.ToUpper(strings.NewReplacer("\n", "", "\r", "").Replace(c.Filter))
	return strings.Contains(","+list+",", ","+strings.ToUpper(element)+",")
}

func (c *Compiled) referrer(referrer string) bool {
	referrer = strings.ToUpper(referrer)
	terms := strings.FieldsFunc(c.Filter, func(r rune) bool { return strings.ContainsRune("\n\r,|", r) })
	return slices.ContainsFunc(terms, func(term string) bool {
		return strings.Contains(referrer, strings.ToUpper(strings.Join(strings.Fields(term), "")))
	})
}

// date compares YYYYMMDDHHMMSS, in UTC, with now: LT is true in the past.
func (c *Compiled) date(now time.Time) bool {
	text := strings.ReplaceAll(c.MatchValue, "$", "")
	if text == "" {
		text = c.Filter
	}
	t, err := time.Parse("20060102150405", digits(text))
	if err != nil {
		return false
	}
	if c.Match == "DATE/LT" {
		return t.Before(now)
	}
	return t.After(now)
}

func digits(s string) string { return strings.ReplaceAll(digitsAndDots(s), ".", "") }

// dayOfWeek is 1 for Monday to 7 for Sunday.
func (c *Compiled) dayOfWeek(a *perlnum.Arith, now time.Time) bool {
	today := int64(now.Weekday())
	if today == 0 {
		today = 7
	}
	for day := range strings.SplitSeq(c.Filter, ",") {
		if d := digits(day); d != "" && a.Parse(d).Int() == today {
			return true
		}
	}
	return false
}

// timePast compares HH:MM: hour and minute must both be past, as in the
// original.
func (c *Compiled) timePast(now time.Time) bool {
	text := strings.Map(func(r rune) rune {
		if (r >= '0' && r <= '9') || r == ':' {
			return r
		}
		return -1
	}, c.Filter)
	h, m, ok := strings.Cut(text, ":")
	if len(text) != 5 || !ok {
		return false
	}
	hour, err1 := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	return err1 == nil && err2 == nil && now.Hour() > hour && now.Minute() > minute
}

var (
	poBox     = regexp.MustCompile(`(?i)\bP\.?O\.?(\b|BOX)`)
	poBoxZero = regexp.MustCompile(`^POB [0-9]+`)
)

// POBox classifies an address: 10 for military mail, 1 to 3 for the ways to
// write a post office box, 0 for none, -1 without an address.
func POBox(address1, address2, region string, known bool) int {
	switch {
	case region == "AA" || region == "AE" || region == "AP":
		return 10
	case !known:
		return -1
	case poBox.MatchString(address1) || poBox.MatchString(address2):
		return 1
	case poBoxZero.MatchString(address1):
		return 2
	case strings.Contains(address1, "PO BOX"):
		return 3
	}
	return 0
}
