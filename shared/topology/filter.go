package topology

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	cesql "github.com/cloudevents/sdk-go/sql/v2"
	cesqlparser "github.com/cloudevents/sdk-go/sql/v2/parser"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// verdict is the outcome of a filter. It is unsure when only the type of an
// event is known and more would have to be. Their order makes "and" the minimum,
// "or" the maximum and "not" the negative.
type verdict int8

const (
	fails  verdict = -1
	unsure verdict = 0
	passes verdict = 1
)

func verdictOf(ok bool) verdict {
	if ok {
		return passes
	}
	return fails
}

// subject is what a filter looks at: an event, or all events of a type.
type subject struct {
	event *event.Event
	typ   string // if event is nil
}

// attribute returns the value of an attribute in its canonical text, core and
// extension attributes alike, empty if there is none. Known is false if it
// depends on the event.
func (s subject) attribute(name string) (value string, known bool) {
	e := s.event
	if e == nil {
		return s.typ, name == "type"
	}
	switch name {
	case "specversion":
		return e.SpecVersion(), true
	case "type":
		return e.Type(), true
	case "source":
		return e.Source(), true
	case "subject":
		return e.Subject(), true
	case "id":
		return e.ID(), true
	case "time":
		if e.Time().IsZero() {
			return "", true
		}
		return types.FormatTime(e.Time()), true
	case "dataschema":
		return e.DataSchema(), true
	case "datacontenttype":
		return e.DataContentType(), true
	}
	extension, ok := e.Extensions()[name]
	if !ok {
		return "", true
	}
	value, err := types.Format(extension)
	if err != nil {
		return "", true
	}
	return value, true
}

type filter func(subject) verdict

// newFilter returns the filter of a trigger; the text of its error begins with
// the field.
func newFilter(t TriggerSpec) (filter, error) {
	if len(t.Filters) > 0 {
		return newList("filters", t.Filters, every)
	}
	if t.Filter == nil {
		return every(nil), nil
	}
	return newComparison("filter.attributes", t.Filter.Attributes, func(value, want string) bool {
		if want == "" {
			return value != ""
		}
		return value == want
	})
}

// every passes what passes all filters, everything if there are none.
func every(filters []filter) filter {
	return func(s subject) verdict {
		v := passes
		for _, f := range filters {
			if v = min(v, f(s)); v == fails {
				return fails
			}
		}
		return v
	}
}

// some passes what passes at least one of the filters.
func some(filters []filter) filter {
	return func(s subject) verdict {
		v := fails
		for _, f := range filters {
			if v = max(v, f(s)); v == passes {
				return passes
			}
		}
		return v
	}
}

func newList(field string, list []Filter, combine func([]filter) filter) (filter, error) {
	filters := make([]filter, len(list))
	var errs []error
	for i, x := range list {
		var err error
		filters[i], err = newExpression(fmt.Sprintf("%s[%d]", field, i), x)
		errs = append(errs, err)
	}
	return combine(filters), errors.Join(errs...)
}

func newExpression(field string, x Filter) (filter, error) {
	var f filter
	var err error
	var dialects int
	use := func(set bool, build func() (filter, error)) {
		if set {
			dialects++
			f, err = build()
		}
	}
	compare := func(name string, want map[string]string, match func(value, want string) bool) {
		use(len(want) > 0, func() (filter, error) {
			for attribute, value := range want {
				if value == "" {
					return nil, fmt.Errorf("%s.%s.%s: it is empty; write a value", field, name, attribute)
				}
			}
			return newComparison(field+"."+name, want, match)
		})
	}
	compare("exact", x.Exact, func(value, want string) bool { return value == want })
	compare("prefix", x.Prefix, strings.HasPrefix)
	compare("suffix", x.Suffix, strings.HasSuffix)
	use(len(x.All) > 0, func() (filter, error) { return newList(field+".all", x.All, every) })
	use(len(x.Any) > 0, func() (filter, error) { return newList(field+".any", x.Any, some) })
	use(x.Not != nil, func() (filter, error) {
		inner, err := newExpression(field+".not", *x.Not)
		return func(s subject) verdict { return -inner(s) }, err
	})
	use(x.CESQL != "", func() (filter, error) { return newCESQL(field+".cesql", x.CESQL) })
	if dialects != 1 {
		return nil, fmt.Errorf("%s: it has %d dialects; write exactly one of exact, prefix, suffix, all, any, not, cesql", field, dialects)
	}
	return f, err
}

var attributeName = regexp.MustCompile(`^[a-z0-9]+$`)

// newComparison passes an event all of whose wanted attributes match.
func newComparison(field string, want map[string]string, match func(value, want string) bool) (filter, error) {
	var filters []filter
	for name, wanted := range want {
		if !attributeName.MatchString(name) {
			return nil, fmt.Errorf("%s: %q is not the name of an attribute; write lower-case letters and digits", field, name)
		}
		filters = append(filters, func(s subject) verdict {
			value, known := s.attribute(name)
			if !known {
				return unsure
			}
			return verdictOf(match(value, wanted))
		})
	}
	return every(filters), nil
}

// newCESQL passes an event for which the expression is true; an expression that
// fails, or that is not a truth value, passes nothing.
func newCESQL(field, text string) (f filter, err error) {
	defer func() {
		if r := recover(); r != nil { // the parser's defects must not be ours
			f, err = nil, fmt.Errorf("%s: it cannot be read: %v; write a CloudEvents SQL expression", field, r)
		}
	}()
	expression, err := cesqlparser.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; write a CloudEvents SQL expression", field, err)
	}
	return func(s subject) verdict {
		if s.event == nil {
			return unsure
		}
		return verdictOf(isTrue(expression, s.event))
	}, nil
}

func isTrue(x cesql.Expression, e *event.Event) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	value, err := x.Evaluate(*e)
	ok, _ = value.(bool)
	return ok && err == nil
}
