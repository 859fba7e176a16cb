package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/contract"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/manifest"
)

// reference is the OpenAPI document as people read it.
type reference struct {
	Info   contract.Info
	Groups []group
	Events []eventType
}

// group is the operations of one domain.
type group struct {
	contract.Tag
	Operations []operation
}

// operation is one route.
type operation struct {
	contract.Operation
	Method, Path string
	Parameters   []contract.Parameter // references followed
	Takes        []field
	Gives        []field
	Status       string
	Success      contract.Response
	Refusals     []refusal
	Examples     []example
	Credential   string // who may call, in words
}

// refusal is a status other than success.
type refusal struct {
	Status string
	Text   string
}

// example is a request that curl can send.
type example struct {
	Name string
	Body string
}

// field is a member of an object, in the order in which it is read.
type field struct {
	Name        string
	Type        string
	Required    bool
	Description string
	Values      []string // that it may have, if they are few
	Fields      []field  // of the object, or of the objects in it
}

// eventType is a type of event and who deals with it.
type eventType struct {
	Name, Description string
	From, To          []string
	NoConsumer        string
	Example           string
	Fields            []field
}

// newReference makes the document, and the schemas of events, readable.
func newReference(d *contract.Document, schemas contract.Members[*contract.Schema]) *reference {
	r := &reference{Info: d.Info, Events: newEvents(schemas)}
	for _, tag := range d.Tags {
		g := group{Tag: tag}
		for _, path := range d.Paths {
			for _, op := range path.Value {
				if slices.Contains(op.Value.Tags, tag.Name) {
					g.Operations = append(g.Operations, newOperation(d, strings.ToUpper(op.Name), path.Name, op.Value))
				}
			}
		}
		r.Groups = append(r.Groups, g)
	}
	return r
}

func newOperation(d *contract.Document, method, path string, op contract.Operation) operation {
	o := operation{Operation: op, Method: method, Path: path}
	for _, p := range op.Parameters {
		if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
			p, _ = d.Components.Parameters.Get(name)
		}
		o.Parameters = append(o.Parameters, p)
	}
	switch op.Access {
	case "anyone":
		o.Credential = "anyone; an API key needs the scope " + op.Scope
	case "buyer":
		o.Credential = "a buyer, for what is their own; or an API key with the scope " + op.Scope
	default:
		o.Credential = "an API key with the scope " + op.Scope
	}
	if op.Body != nil {
		media := op.Body.Content[0].Value
		o.Takes = fields(d, media.Schema, nil)
		for _, e := range media.Examples {
			o.Examples = append(o.Examples, example{e.Name, indent(e.Value.Value)})
		}
	}
	if len(o.Examples) == 0 {
		o.Examples = []example{{}}
	}
	for _, response := range op.Responses {
		if response.Name[0] == '2' {
			o.Status, o.Success = response.Name, response.Value
			for _, media := range response.Value.Content {
				o.Gives = fields(d, media.Value.Schema, nil)
			}
			continue
		}
		value := response.Value
		if name, ok := strings.CutPrefix(value.Ref, "#/components/responses/"); ok {
			value, _ = d.Components.Responses.Get(name)
		}
		o.Refusals = append(o.Refusals, refusal{response.Name, value.Description})
	}
	return o
}

// fields returns the members of what a schema describes: an object, or a list or
// map of objects. within are the types around it, which it may refer to again.
func fields(d *contract.Document, s *contract.Schema, within []string) []field {
	s, name := follow(d, s)
	if name != "" {
		if slices.Contains(within, name) {
			return nil
		}
		within = append(slices.Clip(within), name)
	}
	switch {
	case s.Items != nil:
		return fields(d, s.Items, within)
	case s.Additional != nil && s.Additional.Schema != nil:
		return fields(d, s.Additional.Schema, within)
	}
	var all []field
	for _, p := range s.Properties {
		f := field{
			Name: p.Name, Required: slices.Contains(s.Required, p.Name), Description: p.Value.Description,
			Type: typeName(d, p.Value), Fields: fields(d, p.Value, within),
		}
		inner, _ := follow(d, p.Value)
		f.Values = inner.Enum
		if f.Description == "" {
			f.Description = inner.Description
		}
		all = append(all, f)
	}
	return all
}

// follow returns the schema that a reference means, and its name.
func follow(d *contract.Document, s *contract.Schema) (*contract.Schema, string) {
	if len(s.AnyOf) > 0 { // a reference or null
		s = s.AnyOf[0]
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		if def, ok := d.Components.Schemas.Get(name); ok {
			return def, name
		}
	}
	return s, ""
}

// typeName names a type in words.
func typeName(d *contract.Document, s *contract.Schema) string {
	null := ""
	if len(s.AnyOf) > 0 || slices.Contains(s.Type, "null") {
		null = " or null"
	}
	s, _ = follow(d, s)
	switch {
	case s.Items != nil:
		return "list of " + typeName(d, s.Items) + null
	case s.Additional != nil && s.Additional.Schema != nil:
		return "map to " + typeName(d, s.Additional.Schema) + null
	case s.Format == "date-time":
		return "time" + null
	case len(s.Type) == 0:
		return "anything"
	}
	return s.Type[0] + null
}

func indent(value json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, value, "", "  "); err != nil {
		return string(value)
	}
	return b.String()
}

// Curl is the command that sends an example to the shop at base.
func (o operation) Curl(base string, e example) string {
	var b strings.Builder
	b.WriteString("curl")
	if o.Method != http.MethodGet {
		b.WriteString(" -X " + o.Method)
	}
	path := o.Path
	for _, p := range o.Parameters {
		if text, ok := p.Example.(string); ok && p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", text)
		}
	}
	b.WriteString(" " + base + path)
	if o.Access != "anyone" {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $TOKEN\"")
	}
	if e.Body != "" {
		b.WriteString(" \\\n  -H 'Content-Type: application/json'")
	}
	for _, p := range o.Parameters {
		if p.Name == "Idempotency-Key" && p.Required {
			b.WriteString(" \\\n  -H \"Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)\"")
		}
	}
	if e.Body != "" {
		b.WriteString(" \\\n  -d '" + strings.ReplaceAll(e.Body, "'", `'\''`) + "'")
	}
	return b.String()
}

// Search is what the search box looks through.
func (o operation) Search() string {
	return strings.ToLower(strings.Join([]string{o.ID, o.Method, o.Path, o.Summary, o.Scope}, " "))
}

// newEvents makes the registered events readable.
func newEvents(schemas contract.Members[*contract.Schema]) []eventType {
	var all []eventType
	for _, r := range events.Registry() {
		name := events.Short(r.Example.Type())
		s, _ := schemas.Get(name)
		if s == nil {
			continue
		}
		data, _ := json.MarshalIndent(r.Example, "", "  ") // a test has written it
		e := eventType{Name: name, Description: s.Description, To: manifest.Consumers(r.Example.Type(), true), NoConsumer: r.NoConsumer, Example: string(data)}
		for _, f := range emitters(name) {
			e.From = append(e.From, f.Name)
		}
		e.Fields = fields(&contract.Document{}, s, nil)
		all = append(all, e)
	}
	return all
}
