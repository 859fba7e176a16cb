// Package contract is what the shop promises in writing: the operations of its
// public API (OpenAPI) and the events that it states (AsyncAPI), both generated
// from the functions by "make generate". Clients and the console read the
// documents; tests hold every request, response and event that they see against
// them. No function imports it.
package contract

import (
	"bytes"
	_ "embed" // the documents
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rackless/rackless/shared/events"
)

// OpenAPI describes the operations of the public API, in version 3.1.
//
//go:embed openapi.yaml
var OpenAPI []byte

// AsyncAPI describes the events, who states them and who acts on them, in
// version 3.0.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte

// Checker holds what was sent against the documents. Any number of goroutines
// may use it.
type Checker struct {
	document *Document
	routes   *http.ServeMux
	schemas  map[string]*jsonschema.Schema // by location in a document
	types    map[string]*jsonschema.Schema // of events, by short type
}

// NewChecker returns a checker of the documents given, which are OpenAPI and
// AsyncAPI but for tests of the checker itself.
func NewChecker(openAPI, asyncAPI []byte) (*Checker, error) {
	document, err := Read(openAPI)
	if err != nil {
		return nil, err
	}
	c := &Checker{document: document, routes: http.NewServeMux(), schemas: map[string]*jsonschema.Schema{}, types: map[string]*jsonschema.Schema{}}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	for name, text := range map[string][]byte{"openapi.yaml": openAPI, "asyncapi.yaml": asyncAPI} {
		data, err := ToJSON(text)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err := compiler.AddResource(base+name, tree); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	compile := func(location ...string) (*jsonschema.Schema, error) {
		at := strings.Join(location, "/")
		s, err := compiler.Compile(at)
		c.schemas[at] = s
		return s, err
	}
	for _, path := range document.Paths {
		for _, op := range path.Value {
			method := strings.ToUpper(op.Name)
			c.routes.Handle(method+" "+path.Name, operation{c, path.Name, op.Name, op.Value})
			if op.Value.Body != nil {
				if _, err := compile(requestAt(path.Name, op.Name)); err != nil {
					return nil, err
				}
			}
			for i, p := range op.Value.Parameters {
				if p.Ref == "" {
					if _, err := compile(parameterAt(path.Name, op.Name, i)); err != nil {
						return nil, err
					}
				}
			}
			for _, r := range op.Value.Responses {
				for _, m := range r.Value.Content {
					if _, err := compile(responseAt(path.Name, op.Name, r.Name, m.Name)); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	if _, err := compile(problemAt); err != nil {
		return nil, err
	}
	schemas, err := ReadEvents(asyncAPI)
	if err != nil {
		return nil, err
	}
	for _, s := range schemas {
		if c.types[s.Name], err = compile(base+"asyncapi.yaml#/components/schemas", escape(s.Name)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// base makes the documents' names URIs.
const base = "https://rackless.dev/"

const (
	problemType = "application/problem+json"
	problemAt   = base + "openapi.yaml#/components/schemas/Problem"
)

// The places of schemas in the document.
func operationAt(path, method string) string {
	return base + "openapi.yaml#/paths/" + escape(path) + "/" + method
}

func requestAt(path, method string) string {
	return operationAt(path, method) + "/requestBody/content/" + escape("application/json") + "/schema"
}

func parameterAt(path, method string, i int) string {
	return operationAt(path, method) + "/parameters/" + strconv.Itoa(i) + "/schema"
}

func responseAt(path, method, status, mediaType string) string {
	return operationAt(path, method) + "/responses/" + status + "/content/" + escape(mediaType) + "/schema"
}

// escape makes a name a segment of a JSON pointer in a URI's fragment (RFC 6901,
// §6).
func escape(name string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
}

// Exchange is a request and the response to it, as they were sent.
type Exchange struct {
	Method      string
	URL         *url.URL
	Header      http.Header
	Body        []byte
	Status      int
	ReplyHeader http.Header
	ReplyBody   []byte
}

// Exchange returns how an exchange breaks the contract, nil if it does not. A
// request that was refused may be anything; its response must be a problem that
// the operation declares. What is no path of the public API is not judged.
func (c *Checker) Exchange(x Exchange) error {
	r := &http.Request{Method: x.Method, URL: x.URL, Header: x.Header}
	handler, pattern := c.routes.Handler(r)
	op, ok := handler.(operation)
	if !ok || pattern == "" || x.Method == http.MethodHead {
		return nil
	}
	var errs []error
	if x.Status/100 == 2 {
		errs = append(errs, op.request(x))
	}
	errs = append(errs, op.response(x))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s %s breaks the contract of %s: %w", x.Method, x.URL.RequestURI(), op.ID, err)
	}
	return nil
}

// operation is one of the document's, by its place.
type operation struct {
	checker      *Checker
	path, method string
	Operation
}

// ServeHTTP makes an operation what a mux can route to; nobody calls it.
func (operation) ServeHTTP(http.ResponseWriter, *http.Request) {}

// request checks what a request that was accepted has sent.
func (op operation) request(x Exchange) error {
	var errs []error
	known := map[string]bool{}
	for i, p := range op.Parameters {
		at := parameterAt(op.path, op.method, i)
		if p.Ref != "" {
			p, _ = op.checker.document.Components.Parameters.Get(p.Ref[strings.LastIndexByte(p.Ref, '/')+1:])
			at = ""
		}
		value := ""
		switch p.In {
		case "query":
			known[p.Name] = true
			value = x.URL.Query().Get(p.Name)
		case "header":
			value = x.Header.Get(p.Name)
		default:
			continue // the path has matched
		}
		if value == "" {
			if p.Required {
				errs = append(errs, fmt.Errorf("the request lacks the %s parameter %s", p.In, p.Name))
			}
			continue
		}
		if at != "" {
			errs = append(errs, op.checker.valid(at, "the "+p.In+" parameter "+p.Name, scalar(value, p.Schema)))
		}
	}
	for name := range x.URL.Query() {
		if !known[name] {
			errs = append(errs, fmt.Errorf("the query parameter %s is not declared", name))
		}
	}
	body := bytes.TrimSpace(x.Body)
	switch {
	case op.Body == nil && len(body) > 0 && string(body) != "{}":
		errs = append(errs, errors.New("the request has a body, which is not declared"))
	case op.Body != nil && len(body) == 0 && op.Body.Required:
		errs = append(errs, errors.New("the request lacks the body, which is declared as required"))
	case op.Body != nil && len(body) > 0:
		errs = append(errs, op.checker.validJSON(requestAt(op.path, op.method), "the request's body", body))
	}
	return errors.Join(errs...)
}

// scalar makes a parameter's text the JSON value that its schema speaks of.
func scalar(text string, s *Schema) any {
	if s != nil && len(s.Type) == 1 {
		switch s.Type[0] {
		case "integer":
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return n
			}
		case "boolean":
			if b, err := strconv.ParseBool(text); err == nil {
				return b
			}
		}
	}
	return text
}

// response checks what came back.
func (op operation) response(x Exchange) error {
	status := strconv.Itoa(x.Status)
	r, ok := op.Responses.Get(status)
	if !ok {
		return fmt.Errorf("the status %s is not declared; the body is %.200s", status, x.ReplyBody)
	}
	mediaType, _, _ := mime.ParseMediaType(x.ReplyHeader.Get("Content-Type"))
	if x.Status/100 != 2 {
		if mediaType != problemType {
			return fmt.Errorf("the response %s is %q, not %s", status, mediaType, problemType)
		}
		return op.checker.validJSON(problemAt, "the response "+status, x.ReplyBody)
	}
	if len(r.Content) == 0 {
		if len(x.ReplyBody) > 0 {
			return fmt.Errorf("the response %s has a body, which is not declared", status)
		}
		return nil
	}
	if _, ok := r.Content.Get(mediaType); !ok {
		return fmt.Errorf("the response %s is %q, which is not declared", status, mediaType)
	}
	return op.checker.validJSON(responseAt(op.path, op.method, status, mediaType), "the response "+status, x.ReplyBody)
}

// Event returns how the data of an event breaks the contract, nil if it does
// not. eventType is the full type.
func (c *Checker) Event(eventType string, data []byte) error {
	name := events.Short(eventType)
	if c.types[name] == nil {
		return fmt.Errorf("the event %s has no schema", eventType)
	}
	return c.validJSON(base+"asyncapi.yaml#/components/schemas/"+escape(name), "the event "+name, data)
}

func (c *Checker) validJSON(at, what string, data []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s is not JSON: %w", what, err)
	}
	return c.valid(at, what, value)
}

func (c *Checker) valid(at, what string, value any) error {
	if err := c.schemas[at].Validate(value); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
