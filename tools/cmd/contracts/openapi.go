package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rackless/rackless"
	"github.com/rackless/rackless/shared/contract"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/httpapi"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/runtime"
)

const jsonType, problemType = "application/json", "application/problem+json"

// refusals are the statuses that an operation may refuse with, and when.
var refusals = []struct {
	status int
	name   string
	text   string
	by     func(operation) bool
}{
	{400, "Invalid", "The request can never be accepted as it is; errors names the fields.", always},
	{401, "Unauthenticated", "The credential is missing, or not valid any more.", always},
	{403, "Forbidden", "The caller is known but lacks the scope.", always},
	{404, "NotFound", "There is no such thing, or it is not the caller's.", always},
	{409, "Conflict", "It contradicts the present state, or a request with the same Idempotency-Key is in flight.", operation.writes},
	{412, "PreconditionFailed", "The version in If-Match is not the present one.", func(o operation) bool { return o.takes("If-Match") }},
	{412, "BadSignature", "The body is not signed by who claims to send it.", func(o operation) bool { return o.takes("X-EBAY-SIGNATURE") }},
	{413, "BodyTooLarge", "The body exceeds 1 MiB.", always},
	{415, "UnsupportedMediaType", "The body is not application/json.", func(o operation) bool { return httpapi.HasBody(o.In) }},
	{422, "Unprocessable", "A business rule refuses it, or the Idempotency-Key was used for another request.", operation.writes},
	{429, "TooManyRequests", "The rate is used up; Retry-After says for how many seconds.", func(o operation) bool { return o.Rate.Burst > 0 }},
	{500, "Internal", "A defect on the shop's side; the request had no effect.", always},
	{503, "Unavailable", "Something the shop depends on is down, or it is just starting; try again.", always},
}

// operation is a function's route.
type operation struct {
	manifest.Function
	runtime.Operation
}

func always(operation) bool { return true }

func (o operation) method() string { m, _, _ := strings.Cut(o.Route, " "); return m }

func (o operation) path() string { _, p, _ := strings.Cut(o.Route, " "); return p }

func (o operation) writes() bool { return o.method() != http.MethodGet }

func (o operation) takes(header string) (found bool) {
	httpapi.Parameters(o.In, func(in, name string, _ reflect.StructField) { found = found || in == "header" && name == header })
	return found
}

// operations returns the routes of all functions, by path and method.
func operations() ([]operation, error) {
	var all []operation
	functions := rackless.Functions()
	for _, f := range manifest.Functions {
		if f.Access == "" {
			continue // no route, or the gateway's
		}
		function, ok := functions[f.Name]
		if !ok {
			return nil, fmt.Errorf("%s is in the manifest but not in the registry: run generate first", f.Name)
		}
		ops, err := function.Operations()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		i := slices.IndexFunc(ops, func(op runtime.Operation) bool { return op.In != nil })
		if i < 0 {
			return nil, fmt.Errorf("%s declares the route %s but no operation answers it", f.Name, f.Route)
		}
		all = append(all, operation{f, ops[i]})
	}
	slices.SortFunc(all, func(a, b operation) int {
		return cmp.Or(strings.Compare(a.domain(), b.domain()), strings.Compare(a.path(), b.path()), strings.Compare(a.method(), b.method()))
	})
	return all, nil
}

// domain is the group under which an operation is listed.
func (o operation) domain() string {
	domain, _, _ := strings.Cut(o.Name, "-")
	if domain == "address" {
		return "customer"
	}
	return domain
}

func describeAPI(src *source) (*contract.Document, error) {
	ops, err := operations()
	if err != nil {
		return nil, err
	}
	examples, err := readExamples(ops)
	if err != nil {
		return nil, err
	}
	required, err := probe(ops, examples)
	if err != nil {
		return nil, err
	}
	const ref = "#/components/schemas/"
	replies := &schemas{src: src, ref: ref}
	requests := &schemas{src: src, ref: ref, request: true, require: required.needs}
	d := &contract.Document{
		OpenAPI: "3.1.0",
		Info: contract.Info{
			Title: "Rackless", Version: "1.0.0",
			Description: "The public API of a shop. Amounts named *_cents are whole numbers in the currency's smallest unit; other amounts are decimal text such as \"19.99\". " +
				"Times are RFC 3339 in UTC. Requests with unknown fields are refused; replies and events may gain fields. Refusals are problems (RFC 9457).",
		},
		Servers: []contract.Server{{URL: "http://localhost:8000", Description: "The shop that make run starts"}},
	}
	replies.of(reflect.TypeFor[httpapi.Problem]())
	for _, o := range ops {
		if !slices.ContainsFunc(d.Tags, func(t contract.Tag) bool { return t.Name == o.domain() }) {
			d.Tags = append(d.Tags, contract.Tag{Name: o.domain(), Description: firstSentence(src.packages[module+"/shared/"+o.domain()])})
		}
		described, err := describe(src, o, requests, replies, examples[o.Name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Name, err)
		}
		methods, _ := d.Paths.Get(o.path())
		methods.Set(strings.ToLower(o.method()), described)
		d.Paths.Set(o.path(), methods)
	}
	if err := errors.Join(slices.Concat(requests.clashes, replies.clashes)...); err != nil {
		return nil, err
	}
	d.Components = contract.Components{
		Schemas: sorted(slices.Concat(requests.defs, replies.defs)),
		Parameters: contract.Members[contract.Parameter]{
			{Name: "Shop", Value: headerParameter("Rackless-Shop", "The shop that a visitor without credential means. Default: the shop to which the host belongs.", false)},
			{Name: "IdempotencyKey", Value: headerParameter("Idempotency-Key", "A fresh UUID for each intended effect. The same key with the same request again gets the same reply and causes nothing.", false)},
			{Name: "RequiredIdempotencyKey", Value: headerParameter("Idempotency-Key", "A fresh UUID for each intended effect. The same key with the same request again gets the same reply and causes nothing.", true)},
			{Name: "Prefer", Value: headerParameter("Prefer", "wait=N holds the reply back until the effect is complete, for at most N seconds, up to 30 (RFC 7240).", false)},
		},
		SecuritySchemes: contract.Members[contract.SecurityScheme]{
			{Name: "key", Value: contract.SecurityScheme{Type: "http", Scheme: "bearer", Description: "An API key (rk_…) of the merchant, with scopes."}},
			{Name: "session", Value: contract.SecurityScheme{Type: "http", Scheme: "bearer", Description: "A buyer's access token (rs_…), of a customer or of a guest."}},
		},
	}
	for _, r := range refusals {
		response := contract.Response{
			Description: r.text,
			Content:     contract.Members[contract.Media]{{Name: problemType, Value: contract.Media{Schema: &contract.Schema{Ref: ref + "Problem"}}}},
		}
		if r.status == http.StatusTooManyRequests {
			response.Headers.Set("Retry-After", contract.Parameter{Description: "Seconds to wait.", Schema: &contract.Schema{Type: contract.Types{"integer"}}})
		}
		d.Components.Responses.Set(r.name, response)
	}
	return d, nil
}

// describe says what one operation takes and answers.
func describe(src *source, o operation, requests, replies *schemas, examples contract.Members[contract.Example]) (contract.Operation, error) {
	_, rest, _ := strings.Cut(src.packages[module+"/functions/"+o.Name], ". ")
	d := contract.Operation{
		ID: o.Name, Tags: []string{o.domain()}, Summary: o.Summary, Description: rest,
		Access: o.Access, Scope: o.Scope,
	}
	key, session := map[string][]string{"key": {}}, map[string][]string{"session": {}}
	switch o.Access {
	case "anyone":
		d.Security = []map[string][]string{{}, session, key}
	case "buyer":
		d.Security = []map[string][]string{session, key}
	default:
		d.Security = []map[string][]string{key}
	}
	if o.Rate.Burst > 0 {
		d.Rate = fmt.Sprintf("%d/%s", o.Rate.Burst, strings.TrimSuffix(strings.TrimSuffix(o.Rate.Period.String(), "0s"), "0m"))
	}
	for _, t := range o.Emits {
		d.Emits = append(d.Emits, events.Short(t))
	}

	declared := map[string]bool{}
	httpapi.Parameters(o.In, func(in, name string, f reflect.StructField) {
		declared[in+" "+name] = true
		d.Parameters = append(d.Parameters, parameter(src, o, in, name, f))
	})
	for _, m := range wildcard.FindAllStringSubmatch(o.path(), -1) {
		if !declared["path "+m[1]] {
			return d, fmt.Errorf("the route has {%s} but the input no field tagged `path:%q`", m[1], m[1])
		}
	}
	switch o.Idempotency {
	case "required":
		d.Parameters = append(d.Parameters, contract.Parameter{Ref: "#/components/parameters/RequiredIdempotencyKey"})
	case "optional":
		d.Parameters = append(d.Parameters, contract.Parameter{Ref: "#/components/parameters/IdempotencyKey"})
	}
	if o.Waits() {
		d.Parameters = append(d.Parameters, contract.Parameter{Ref: "#/components/parameters/Prefer"})
	}
	if o.Access == "anyone" {
		d.Parameters = append(d.Parameters, contract.Parameter{Ref: "#/components/parameters/Shop"})
	}

	if httpapi.HasBody(o.In) {
		s := requests.of(o.In)
		def, _ := requests.defs.Get(requests.name(o.In))
		d.Body = &contract.Body{
			Required: len(def.Required) > 0,
			Content:  contract.Members[contract.Media]{{Name: jsonType, Value: contract.Media{Schema: s, Examples: examples}}},
		}
	}

	success := contract.Response{Description: http.StatusText(o.Status)}
	if implements[interface{ Location() string }](o.Out) {
		success.Headers.Set("Location", contract.Parameter{Description: "Where it is read.", Schema: text()})
	}
	if implements[interface{ ETag() string }](o.Out) {
		success.Headers.Set("ETag", contract.Parameter{Description: "The version, for If-Match.", Schema: text()})
	}
	if o.Idempotency != "" {
		success.Headers.Set("Idempotent-Replayed", contract.Parameter{Description: "true if this is the recorded reply to an earlier request.", Schema: text()})
	}
	if o.Waits() {
		success.Headers.Set("Preference-Applied", contract.Parameter{Description: "The seconds for which the reply was held back at most.", Schema: text()})
	}
	if o.Out != reflect.TypeFor[runtime.None]() {
		success.Content.Set(jsonType, contract.Media{Schema: replies.of(o.Out)})
	}
	d.Responses.Set(strconv.Itoa(o.Status), success)
	for _, r := range refusals {
		if r.by(o) {
			d.Responses.Set(strconv.Itoa(r.status), contract.Response{Ref: "#/components/responses/" + r.name})
		}
	}
	return d, nil
}

func implements[I any](t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[I]())
}

func text() *contract.Schema { return &contract.Schema{Type: contract.Types{"string"}} }

func headerParameter(name, description string, required bool) contract.Parameter {
	return contract.Parameter{Name: name, In: "header", Required: required, Description: description, Schema: text()}
}

// wildcard is a part of a path that varies.
var wildcard = regexp.MustCompile(`\{([a-z_]+)\}`)

// parameter describes a field that does not come from the body.
func parameter(src *source, o operation, in, name string, f reflect.StructField) contract.Parameter {
	owner := o.In // or an embedded struct
	at, _ := o.In.FieldByName(f.Name)
	for _, i := range at.Index[:len(at.Index)-1] {
		owner = owner.Field(i).Type
	}
	p := contract.Parameter{Name: name, In: in, Required: in == "path", Description: sentence(src.ofField(owner, f.Name))}
	p.Schema = (&schemas{src: src}).of(f.Type)
	switch {
	case in == "header": // as text, e.g. a quoted entity tag
		p.Schema = text()
	case in == "path":
		p.Example = exampleSegment(o.path(), name)
	}
	switch {
	case name == "If-Match":
		p.Description = "The version that the caller has seen, as in ETag. Refused if it is not the present one."
	case p.Description == "" && in == "path":
		collection, _, _ := strings.Cut(o.path(), "/{"+name)
		p.Description = sentence("the id of one of the " + path.Base(collection))
	}
	return p
}

// segments are examples of what follows a collection in a path.
var segments = map[string]string{
	"customers": "cus_06h0c6qbx9wx1cz4yj7chn4py0",
	"addresses": "adr_06h0c6qbx9yc9vbt3dq1y1m8mg",
	"carts":     "crt_06h0c6qbx9x05e73seysdj4z5r",
	"orders":    "ord_06h0c6qbx9w99f2zvw3zq827qw",
	"payments":  "pay_06h0c6qbx9wkbcgg39a0tjaqq0",
	"products":  "TEE",
}

func exampleSegment(route, name string) any {
	before, _, _ := strings.Cut(route, "/{"+name+"}")
	if example, ok := segments[path.Base(before)]; ok {
		return example
	}
	return nil
}

func firstSentence(comment string) string {
	first, _, _ := strings.Cut(comment, ". ")
	_, first, _ = strings.Cut(first, " ") // Package
	_, first, _ = strings.Cut(first, " ") // its name
	return sentence(withoutName(first))
}

// needed are the fields of requests without which they are refused.
type needed map[string]*struct{ with, without int }

func (n needed) needs(t reflect.Type, field string) bool {
	seen := n[typeKey(t)+"."+field]
	return seen != nil && seen.with > 0 && seen.without == 0
}
