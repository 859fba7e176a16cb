package httpapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/rackless/rackless/shared/fault"
)

// MaxBody bounds the body of a request, in bytes.
const MaxBody = 1 << 20

// Validator is an input that knows what it may hold. Its error is of kind
// Invalid and names the refused fields.
type Validator interface{ Validate() error }

// ReadBody returns the body of a request, empty if it has none.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, fault.From(fault.Invalid, err, "the body could not be read to its end")
	}
	return body, nil
}

// Decode fills in from a request. Fields are tagged with where they come from:
// `path:"id"`, `query:"limit"`, `header:"If-Match"` (those also carry `json:"-"`)
// or, by `json`, the body. Anything unknown is refused: a misspelt field must
// not be taken for an absent one.
func Decode(r *http.Request, body []byte, in any) error {
	if err := decodeBody(r, body, in); err != nil {
		return err
	}
	known := map[string]bool{}
	var f fault.Fields
	decodeParameters(r, reflect.ValueOf(in).Elem(), known, &f)
	for name := range r.URL.Query() {
		f.Check(known[name], "/"+name, "is not a parameter of this operation")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if v, ok := in.(Validator); ok {
		return v.Validate()
	}
	return nil
}

func decodeBody(r *http.Request, body []byte, in any) error {
	if raw := rawBody(reflect.ValueOf(in).Elem()); raw.IsValid() {
		raw.SetBytes(body)
		return nil
	}
	if !HasBody(reflect.TypeOf(in).Elem()) {
		if len(bytes.TrimSpace(body)) > 0 && string(bytes.TrimSpace(body)) != "{}" {
			return fault.New(fault.Invalid, "this operation takes no body")
		}
		return nil
	}
	if len(body) == 0 {
		body = []byte("{}")
	} else if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return errMediaType
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(in); err != nil {
		return explain(err, body, reflect.TypeOf(in))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fault.New(fault.Invalid, "the body holds more than one JSON value")
	}
	return nil
}

// rawBody returns the field that takes the body as it was sent, for operations that
// check a signature over it: a []byte tagged `body:"raw"`.
func rawBody(v reflect.Value) reflect.Value {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("body") == "raw" {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// explain says in the caller's words what encoding/json refused.
func explain(err error, body []byte, in reflect.Type) error {
	var f fault.Fields
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		f.Add("/"+strings.ReplaceAll(e.Field, ".", "/"), "must be %s, not %s", wants(e.Type), e.Value)
		return f.Err()
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fault.From(fault.Invalid, err, "the body is not JSON: at byte %d: %v", e.Offset, err)
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, err := strconv.Unquote(name); err == nil {
			f.Add(cmp.Or(unknownField(body, in), "/"+name), "is not a field of this request")
			return f.Err()
		}
	}
	return fault.From(fault.Invalid, err, "the body is not valid JSON: %v", err)
}

// wants names a type as a client writes it.
func wants(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number in range"
	case reflect.Slice, reflect.Array:
		return "a list"
	default:
		return "an object"
	}
}

// HasBody reports whether values of struct type t are read from a body.
func HasBody(t reflect.Type) bool {
	for f := range fields(t) {
		if f.Anonymous && f.Tag.Get("json") == "" && f.Type.Kind() == reflect.Struct {
			if HasBody(f.Type) {
				return true
			}
		} else if f.IsExported() && f.Tag.Get("json") != "-" {
			return true
		}
	}
	return false
}

// Parameters yields the tagged fields of a struct type that do not come from
// the body: where (path, query or header), name and field.
func Parameters(t reflect.Type, yield func(in, name string, f reflect.StructField)) {
	for f := range fields(t) {
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			Parameters(f.Type, yield)
			continue
		}
		for _, in := range []string{"path", "query", "header"} {
			if name := f.Tag.Get(in); name != "" {
				yield(in, name, f)
			}
		}
	}
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

func decodeParameters(r *http.Request, v reflect.Value, known map[string]bool, f *fault.Fields) {
	query := r.URL.Query()
	Parameters(v.Type(), func(in, name string, field reflect.StructField) {
		var text string
		switch in {
		case "path":
			text = r.PathValue(name)
		case "query":
			known[name] = true
			f.Check(len(query[name]) <= 1, "/"+name, "is given more than once")
			text = query.Get(name)
		case "header":
			text = r.Header.Get(name)
		}
		if text == "" {
			return
		}
		if err := set(v.FieldByName(field.Name), text); err != nil {
			f.Add("/"+name, "%v", err)
		}
	})
}

func set(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("must be true or false")
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(strings.Trim(text, `"`), 10, v.Type().Bits()) // entity tags are quoted
		if err != nil {
			return errors.New("must be a whole number")
		}
		v.SetInt(n)
	default:
		return fmt.Errorf("has the unsupported type %s", v.Type())
	}
	return nil
}

// Host returns the name of the host that a visitor called, in lower case and
// without port: behind the gateway the one that the gateway was called by.
func Host(r *http.Request) string {
	host := r.Header.Get("X-Forwarded-Host")
	if host == "" {
		host = r.Host
	}
	u := url.URL{Host: strings.TrimSpace(host)}
	return strings.ToLower(u.Hostname())
}

func itoa(n int) string { return strconv.Itoa(n) }
