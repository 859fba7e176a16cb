package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// patience bounds for how long a call is repeated: a shop that was killed may
// take so long to be started again.
const patience = 2 * time.Minute

// client calls the public API of a shop. A call that finds nobody there, or a
// shop that cannot serve just now, is repeated with the same Idempotency-Key, so
// that nothing is done twice.
type client struct {
	http *http.Client
	url  string // without a slash at the end
}

// request is a call. Body is sent as JSON, unless nil.
type request struct {
	token, method, path string
	key                 string // Idempotency-Key; every write has one
	prefer              string
	body                any
}

// refusal is a reply that repetition does not change.
type refusal struct {
	method, path string
	status       int
	detail       string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s %s: %d %s", r.method, r.path, r.status, r.detail)
}

// do sends a request until it is answered and decodes the reply into out, unless
// nil. It returns how long the last attempt took.
func (c *client) do(ctx context.Context, r request, out any) (took time.Duration, err error) {
	var body []byte
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return 0, err
		}
	}
	var failing time.Time // since when
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		began := time.Now()
		again, err := c.attempt(ctx, r, body, out)
		took = time.Since(began)
		if err == nil || !again || ctx.Err() != nil {
			return took, err
		}
		if failing.IsZero() {
			failing = began
		}
		if time.Since(failing) > patience {
			return took, fmt.Errorf("%s has not answered for %s: %w", c.url, patience, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return took, ctx.Err()
		}
	}
}

// attempt sends a request once. again tells whether to repeat it after an error.
func (c *client) attempt(ctx context.Context, r request, body []byte, out any) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.url+r.path, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	for name, value := range map[string]string{"Idempotency-Key": r.key, "Prefer": r.prefer} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	res, err := c.http.Do(req)
	if err != nil {
		return true, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return true, err
	}
	if res.StatusCode/100 == 2 {
		if out == nil {
			return false, nil
		}
		if err := json.Unmarshal(data, out); err != nil {
			return false, fmt.Errorf("%s %s: the reply is not what was expected: %w", r.method, r.path, err)
		}
		return false, nil
	}
	refused := &refusal{r.method, r.path, res.StatusCode, string(data)}
	var problem struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Errors []struct {
			Path   string `json:"path"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(data, &problem) == nil && problem.Title != "" {
		refused.detail = problem.Title + ": " + problem.Detail
		for _, e := range problem.Errors {
			refused.detail += "; " + e.Path + " " + e.Detail
		}
	}
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		select {
		case <-time.After(time.Duration(min(seconds, 30)) * time.Second):
		case <-ctx.Done():
		}
		return true, refused
	case res.StatusCode == http.StatusConflict && r.key != "" && strings.Contains(refused.detail, "Idempotency-Key"):
		return true, refused // an attempt that was cut off is still under way
	case res.StatusCode >= 502:
		return true, refused
	}
	return false, refused
}
