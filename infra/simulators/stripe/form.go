package stripe

import (
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A form is a parameter as it was sent: a text, or members by name in the order
// in which they were sent. The members of a list are called "0", "1" and so on.
type form struct {
	text    string
	names   []string
	members map[string]*form
}

// maxDepth is how deep parameters may be nested.
const maxDepth = 10

// decode reads form-encoded parameters with brackets: a[b]=1 is a member, a[]=1
// an element of a list.
func decode(encoded string) (*form, error) {
	root := &form{}
	for pair := range strings.SplitSeq(encoded, "&") {
		if pair == "" {
			continue
		}
		key, text, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		if err != nil {
			return nil, err
		}
		if text, err = url.QueryUnescape(text); err != nil {
			return nil, err
		}
		path, err := splitKey(key)
		if err != nil {
			return nil, err
		}
		f := root
		for _, name := range path {
			if f.text != "" {
				return nil, fmt.Errorf("parameter %s is a text and has members", key)
			}
			f = f.member(name)
		}
		if f.members != nil {
			return nil, fmt.Errorf("parameter %s is a text and has members", key)
		}
		f.text = text
	}
	return root, nil
}

// splitKey splits a[b][c] into its names.
func splitKey(key string) ([]string, error) {
	name, rest, nested := strings.Cut(key, "[")
	if name == "" || strings.Contains(name, "]") {
		return nil, fmt.Errorf("parameter name %q is malformed", key)
	}
	path := []string{name}
	if !nested {
		return path, nil
	}
	inner, ok := strings.CutSuffix(rest, "]")
	if !ok {
		return nil, fmt.Errorf("parameter name %q is malformed", key)
	}
	for part := range strings.SplitSeq(inner, "][") {
		if strings.ContainsAny(part, "[]") {
			return nil, fmt.Errorf("parameter name %q is malformed", key)
		}
		path = append(path, part)
	}
	if len(path) > maxDepth {
		return nil, fmt.Errorf("parameter name %q is nested too deeply", key)
	}
	return path, nil
}

// member returns the member of that name, which it adds if there is none; ""
// adds the next element of a list.
func (f *form) member(name string) *form {
	if name == "" {
		name = strconv.Itoa(len(f.names))
	}
	if m := f.members[name]; m != nil {
		return m
	}
	if f.members == nil {
		f.members = map[string]*form{}
	}
	m := &form{}
	f.members[name] = m
	f.names = append(f.names, name)
	return m
}

// at returns the parameter at the end of a path, nil if it was not sent.
func (f *form) at(path ...string) *form {
	for _, name := range path {
		if f == nil {
			return nil
		}
		f = f.members[name]
	}
	return f
}

// get returns the text at the end of a path, "" if it was not sent.
func (f *form) get(path ...string) string {
	if m := f.at(path...); m != nil {
		return m.text
	}
	return ""
}

// has reports whether a parameter was sent.
func (f *form) has(path ...string) bool { return f.at(path...) != nil }

// integer returns the number at the end of a path, 0 if it was not sent. The
// schema saw that it is one.
func (f *form) integer(path ...string) int64 {
	n, _ := strconv.ParseInt(f.get(path...), 10, 64) // the schema saw it
	return n
}

// list returns the texts of a list.
func (f *form) list(path ...string) []string {
	m := f.at(path...)
	if m == nil {
		return nil
	}
	var all []string
	for _, name := range m.names {
		all = append(all, m.members[name].text)
	}
	return all
}

// object returns what was sent as JSON shows it.
func (f *form) object() any {
	if f == nil {
		return nil
	}
	if f.members == nil {
		return f.text
	}
	o := object{}
	for name, m := range f.members {
		o[name] = m.object()
	}
	return o
}

// canonical is the same for equal parameters in any order.
func (f *form) canonical() string {
	if f.members == nil {
		return strconv.Quote(f.text)
	}
	names := slices.Sorted(slices.Values(f.names))
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%q{%s}", name, f.members[name].canonical())
	}
	return b.String()
}

// A param is the schema of a parameter.
type param struct {
	kind     kind
	required bool
	values   []string         // of an enum
	fields   map[string]param // of an object
	max      int              // of a text's characters; 0 is 5000
}

type kind int

const (
	text kind = iota
	integer
	boolean
	enum
	list // of texts, or of values
	group
	metadata
	email
	link  // an http or https URL
	times // a time, or bounds of it
)

var (
	aText      = param{}
	anInteger  = param{kind: integer}
	aBoolean   = param{kind: boolean}
	aList      = param{kind: list}
	aMap       = param{kind: metadata}
	anEmail    = param{kind: email}
	aLink      = param{kind: link}
	someTimes  = param{kind: times}
	someLimits = map[string]param{"limit": anInteger, "starting_after": aText, "ending_before": aText}
)

func oneOf(values ...string) param          { return param{kind: enum, values: values} }
func upTo(most int) param                   { return param{max: most} }
func fields(members map[string]param) param { return param{kind: group, fields: members} }
func must(p param) param                    { p.required = true; return p }

// join writes a path as it is sent.
func join(path []string) string {
	s := path[0]
	for _, name := range path[1:] {
		s += "[" + name + "]"
	}
	return s
}

// The limits of metadata.
const (
	maxMetadata      = 50
	maxMetadataKey   = 40
	maxMetadataValue = 500
)

// check checks the parameters of a request.
func check(f *form, schema map[string]param) *apiError {
	if unknown := unknownNames(nil, f, schema); unknown != nil {
		word := "parameter"
		if len(unknown) > 1 {
			word = "parameters"
		}
		return invalid("parameter_unknown", unknown[0], "Received unknown %s: %s", word, strings.Join(unknown, ", "))
	}
	return checkFields(nil, f, schema)
}

// unknownNames returns the parameters that the schema does not have.
func unknownNames(path []string, f *form, schema map[string]param) []string {
	var unknown []string
	for _, name := range f.names {
		at := append(slices.Clone(path), name)
		p, ok := schema[name]
		if !ok {
			unknown = append(unknown, join(at))
		} else if p.kind == group {
			unknown = append(unknown, unknownNames(at, f.members[name], p.fields)...)
		}
	}
	return unknown
}

func checkFields(path []string, f *form, schema map[string]param) *apiError {
	for _, name := range slices.Sorted(maps.Keys(schema)) {
		if schema[name].required && !f.has(name) {
			at := join(append(slices.Clone(path), name))
			return invalid("parameter_missing", at, "Missing required param: %s.", at)
		}
	}
	for _, name := range f.names {
		if err := checkOne(append(slices.Clone(path), name), f.members[name], schema[name]); err != nil {
			return err
		}
	}
	return nil
}

func checkOne(path []string, f *form, p param) *apiError {
	at := join(path)
	nested := p.kind == list || p.kind == group || p.kind == metadata || p.kind == times
	if f.members != nil && !nested {
		return invalid("", at, "Invalid string: {...}")
	}
	if f.text == "" && f.members == nil {
		if p.required || p.kind == integer || p.kind == boolean || p.kind == enum {
			return invalid("parameter_invalid_empty", at, "You passed an empty string for '%s'. We assume empty values are an attempt to unset a parameter; however '%s' cannot be unset.", at, at)
		}
		return nil
	}
	switch p.kind {
	case text:
		most := p.max
		if most == 0 {
			most = 5000
		}
		if n := len([]rune(f.text)); n > most {
			return invalid("", at, "Invalid string: %s; must be at most %d characters", at, most)
		}
	case integer:
		if _, err := strconv.ParseInt(f.text, 10, 64); err != nil {
			return invalid("parameter_invalid_integer", at, "Invalid integer: %s", f.text)
		}
	case boolean:
		if f.text != "true" && f.text != "false" {
			return invalid("", at, "Invalid boolean: %s", f.text)
		}
	case enum:
		return checkEnum(at, f.text, p.values)
	case email:
		if _, err := mail.ParseAddress(f.text); err != nil {
			return invalid("email_invalid", at, "Invalid email address: %s", f.text)
		}
	case link:
		u, err := url.Parse(f.text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return invalid("url_invalid", at, "Not a valid URL")
		}
	case list:
		return checkList(path, f, p)
	case group:
		if f.members == nil {
			return invalid("", at, "Invalid object")
		}
		return checkFields(path, f, p.fields)
	case metadata:
		return checkMetadata(path, f)
	case times:
		if f.members == nil {
			return checkOne(path, f, anInteger)
		}
		bounds := map[string]param{"gt": anInteger, "gte": anInteger, "lt": anInteger, "lte": anInteger}
		if unknown := unknownNames(path, f, bounds); unknown != nil {
			return invalid("parameter_unknown", unknown[0], "Received unknown parameter: %s", unknown[0])
		}
		return checkFields(path, f, bounds)
	}
	return nil
}

func checkEnum(at, value string, values []string) *apiError {
	if !slices.Contains(values, value) {
		return invalid("", at, "Invalid %s: must be one of %s", at, strings.Join(values, ", "))
	}
	return nil
}

func checkList(path []string, f *form, p param) *apiError {
	if f.members == nil {
		return invalid("", join(path), "Invalid array")
	}
	for i, name := range f.names {
		e := f.members[name]
		at := join(append(slices.Clone(path), name))
		if name != strconv.Itoa(i) || e.members != nil {
			return invalid("", join(path), "Invalid array")
		}
		if e.text == "" {
			return invalid("parameter_invalid_empty", at, "You passed an empty string for '%s'.", at)
		}
		if p.values != nil {
			if err := checkEnum(at, e.text, p.values); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkMetadata(path []string, f *form) *apiError {
	if f.members == nil {
		return invalid("", join(path), "Invalid object")
	}
	for _, name := range f.names {
		e := f.members[name]
		at := join(append(slices.Clone(path), name))
		switch {
		case e.members != nil:
			return invalid("", at, "Invalid string: {...}")
		case len([]rune(name)) > maxMetadataKey:
			return invalid("", at, "Metadata keys must be at most %d characters", maxMetadataKey)
		case len([]rune(e.text)) > maxMetadataValue:
			return invalid("", at, "Metadata values must be at most %d characters", maxMetadataValue)
		}
	}
	return nil
}
