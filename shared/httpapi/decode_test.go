package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/httpapi"
)

type input struct {
	ID      string `json:"-" path:"id"`
	IfMatch int64  `json:"-" header:"If-Match"`
	All     bool   `json:"-" query:"all"`
	Inner
	Name  string `json:"name"`
	Count *int   `json:"count,omitempty"`
	Items []struct {
		Qty int `json:"qty"`
	} `json:"items,omitempty"`
}

// Inner is exported: encoding/json sets the fields of embedded structs only then.
type Inner struct {
	Note string `json:"note"`
}

func (in input) Validate() error {
	var f fault.Fields
	f.Check(in.Name != "bad", "/name", "must not be bad")
	return f.Err()
}

func decode(t *testing.T, target, body string, header ...string) (input, error) {
	t.Helper()
	var in input
	var err error
	mux := http.NewServeMux()
	mux.HandleFunc("POST /things/{id}", func(_ http.ResponseWriter, r *http.Request) { err = httpapi.Decode(r, []byte(body), &in) })
	r := httptest.NewRequest(http.MethodPost, target, nil)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	mux.ServeHTTP(httptest.NewRecorder(), r)
	return in, err
}

func TestDecodeTakesEveryPart(t *testing.T) {
	t.Parallel()
	in, err := decode(t, "/things/x?all=true", `{"name": "n", "note": "o", "items": [{"qty": 2}]}`, `If-Match: "7"`)
	if err != nil {
		t.Fatal(err)
	}
	if in.ID != "x" || in.IfMatch != 7 || !in.All || in.Name != "n" || in.Note != "o" || in.Items[0].Qty != 2 {
		t.Errorf("decoded %+v", in)
	}
}

func TestDecodeNamesWhatItRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		target, body, header string
		path                 string // of the refused field, empty for the body as a whole
	}{
		"unknown_field":     {body: `{"nam": 1}`, path: "/nam"},
		"unknown_within":    {body: `{"items": [{"qty": 1}, {"qty": 1, "a/b": 2}]}`, path: "/items/1/a~1b"},
		"wrong_type":        {body: `{"name": 7}`, path: "/name"},
		"wrong_type_within": {body: `{"items": [{"qty": "two"}]}`, path: "/items/qty"},
		"too_large":         {body: `{"count": 99999999999999999999}`, path: "/count"},
		"fraction":          {body: `{"count": 1.5}`, path: "/count"},
		"cut_off":           {body: `{"name": `},
		"two_values":        {body: `{} {}`},
		"list":              {body: `[]`, path: "/"},
		"unknown_parameter": {target: "?nothing=1", body: `{}`, path: "/nothing"},
		"twice":             {target: "?all=true&all=false", body: `{}`, path: "/all"},
		"no_bool":           {target: "?all=perhaps", body: `{}`, path: "/all"},
		"no_number":         {header: "If-Match: abc", body: `{}`, path: "/If-Match"},
		"validation":        {body: `{"name": "bad"}`, path: "/name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decode(t, "/things/x"+test.target, test.body, test.header)
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("error %v, want one of kind invalid", err)
			}
			p := httpapi.ProblemOf(err, "r1")
			var paths []string
			for _, f := range p.Errors {
				paths = append(paths, f.Path)
			}
			var want []string
			if test.path != "" {
				want = []string{test.path}
			}
			if diff := cmp.Diff(want, paths); diff != "" {
				t.Errorf("refused fields (-want +got):\n%s", diff)
			}
			if p.Status != http.StatusBadRequest || p.Instance != "r1" || p.Detail == "" {
				t.Errorf("problem %+v", p)
			}
		})
	}
}

// What a defect of ours says is not for callers.
func TestProblemHidesDefects(t *testing.T) {
	t.Parallel()
	p := httpapi.ProblemOf(fault.From(fault.Internal, nil, "password is hunter2"), "")
	if p.Status != http.StatusInternalServerError || strings.Contains(p.Detail, "hunter2") {
		t.Errorf("problem %+v", p)
	}
}

// No body, however odd, is anything but taken or refused as the caller's mistake.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{}`, `{"name":"x"}`, `{"items":[{"qty":1}]}`, `{"name":"\ud800"}`, `[[[[`, "\x00", `{"name":1e999}`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Content-Type", "application/json")
		var in input
		if err := httpapi.Decode(r, body, &in); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v is not the caller's mistake", body, err)
		}
	})
}
