package promotion

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/cart/line"
	"github.com/rackless/rackless/shared/perlnum"
)

// Filter selects lines: a list of product ids with * and ? as wildcards, or,
// after "@@", conditions on product attributes, one a row, of which one must
// hold (cart specification, §7.5).
type Filter struct {
	products   []glob         // a list in plain characters and wildcards
	pattern    *regexp.Regexp // any other list
	conditions []condition
}

type condition struct {
	attribute, op, value string
}

var conditionRow = regexp.MustCompile(`^([a-z0-9_:]+)(==|<>|>=|<=)(.*)$`)

// ParseFilter reads a filter. The error says what is wrong with it.
func ParseFilter(text string) (Filter, error) {
	var f Filter
	if rows, ok := strings.CutPrefix(text, "@@"); ok {
		for row := range strings.FieldsFuncSeq(rows, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if m := conditionRow.FindStringSubmatch(row); m != nil {
				f.conditions = append(f.conditions, condition{m[1], m[2], m[3]})
			}
		}
		return f, nil
	}
	if list, ok := globs(text); ok {
		f.products = list
		return f, nil
	}
	var err error
	f.pattern, err = regexp.Compile("^(?i:" + alternatives(text) + ")$")
	return f, err
}

// alternatives turns a product list into a regular expression. Only * and ?
// are translated; a dot stands for any character, as in the original.
func alternatives(text string) string {
	return strings.Join(elements(text), "|")
}

var wildcards = strings.NewReplacer("*", ".*", "?", ".?", "(", "", ")", "")

// elements returns the parts of a product list, translated.
func elements(text string) []string {
	parts := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool {
		return r == ' ' || r == '\n' || r == '\r' || r == ','
	})
	for i, p := range parts {
		parts[i] = wildcards.Replace(p)
	}
	return parts
}

// Matches reports whether the filter selects a line.
func (f *Filter) Matches(a *perlnum.Arith, l *line.Line) bool {
	if f.products != nil || f.pattern != nil {
		key := l.Key()
		if f.pattern != nil {
			return key != "" && f.pattern.MatchString(key)
		}
		return key != "" && slices.ContainsFunc(f.products, func(g glob) bool { return g.matches(key) })
	}
	for _, c := range f.conditions {
		if c.holds(a, l.Attributes[c.attribute]) {
			return true
		}
	}
	return false
}

func (c *condition) holds(a *perlnum.Arith, value string) bool {
	switch c.op {
	case "==":
		return value == c.value
	case "<>":
		return value != c.value
	case ">=":
		return !a.Parse(value).Less(a.Parse(c.value))
	default:
		return !a.Parse(c.value).Less(a.Parse(value))
	}
}
