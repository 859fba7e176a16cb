package main

import (
	"bytes"
	_ "embed" // the examples
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/contract"
	"github.com/rackless/rackless/shared/httpapi"
)

// examplesYAML holds the bodies of requests that are shown in the reference, by
// function and name. They also tell which fields a request cannot go without.
//
//go:embed examples.yaml
var examplesYAML []byte

// readExamples returns the examples by function. Every operation that takes a
// body has one, and takes it.
func readExamples(ops []operation) (map[string]contract.Members[contract.Example], error) {
	data, err := contract.ToJSON(examplesYAML)
	if err != nil {
		return nil, fmt.Errorf("examples.yaml: %w", err)
	}
	var bodies map[string]contract.Members[json.RawMessage]
	if err := json.Unmarshal(data, &bodies); err != nil {
		return nil, fmt.Errorf("examples.yaml: %w", err)
	}
	all := map[string]contract.Members[contract.Example]{}
	var problems []error
	for _, o := range ops {
		for _, body := range bodies[o.Name] {
			if err := o.refuses(body.Value); err != nil {
				problems = append(problems, fmt.Errorf("%s: its example %q is refused: %w", o.Name, body.Name, err))
			}
			examples := all[o.Name]
			examples.Set(body.Name, contract.Example{Value: body.Value})
			all[o.Name] = examples
		}
		if httpapi.HasBody(o.In) && len(bodies[o.Name]) == 0 {
			problems = append(problems, fmt.Errorf("%s: it takes a body; add an example to tools/cmd/contracts/examples.yaml", o.Name))
		}
		delete(bodies, o.Name)
	}
	for name := range maps.Keys(bodies) {
		problems = append(problems, fmt.Errorf("examples.yaml: %s is no operation", name))
	}
	return all, errors.Join(problems...)
}

// refuses returns why the operation does not take a body, nil if it does as far
// as can be told without a database.
func (o operation) refuses(body []byte) error {
	r := httptest.NewRequest(o.method(), "/", nil)
	r.Header.Set("Content-Type", jsonType)
	for _, m := range wildcard.FindAllStringSubmatch(o.path(), -1) {
		if example, ok := exampleSegment(o.path(), m[1]).(string); ok {
			r.SetPathValue(m[1], example)
		}
	}
	return httpapi.Decode(r, body, reflect.New(o.In).Interface())
}

// probe finds out which fields the operations cannot go without: it leaves out
// each field of each example in turn. A field is needed if no request is taken
// without it.
func probe(ops []operation, examples map[string]contract.Members[contract.Example]) (needed, error) {
	n := needed{}
	for _, o := range ops {
		for _, e := range examples[o.Name] {
			d := json.NewDecoder(bytes.NewReader(e.Value.Value))
			d.UseNumber()
			var body any
			if err := d.Decode(&body); err != nil {
				return nil, err
			}
			n.walk(o.In, body, func() bool {
				text, err := json.Marshal(body)
				return err == nil && o.refuses(text) == nil
			})
		}
	}
	return n, nil
}

// walk leaves out the fields of a value of type t; taken tells whether the
// request as it then is, is taken.
func (n needed) walk(t reflect.Type, value any, taken func() bool) {
	switch t.Kind() {
	case reflect.Pointer:
		n.walk(t.Elem(), value, taken)
	case reflect.Slice, reflect.Map:
		switch value := value.(type) {
		case []any:
			for _, v := range value {
				n.walk(t.Elem(), v, taken)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(value)) {
				n.walk(t.Elem(), value[name], taken)
			}
		}
	case reflect.Struct:
		members, ok := value.(map[string]any)
		if !ok {
			return // written otherwise, e.g. a time
		}
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				n.walk(f.Type, value, taken)
				continue
			case name == "-" || name == "":
				continue
			}
			key := typeKey(t) + "." + f.Name
			if n[key] == nil {
				n[key] = &struct{ with, without int }{}
			}
			member, given := members[name]
			if !given {
				n[key].without++
				continue
			}
			n.walk(f.Type, member, taken)
			delete(members, name)
			if taken() {
				n[key].without++
			} else {
				n[key].with++
			}
			members[name] = member
		}
	}
}
