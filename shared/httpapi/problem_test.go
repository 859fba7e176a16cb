package httpapi_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/httpapi"
)

// A refusal that a broker gets is never longer than it can keep.
func TestBriefProblem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"short", strings.Repeat("long ", 1000), strings.Repeat("<é\x00>", 1000)} {
		f := fault.New(fault.Unprocessable, "%s", text).With("levels", strings.Repeat("x", 5000))
		w := httptest.NewRecorder()
		if code := httpapi.WriteBriefProblem(w, f, "01a21b5d-faf3-7bf6-9846-f7be0725cffe"); code != 422 || w.Code != 422 {
			t.Errorf("status %d, written %d; want 422", code, w.Code)
		}
		if n := w.Body.Len(); n > 768 || !strings.Contains(w.Body.String(), text[:5]) && text[0] != '<' {
			t.Errorf("%d bytes: %s", n, w.Body)
		}
	}
}
