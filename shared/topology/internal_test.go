package topology

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"PT0.2S":             200 * time.Millisecond,
		"PT1M":               time.Minute,
		"PT1H2M3.5S":         time.Hour + 2*time.Minute + 3500*time.Millisecond,
		"P1D":                24 * time.Hour,
		"P2DT0.000000001S":   48*time.Hour + 1,
		"PT0S":               0,
		"P9999DT999999H":     9999*24*time.Hour + 999999*time.Hour,
		"":                   -1,
		"P":                  -1,
		"PT":                 -1,
		"P1DT":               24 * time.Hour,
		"P1M":                -1,
		"P1Y":                -1,
		"PT1":                -1,
		"1S":                 -1,
		"PT-1S":              -1,
		"PT1S ":              -1,
		"PT1S1M":             -1,
		"PT1.S":              -1,
		"PT9999999999999H":   -1,
		"PT0.0000000000001S": -1,
	} {
		got, err := parseDuration(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v (%v), want %v", text, got, err, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	f.Add("P1DT2H3M4.5S")
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseDuration(text); err == nil && d < 0 {
			t.Errorf("%q is %v", text, d)
		}
	})
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                              nil,
		"a":                             {"a"},
		"\uFEFFa\n":                     {"a\n"},
		"a\n---\nb":                     {"a\n", "\nb"},
		"a\r\n---\r\nb":                 {"a\r\n", "\r\nb"},
		"--- a\n--- # c\nb":             {" a\n", " # c\nb"},
		"---\n# nothing\n---\n\n---\na": {"\na"},
		"a\n...\nb":                     {"a\n", "\nb"},
		"a: |\n  ---\n ----\n----\n":    {"a: |\n  ---\n ----\n----\n"},
		"---":                           nil,
	} {
		var got []string
		for _, doc := range documents([]byte(text)) {
			got = append(got, string(doc))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add([]byte("a\n---\nb\n...\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, doc := range documents(text) {
			for line := range bytes.Lines(doc) {
				if word, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n\t "), []byte(" ")); string(word) == "---" || string(word) == "..." {
					t.Errorf("%q has a marker left: %q", text, doc)
				}
			}
		}
	})
}

// The longest wait there can be is not a negative one.
func TestBackoffDoesNotOverflow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := policy{
			delay:  time.Duration(rapid.Int64Min(0).Draw(t, "delay")),
			linear: rapid.Bool().Draw(t, "linear"),
		}
		n := rapid.IntRange(0, 1<<40).Draw(t, "attempt")
		if wait := p.backoff(n, nil, time.Time{}); wait < 0 || n > 1 && wait < p.delay {
			t.Errorf("attempt %d waits %v", n, wait)
		}
	})
}

func anyFilter() *rapid.Generator[Filter] {
	attributes := rapid.MapOfN(rapid.SampledFrom([]string{"type", "source", "subject", "shop"}), rapid.SampledFrom([]string{"a", "ab", "b"}), 1, 2)
	return rapid.Custom(func(t *rapid.T) Filter {
		list := func() []Filter { return rapid.SliceOfN(anyFilter(), 1, 3).Draw(t, "list") }
		switch rapid.IntRange(0, 9).Draw(t, "dialect") {
		case 0:
			return Filter{All: list()}
		case 1:
			return Filter{Any: list()}
		case 2, 3:
			inner := anyFilter().Draw(t, "inner")
			return Filter{Not: &inner}
		case 4, 5:
			return Filter{Prefix: attributes.Draw(t, "prefix")}
		case 6:
			return Filter{Suffix: attributes.Draw(t, "suffix")}
		case 7:
			return Filter{CESQL: rapid.SampledFrom([]string{"type = 'a'", "EXISTS shop", "subject LIKE 'a%' OR source = 'b'", "shop > 1"}).Draw(t, "cesql")}
		}
		return Filter{Exact: attributes.Draw(t, "exact")}
	})
}

// What a filter says of a type alone holds for every event of the type.
func TestFilterOfATypeHoldsForItsEvents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, err := newFilter(TriggerSpec{Filters: rapid.SliceOfN(anyFilter(), 1, 3).Draw(t, "filters")})
		if err != nil {
			t.Fatal(err)
		}
		value := rapid.SampledFrom([]string{"a", "ab", "b", "bb"})
		e := event.New()
		e.SetID("1")
		e.SetType(value.Draw(t, "type"))
		e.SetSource(value.Draw(t, "source"))
		if rapid.Bool().Draw(t, "has subject") {
			e.SetSubject(value.Draw(t, "subject"))
			e.SetExtension("shop", value.Draw(t, "shop"))
		}
		ofEvent, ofType := f(subject{event: &e}), f(subject{typ: e.Type()})
		if ofEvent == unsure || ofType != unsure && ofType != ofEvent {
			t.Errorf("of the event %d, of its type %d", ofEvent, ofType)
		}
	})
}

// knative/eventing, pkg/eventfilter/attributes: LookupAttribute.
func TestAttributesAreCoreOrExtension(t *testing.T) {
	t.Parallel()
	e := event.New()
	e.SetID("i")
	e.SetType("t")
	e.SetSource("/s")
	e.SetExtension("number", 7)
	e.SetExtension("truth", true)
	want := map[string]string{
		"specversion": "1.0", "id": "i", "type": "t", "source": "/s", "number": "7", "truth": "true",
		"subject": "", "time": "", "dataschema": "", "datacontenttype": "", "other": "",
	}
	got := map[string]string{}
	for name := range want {
		got[name], _ = subject{event: &e}.attribute(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	e.SetSubject("x")
	e.SetTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	e.SetDataSchema("https://s/")
	e.SetDataContentType("text/plain")
	for name, want := range map[string]string{"subject": "x", "time": "2026-01-02T03:04:05Z", "dataschema": "https://s/", "datacontenttype": "text/plain"} {
		if got, _ := (subject{event: &e}).attribute(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// A CloudEvents SQL expression that fails or is not a truth value passes nothing.
func TestCESQLPassesOnlyTruth(t *testing.T) {
	t.Parallel()
	e := event.New()
	e.SetID("i")
	e.SetType("t")
	e.SetSource("/s")
	for text, want := range map[string]verdict{
		"type = 't'": passes, "type = 'u'": fails, "id": fails, "1 + 1": fails, "nosuch = 'x'": fails, "LENGTH(type) = 1": passes, "1 / 0 = 1": fails,
	} {
		f, err := newCESQL("f", text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := f(subject{event: &e}); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func FuzzCESQL(f *testing.F) {
	f.Add("type LIKE 'a%' AND EXISTS shop")
	f.Add("(INT(id) + 1) IN (1, 2, 3)")
	e := event.New()
	e.SetID("1")
	e.SetType("t")
	e.SetSource("/s")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := newCESQL("f", text)
		if err == nil && !slices.Contains([]verdict{passes, fails}, x(subject{event: &e})) {
			t.Errorf("%s is unsure of an event", text)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f: ") {
			t.Errorf("%s: the error does not name the field: %v", text, err)
		}
	})
}
