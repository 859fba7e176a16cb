package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/page"
)

// Going through a list page by page gives every row once, in order, whatever is
// added behind the reader's back before the place where the reader is.
func TestPagesGiveEveryRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(rapid.StringMatching(`[a-z0-9_]{1,30}`), rapid.ID[string]).Draw(t, "keys")
		slices.Sort(keys)
		q := page.Query{Limit: rapid.IntRange(0, page.MaxLimit).Draw(t, "limit")}
		var read []string
		for pages := 0; ; pages++ {
			if err := q.Validate(); err != nil || pages > len(keys)+1 {
				t.Fatalf("after %d pages: %v", pages, err)
			}
			at, _ := slices.BinarySearch(keys, q.After()+"\x00")
			rows := keys[at:min(at+q.Rows(), len(keys))]
			p := page.Of(q, slices.Clone(rows), func(s string) string { return s })
			read = append(read, p.Items...)
			if p.Next == "" {
				break
			}
			q.Cursor = p.Next
		}
		if !slices.Equal(read, keys) {
			t.Errorf("read %v, want %v", read, keys)
		}
	})
}

func TestQueryRefuses(t *testing.T) {
	t.Parallel()
	for _, q := range []page.Query{{Limit: -1}, {Limit: page.MaxLimit + 1}, {Cursor: "?"}, {Cursor: strings.Repeat("a", 400)}, {Cursor: "_w"}} {
		if err := q.Validate(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v, want invalid", q, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("", 0)
	f.Add("Y3VzXzE", 20)
	f.Fuzz(func(t *testing.T, cursor string, limit int) {
		q := page.Query{Cursor: cursor, Limit: limit}
		if q.Validate() == nil && len(q.After()) > 200 {
			t.Error("a key of over 200 bytes was taken")
		}
		_ = fmt.Sprint(q.Rows())
	})
}
