package ebay

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A flaw is the first thing that is wrong with a body.
type flaw struct {
	kind  flawKind
	field string // a path
	why   string
	id    int // the vendor's id where the rule has one of its own; 0: that of the operation
}

type flawKind int

// The kinds of flaws. A body that is malformed cannot be read by the vendor: a
// wrong JSON type, a name of no enumeration, an unknown field.
const (
	malformed flawKind = iota
	missing
	invalid
)

// A rule says what a JSON value must be; nil: it is.
type rule func(v any) *flaw

// A shape is the fields an object may have. A name with ! is required.
type shape map[string]rule

func wrong(kind flawKind, format string, args ...any) *flaw {
	return &flaw{kind: kind, why: fmt.Sprintf(format, args...)}
}

// inside tells in which field the flaw is.
func (f *flaw) inside(field string) *flaw {
	if f.field != "" && !strings.HasPrefix(f.field, "[") {
		field += "."
	}
	f.field = field + f.field
	return f
}

// as gives flaws of values an id of their own.
func as(id int, r rule) rule {
	return func(v any) *flaw {
		f := r(v)
		if f != nil && f.kind != malformed && f.id == 0 {
			f.id = id
		}
		return f
	}
}

func text(most int) rule {
	return func(v any) *flaw {
		s, ok := v.(string)
		switch {
		case !ok:
			return wrong(malformed, "must be a text")
		case len([]rune(s)) > most:
			return wrong(invalid, "must not exceed %d characters", most)
		}
		return nil
	}
}

// full is a text that must not be empty.
func full(most int) rule {
	return func(v any) *flaw {
		if s, ok := v.(string); ok && s == "" {
			return wrong(missing, "must not be empty")
		}
		return text(most)(v)
	}
}

func pattern(p string, why string) rule {
	expression := regexp.MustCompile(p)
	return func(v any) *flaw {
		s, ok := v.(string)
		switch {
		case !ok:
			return wrong(malformed, "must be a text")
		case !expression.MatchString(s):
			return wrong(invalid, "%s", why)
		}
		return nil
	}
}

func number(v any) *flaw {
	n, ok := v.(float64)
	switch {
	case !ok:
		return wrong(malformed, "must be a number")
	case n < 0:
		return wrong(invalid, "must not be negative")
	}
	return nil
}

func whole(v any) *flaw {
	if n, ok := v.(float64); !ok || n != math.Trunc(n) || math.Abs(n) > math.MaxInt32 {
		return wrong(malformed, "must be a whole number")
	}
	return number(v)
}

// quantity is a whole number with the vendor's own id for those that are not
// acceptable.
var quantity = as(25004, whole)

func boolean(v any) *flaw {
	if _, ok := v.(bool); !ok {
		return wrong(malformed, "must be true or false")
	}
	return nil
}

func one(of ...string) rule {
	return func(v any) *flaw {
		if s, ok := v.(string); !ok || !slices.Contains(of, s) {
			return wrong(malformed, "must be one of %s", strings.Join(of, ", "))
		}
		return nil
	}
}

func list(most int, each rule) rule {
	return func(v any) *flaw {
		all, ok := v.([]any)
		switch {
		case !ok:
			return wrong(malformed, "must be a list")
		case len(all) > most:
			return wrong(invalid, "must not hold more than %d", most)
		}
		for i, x := range all {
			if f := each(x); f != nil {
				return f.inside(fmt.Sprintf("[%d]", i))
			}
		}
		return nil
	}
}

// some is a list that must not be empty.
func some(most int, each rule) rule {
	return func(v any) *flaw {
		if all, ok := v.([]any); ok && len(all) == 0 {
			return wrong(invalid, "must not be empty")
		}
		return list(most, each)(v)
	}
}

// anything is an object whose fields the facts do not name.
func anything(v any) *flaw {
	if _, ok := v.(map[string]any); !ok {
		return wrong(malformed, "must be an object")
	}
	return nil
}

func object(fields shape) rule {
	return func(v any) *flaw {
		o, ok := v.(map[string]any)
		if !ok {
			return wrong(malformed, "must be an object")
		}
		return fields.check(o)
	}
}

// check returns the first flaw of an object, malformed ones first: the vendor
// reads the whole body before it judges a value.
func (fields shape) check(o map[string]any) *flaw {
	var found *flaw
	for _, field := range slices.Sorted(maps.Keys(o)) {
		test, known := fields[field]
		if !known {
			test, known = fields[field+"!"]
		}
		if !known {
			return wrong(malformed, "is unknown").inside(field)
		}
		if o[field] == nil {
			continue // null is as good as nothing
		}
		f := test(o[field])
		if f != nil && f.kind == malformed {
			return f.inside(field)
		}
		if f != nil && found == nil {
			found = f.inside(field)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if name, required := strings.CutSuffix(field, "!"); required && o[name] == nil && found == nil {
			found = wrong(missing, "is missing").inside(name)
		}
	}
	return found
}

// with returns the shape with more fields.
func (fields shape) with(more shape) shape {
	all := maps.Clone(fields)
	maps.Copy(all, more)
	return all
}

var currencies = []string{"USD", "GBP", "EUR", "CAD", "AUD", "CHF", "PLN", "HKD", "SGD", "MYR", "PHP", "TWD"}

// amount is money: the value is a text.
var amount = object(shape{"value!": as(25003, pattern(`^\d{1,9}(\.\d{1,2})?$`, "must be an amount with two decimals at most")), "currency!": one(currencies...)})

func moment(v any) *flaw {
	s, ok := v.(string)
	if !ok {
		return wrong(malformed, "must be a text")
	}
	if _, err := time.Parse(time.RFC3339Nano, s); err != nil || !strings.HasSuffix(s, "Z") {
		return wrong(invalid, "must be a time in UTC")
	}
	return nil
}

// aspects are names with lists of values; a bare text is refused.
func aspects(id int) rule {
	return func(v any) *flaw {
		o, ok := v.(map[string]any)
		if !ok {
			return wrong(malformed, "must be an object")
		}
		for _, name := range slices.Sorted(maps.Keys(o)) {
			f := as(id, some(math.MaxInt, text(50)))(o[name])
			if f == nil && (name == "" || len([]rune(name)) > 40) {
				f = &flaw{kind: invalid, why: "has a name that is empty or exceeds 40 characters", id: id}
			}
			if f != nil {
				return f.inside(name)
			}
		}
		return nil
	}
}

// pictures are addresses; an empty list has an id of its own.
func pictures(most int) rule {
	return func(v any) *flaw {
		if all, ok := v.([]any); ok && len(all) == 0 {
			return &flaw{kind: invalid, why: "must not be empty", id: 25717}
		}
		return as(25501, list(most, pattern(`^https://[^/\s]+\S*$`, "must be an https address")))(v)
	}
}

// languages are those of the sites, as headers spell them.
var languages = []string{
	"de-AT", "de-CH", "de-DE", "en-AU", "en-CA", "en-GB", "en-HK", "en-IE", "en-MY", "en-PH", "en-SG", "en-US", "es-ES", "fr-BE", "fr-CA", "fr-FR", "it-IT",
	"nl-BE", "nl-NL", "pl-PL", "zh-HK", "zh-TW",
}

func locale(v any) *flaw {
	s, ok := v.(string)
	if !ok {
		return wrong(malformed, "must be a text")
	}
	if !slices.Contains(languages, strings.Replace(s, "_", "-", 1)) || strings.Contains(s, "-") {
		return wrong(invalid, "must be a locale such as en_US")
	}
	return nil
}

var marketplaces = []string{
	"EBAY_US", "EBAY_MOTORS", "EBAY_CA", "EBAY_GB", "EBAY_AU", "EBAY_AT", "EBAY_BE", "EBAY_CH", "EBAY_DE", "EBAY_ES", "EBAY_FR", "EBAY_HK", "EBAY_IE",
	"EBAY_IT", "EBAY_MY", "EBAY_NL", "EBAY_PH", "EBAY_PL", "EBAY_SG", "EBAY_TW",
}

// at walks into an object; nil if something on the way is not there.
func at(o map[string]any, path ...string) any {
	var v any = o
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

func num(v any) int64 {
	n, _ := v.(float64)
	return int64(n)
}

func objects(v any) []map[string]any {
	all, _ := v.([]any)
	out := make([]map[string]any, 0, len(all))
	for _, x := range all {
		if o, ok := x.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

func texts(v any) []string {
	all, _ := v.([]any)
	out := make([]string, 0, len(all))
	for _, x := range all {
		out = append(out, str(x))
	}
	return out
}
