package main

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/contract"
)

// schemas makes JSON Schemas of Go types as encoding/json writes them (replies
// and events) or reads them (requests).
type schemas struct {
	src     *source
	request bool                                // nothing unknown is taken
	require func(t reflect.Type, f string) bool // of a request: whether a field must be there
	ref     string                              // where definitions are referred to, empty to write them in place
	defs    contract.Members[*contract.Schema]
	types   map[string]reflect.Type // of defs
	clashes []error
}

var timeType = reflect.TypeFor[time.Time]()

// of returns the schema of a type: a reference for a struct, which it defines.
func (g *schemas) of(t reflect.Type) *contract.Schema {
	switch {
	case t == timeType:
		return &contract.Schema{Type: contract.Types{"string"}, Format: "date-time"}
	case t.Kind() == reflect.Struct && (t.Name() == "" || g.ref == ""):
		return g.object(t)
	case t.Kind() == reflect.Struct:
		return g.define(t)
	}
	s := &contract.Schema{}
	switch t.Kind() {
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.Slice:
		s.Type, s.Items = contract.Types{"array"}, g.of(t.Elem())
	case reflect.Map:
		s.Type, s.Additional = contract.Types{"object"}, &contract.Additional{Schema: g.of(t.Elem())}
	case reflect.String:
		s.Type, s.Enum = contract.Types{"string"}, g.src.constants(t)
	case reflect.Bool:
		s.Type = contract.Types{"boolean"}
	case reflect.Int64:
		s.Type, s.Format = contract.Types{"integer"}, "int64"
	case reflect.Int:
		s.Type = contract.Types{"integer"}
	case reflect.Interface: // anything
	default:
		panic(fmt.Sprintf("a contract cannot say what a %s is; use another type", t)) // a defect of the function, found when it is generated
	}
	return s
}

// define adds a struct to the definitions and returns a reference to it.
func (g *schemas) define(t reflect.Type) *contract.Schema {
	name := g.name(t)
	if g.types == nil {
		g.types = map[string]reflect.Type{}
	}
	switch other, ok := g.types[name]; {
	case !ok:
		g.types[name] = t
		g.defs.Set(name, nil) // keeps the place: a type may hold itself
		g.defs.Set(name, g.object(t))
	case other != t:
		g.clashes = append(g.clashes, fmt.Errorf("%s and %s would both be called %s; rename one", other, t, name))
	}
	return &contract.Schema{Ref: g.ref + name}
}

// object returns the schema of a struct.
func (g *schemas) object(t reflect.Type) *contract.Schema {
	s := &contract.Schema{Description: g.src.ofType(t), Type: contract.Types{"object"}}
	if g.request {
		s.Additional = &contract.Additional{}
	}
	g.properties(s, t)
	return s
}

// properties adds the fields of a struct, those of embedded structs included.
func (g *schemas) properties(s *contract.Schema, t reflect.Type) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			g.properties(s, f.Type)
			continue
		case name == "-" || !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		p := g.of(f.Type)
		p.Description = sentence(g.src.ofField(t, f.Name))
		always := !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero")
		if always && !g.request && f.Type.Kind() == reflect.Pointer {
			p = nullable(p)
		}
		s.Properties.Set(name, p)
		if g.request && g.require(t, f.Name) || !g.request && always {
			s.Required = append(s.Required, name)
		}
	}
}

func nullable(p *contract.Schema) *contract.Schema {
	if p.Ref != "" {
		return &contract.Schema{Description: p.Description, AnyOf: []*contract.Schema{{Ref: p.Ref}, {Type: contract.Types{"null"}}}}
	}
	p.Type = append(p.Type, "null")
	return p
}

// name returns the name of a struct's definition: the package's and the type's,
// which are one if they are the same.
func (g *schemas) name(t reflect.Type) string {
	name := t.Name()
	if origin, argument, ok := strings.Cut(strings.TrimSuffix(name, "]"), "["); ok { // Page[…/customer.Customer]
		pkg, element, _ := strings.Cut(path.Base(argument), ".")
		name = joinNames(pkg, element) + origin
	} else {
		name = joinNames(path.Base(t.PkgPath()), name)
	}
	if g.request && !strings.HasSuffix(name, "Input") {
		name += "Input"
	}
	return name
}

func joinNames(pkg, name string) string {
	if strings.EqualFold(pkg, name) || pkg == "httpapi" || pkg == "events" {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// sorted returns members by name.
func sorted[V any](m contract.Members[V]) contract.Members[V] {
	return slices.SortedFunc(slices.Values(m), func(a, b contract.Member[V]) int { return strings.Compare(a.Name, b.Name) })
}
