package contract_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/contract"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/ident"
)

func checker(t *testing.T) *contract.Checker {
	t.Helper()
	c, err := contract.NewChecker(contract.OpenAPI, contract.AsyncAPI)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// created is an exchange that keeps to the contract.
func created() contract.Exchange {
	return contract.Exchange{
		Method: "POST", URL: &url.URL{Path: "/v1/customers"}, Header: http.Header{"Idempotency-Key": {"k"}},
		Body:        []byte(`{"email":"test@example.com","newsletters":1}`),
		Status:      http.StatusCreated,
		ReplyHeader: http.Header{"Content-Type": {"application/json"}},
		ReplyBody: []byte(`{"id":"cus_1","email":"test@example.com","first_name":"","last_name":"","company":"","phone":"","newsletters":1,"price_schedule":"",` +
			`"tax_exempt":false,"locked":false,"version":1,"created_at":"2026-11-23T12:00:00Z","updated_at":"2026-11-23T12:00:00Z"}`),
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	c := checker(t)
	problem := func(x *contract.Exchange, status int, body string) {
		x.Status, x.ReplyBody = status, []byte(body)
		x.ReplyHeader = http.Header{"Content-Type": {"application/problem+json"}}
	}
	const conflict = `{"type":"https://rackless.dev/problems/conflict","title":"Conflict","status":409,"detail":"taken"}`
	reply := func(x *contract.Exchange, old, with string) {
		x.ReplyBody = []byte(strings.Replace(string(x.ReplyBody), old, with, 1))
	}
	for name, test := range map[string]struct {
		change func(*contract.Exchange)
		want   string // part of the error, empty for none
	}{
		"kept":                       {func(*contract.Exchange) {}, ""},
		"reply_gains_a_field":        {func(x *contract.Exchange) { reply(x, `{`, `{"new":1,`) }, ""},
		"reply_lacks_a_field":        {func(x *contract.Exchange) { reply(x, `"company":"",`, ``) }, "missing property 'company'"},
		"reply_of_another_type":      {func(x *contract.Exchange) { reply(x, `"version":1`, `"version":"1"`) }, "want integer"},
		"reply_with_null":            {func(x *contract.Exchange) { reply(x, `"phone":""`, `"phone":null`) }, "got null"},
		"reply_with_a_bad_time":      {func(x *contract.Exchange) { reply(x, `"2026-11-23T12:00:00Z"`, `"today"`) }, "date-time"},
		"reply_is_not_JSON":          {func(x *contract.Exchange) { x.ReplyBody = []byte("ok") }, "is not JSON"},
		"reply_of_another_media":     {func(x *contract.Exchange) { x.ReplyHeader = http.Header{"Content-Type": {"text/html"}} }, "text/html"},
		"reply_has_no_media_type":    {func(x *contract.Exchange) { x.ReplyHeader = nil }, "not declared"},
		"status_is_not_declared":     {func(x *contract.Exchange) { x.Status = http.StatusAccepted }, "the status 202 is not declared"},
		"request_has_unknown_field":  {func(x *contract.Exchange) { x.Body = []byte(`{"email":"a@example.com","x":1}`) }, "'x' not allowed"},
		"request_lacks_a_field":      {func(x *contract.Exchange) { x.Body = []byte(`{"phone":"1"}`) }, "missing property 'email'"},
		"request_lacks_the_body":     {func(x *contract.Exchange) { x.Body = nil }, "lacks the body"},
		"request_has_unknown_query":  {func(x *contract.Exchange) { x.URL.RawQuery = "debug=1" }, "debug is not declared"},
		"refusal":                    {func(x *contract.Exchange) { problem(x, 409, conflict) }, ""},
		"refusal_of_a_bad_request":   {func(x *contract.Exchange) { problem(x, 409, conflict); x.Body = []byte(`nonsense`) }, ""},
		"refusal_that_is_undeclared": {func(x *contract.Exchange) { problem(x, 418, conflict) }, "418 is not declared"},
		"refusal_without_detail":     {func(x *contract.Exchange) { problem(x, 409, `{"type":"t","title":"Conflict","status":409}`) }, "missing property 'detail'"},
		"refusal_that_is_no_problem": {func(x *contract.Exchange) { problem(x, 409, conflict); x.ReplyHeader = nil }, "not application/problem+json"},
		"path_that_is_none":          {func(x *contract.Exchange) { x.URL.Path = "/"; x.Status = 202 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := created()
			test.change(&x)
			err := c.Exchange(x)
			if test.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
}

func TestExchangeWithParameters(t *testing.T) {
	t.Parallel()
	c := checker(t)
	page := func(query string) contract.Exchange {
		return contract.Exchange{
			Method: "GET", URL: &url.URL{Path: "/v1/orders", RawQuery: query}, Status: http.StatusOK,
			ReplyHeader: http.Header{"Content-Type": {"application/json"}}, ReplyBody: []byte(`{"items":[]}`),
		}
	}
	if err := c.Exchange(page("limit=5")); err != nil {
		t.Errorf("a limit is refused: %v", err)
	}
	if err := c.Exchange(page("limit=five")); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a limit that is no number: error %v", err)
	}
	place := contract.Exchange{Method: "POST", URL: &url.URL{Path: "/v1/orders"}, Body: []byte(`{"cart_id":"crt_1"}`), Status: http.StatusAccepted}
	if err := c.Exchange(place); err == nil || !strings.Contains(err.Error(), "lacks the header parameter Idempotency-Key") {
		t.Errorf("an order without Idempotency-Key: error %v", err)
	}
}

// A checker that takes anything would be none: the documents are changed and
// what kept to them before no longer does.
func TestChangedContractIsNoticed(t *testing.T) {
	t.Parallel()
	// change replaces a text where it first comes after another.
	change := func(t *testing.T, document []byte, after, old, with string) []byte {
		t.Helper()
		before, rest, ok := strings.Cut(string(document), after)
		changed := strings.Replace(rest, old, with, 1)
		if !ok || changed == rest {
			t.Fatalf("the document does not contain %q after %q", old, after)
		}
		return []byte(before + after + changed)
	}
	t.Run("reply", func(t *testing.T) {
		t.Parallel()
		document := change(t, contract.OpenAPI, "\n    Customer:\n", "type: boolean", "type: string")
		c, err := contract.NewChecker(document, contract.AsyncAPI)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Exchange(created()); err == nil || !strings.Contains(err.Error(), "want string") {
			t.Errorf("error %v, want one about the type", err)
		}
	})
	t.Run("event", func(t *testing.T) {
		t.Parallel()
		document := change(t, contract.AsyncAPI, "\n    order.due.v1:\n      title: OrderDue\n", "- order_id", "- order_id\n      - shop")
		c, err := contract.NewChecker(contract.OpenAPI, document)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Event(events.OrderDue{}.Type(), []byte(`{"order_id":"ord_1"}`)); err == nil || !strings.Contains(err.Error(), "missing property 'shop'") {
			t.Errorf("error %v, want one about the property", err)
		}
	})
}

func TestExamplesOfEvents(t *testing.T) {
	t.Parallel()
	c := checker(t)
	for _, r := range events.Registry() {
		t.Run(events.Short(r.Example.Type()), func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(r.Example)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Event(r.Example.Type(), data); err != nil {
				t.Error(err)
			}
			back := reflect.New(reflect.TypeOf(r.Example))
			if err := json.Unmarshal(data, back.Interface()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r.Example, back.Elem().Interface()); diff != "" {
				t.Errorf("it does not survive JSON (-want +got):\n%s", diff)
			}
			for f, v := range back.Elem().Fields() {
				if v.IsZero() {
					t.Errorf("the example has no %s", f.Name)
				}
			}
			kind, _, _ := strings.Cut(r.Example.Subject(), "_")
			if !ident.Valid(kind, r.Example.Subject()) {
				t.Errorf("its subject %q is no id", r.Example.Subject())
			}
		})
	}
	if err := c.Event("dev.rackless.order.forgotten.v1", []byte(`{}`)); err == nil {
		t.Error("an event without schema is taken")
	}
}

func TestDocumentKeepsItsOrder(t *testing.T) {
	t.Parallel()
	d, err := contract.Read(contract.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := d.Components.Schemas.Get("Problem")
	var names []string
	for _, p := range s.Properties {
		names = append(names, p.Name)
	}
	if diff := cmp.Diff([]string{"type", "title", "status", "detail", "instance", "errors", "data"}, names); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	again, err := contract.ToYAML(d)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(contract.OpenAPI), "\n")
	if diff := cmp.Diff(text, string(again)); diff != "" {
		t.Errorf("the document is not what it was read from (-want +got):\n%s", diff)
	}
}

// Every reference in the documents leads somewhere.
func TestReferences(t *testing.T) {
	t.Parallel()
	for name, document := range map[string][]byte{"openapi.yaml": contract.OpenAPI, "asyncapi.yaml": contract.AsyncAPI} {
		data, err := contract.ToJSON(document)
		if err != nil {
			t.Fatal(err)
		}
		var root any
		if err := json.Unmarshal(data, &root); err != nil {
			t.Fatal(err)
		}
		found := 0
		var walk func(any)
		walk = func(v any) {
			switch v := v.(type) {
			case []any:
				for _, e := range v {
					walk(e)
				}
			case map[string]any:
				if ref, ok := v["$ref"].(string); ok {
					found++
					at := root
					for segment := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
						object, _ := at.(map[string]any)
						at = object[segment]
					}
					if at == nil {
						t.Errorf("%s: %s leads nowhere", name, ref)
					}
				}
				for _, e := range v {
					walk(e)
				}
			}
		}
		walk(root)
		if found == 0 {
			t.Errorf("%s has no references", name)
		}
	}
}
