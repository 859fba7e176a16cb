package contract

import (
	"bytes"
	"encoding/json"
	"fmt"

	yaml "go.yaml.in/yaml/v2"
)

// Document is an OpenAPI 3.1 document, as far as ours use it.
type Document struct {
	OpenAPI    string                      `json:"openapi"`
	Info       Info                        `json:"info"`
	Servers    []Server                    `json:"servers,omitempty"`
	Tags       []Tag                       `json:"tags,omitempty"`
	Paths      Members[Members[Operation]] `json:"paths"` // by path, then by method in lower case
	Components Components                  `json:"components"`
}

// Info says what the document describes.
type Info struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
}

// Server is where the operations are found.
type Server struct {
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
}

// Tag is a group of operations: a domain.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Operation is one route. Its id is the function's name.
type Operation struct {
	ID          string                `json:"operationId"`
	Tags        []string              `json:"tags"`
	Summary     string                `json:"summary"`
	Description string                `json:"description,omitempty"`
	Security    []map[string][]string `json:"security"`
	Parameters  []Parameter           `json:"parameters,omitempty"`
	Body        *Body                 `json:"requestBody,omitempty"`
	Responses   Members[Response]     `json:"responses"`          // by status
	Access      string                `json:"x-access,omitempty"` // anyone, buyer or staff
	Scope       string                `json:"x-scope,omitempty"`  // what an API key must hold
	Rate        string                `json:"x-rate,omitempty"`   // calls per period and address
	Emits       []string              `json:"x-emits,omitempty"`  // events that it may state, e.g. order.placed.v1
}

// Parameter is a part of the path, the query or the header, or a reference to
// one of the components.
type Parameter struct {
	Ref         string  `json:"$ref,omitempty"`
	Name        string  `json:"name,omitempty"`
	In          string  `json:"in,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Description string  `json:"description,omitempty"`
	Schema      *Schema `json:"schema,omitempty"`
	Example     any     `json:"example,omitempty"`
}

// Body is what a request sends.
type Body struct {
	Required bool           `json:"required,omitempty"`
	Content  Members[Media] `json:"content"`
}

// Response is what comes back, or a reference to one of the components.
type Response struct {
	Ref         string             `json:"$ref,omitempty"`
	Description string             `json:"description,omitempty"`
	Headers     Members[Parameter] `json:"headers,omitempty"`
	Content     Members[Media]     `json:"content,omitempty"`
}

// Media is a representation: the schema that it obeys and examples, by name.
type Media struct {
	Schema   *Schema          `json:"schema"`
	Examples Members[Example] `json:"examples,omitempty"`
}

// Example is a representation that the operation takes.
type Example struct {
	Value json.RawMessage `json:"value"`
}

// Components are what operations share.
type Components struct {
	Schemas         Members[*Schema]        `json:"schemas"`
	Parameters      Members[Parameter]      `json:"parameters,omitempty"`
	Responses       Members[Response]       `json:"responses,omitempty"`
	SecuritySchemes Members[SecurityScheme] `json:"securitySchemes,omitempty"`
}

// SecurityScheme is a kind of credential.
type SecurityScheme struct {
	Type        string `json:"type"`
	Scheme      string `json:"scheme"`
	Description string `json:"description,omitempty"`
}

// Schema is a JSON Schema (2020-12), as far as ours use it.
type Schema struct {
	Version     string            `json:"$schema,omitempty"`
	ID          string            `json:"$id,omitempty"`
	Ref         string            `json:"$ref,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Type        Types             `json:"type,omitempty"`
	Format      string            `json:"format,omitempty"`
	Enum        []string          `json:"enum,omitempty"`
	Items       *Schema           `json:"items,omitempty"`
	AnyOf       []*Schema         `json:"anyOf,omitempty"`
	Properties  Members[*Schema]  `json:"properties,omitempty"`
	Required    []string          `json:"required,omitempty"`
	Additional  *Additional       `json:"additionalProperties,omitempty"`
	Minimum     *int64            `json:"minimum,omitempty"`
	Maximum     *int64            `json:"maximum,omitempty"`
	Default     any               `json:"default,omitempty"`
	Examples    []json.RawMessage `json:"examples,omitempty"`
	Defs        Members[*Schema]  `json:"$defs,omitempty"`
}

// Types are the JSON types that a value may have.
type Types []string

// MarshalJSON writes a single type as a string.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// UnmarshalJSON reads a type or a list of types.
func (t *Types) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		*t = Types{""}
		return json.Unmarshal(data, &(*t)[0])
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// Additional says what members an object may have besides its properties: those
// that obey Schema or, without one, none.
type Additional struct{ Schema *Schema }

// MarshalJSON writes false or the schema.
func (a Additional) MarshalJSON() ([]byte, error) {
	if a.Schema == nil {
		return []byte("false"), nil
	}
	return json.Marshal(a.Schema)
}

// UnmarshalJSON reads false or a schema.
func (a *Additional) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		return nil
	}
	return json.Unmarshal(data, &a.Schema)
}

// Members are the members of a JSON object in the order in which they are
// written: readers meet them so.
type Members[V any] []Member[V]

// Member is one of Members.
type Member[V any] struct {
	Name  string
	Value V
}

// Get returns a member by name.
func (m Members[V]) Get(name string) (v V, ok bool) {
	for _, e := range m {
		if e.Name == name {
			return e.Value, true
		}
	}
	return v, false
}

// Set replaces a member or appends it.
func (m *Members[V]) Set(name string, value V) {
	for i := range *m {
		if (*m)[i].Name == name {
			(*m)[i].Value = value
			return
		}
	}
	*m = append(*m, Member[V]{name, value})
}

// MarshalJSON writes an object.
func (m Members[V]) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, e := range m {
		name, _ := json.Marshal(e.Name) // a string
		value, err := json.Marshal(e.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads an object.
func (m *Members[V]) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("an object is wanted, not %.20s", data)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value V
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("%v: %w", name, err)
		}
		*m = append(*m, Member[V]{name.(string), value})
	}
	return nil
}

// ToYAML writes what encoding/json can as YAML, members in their order.
func ToYAML(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var tree yaml.MapSlice // JSON is YAML
	if err := yaml.Unmarshal(data, &tree); err != nil {
		return nil, err
	}
	return yaml.Marshal(tree)
}

// ToJSON turns a YAML object into JSON, members in their order.
func ToJSON(document []byte) ([]byte, error) {
	var tree yaml.MapSlice
	if err := yaml.Unmarshal(document, &tree); err != nil {
		return nil, err
	}
	return json.Marshal(ordered(tree))
}

// ordered makes the mappings within a YAML value ones that encoding/json knows.
func ordered(v any) any {
	switch v := v.(type) {
	case yaml.MapSlice:
		m := Members[any]{}
		for _, item := range v {
			m = append(m, Member[any]{fmt.Sprint(item.Key), ordered(item.Value)})
		}
		return m
	case []any:
		for i := range v {
			v[i] = ordered(v[i])
		}
	}
	return v
}

// Read parses an OpenAPI document.
func Read(document []byte) (*Document, error) {
	data, err := ToJSON(document)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	return &d, nil
}

// ReadEvents returns the schemas of an AsyncAPI document: those of the data of
// events by short type, e.g. order.placed.v1, and that of their attributes.
func ReadEvents(document []byte) (Members[*Schema], error) {
	data, err := ToJSON(document)
	if err != nil {
		return nil, fmt.Errorf("read the AsyncAPI document: %w", err)
	}
	var d struct {
		Components struct {
			Schemas Members[*Schema] `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("read the AsyncAPI document: %w", err)
	}
	return d.Components.Schemas, nil
}
