package promotion

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// Plain product lists mean what the regular expression of the original means.
func TestGlobsAgreeWithRegularExpressions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[aAbB1:#*. ,()-]{0,12}`).Draw(t, "list")
		key := rapid.StringMatching(`[aAbB1:#.-]{1,8}`).Draw(t, "key")
		list, ok := globs(text)
		if !ok {
			return
		}
		got := false
		for _, g := range list {
			got = got || g.matches(key)
		}
		want := regexp.MustCompile("^(?i:" + alternatives(text) + ")$").MatchString(key)
		if got != want {
			t.Fatalf("%q with %q: %v, want %v", text, key, got, want)
		}
	})
}
