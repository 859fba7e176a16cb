package topology

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
)

// Transport carries the requests of functions within this process: to other
// functions at http://<service>, also with the longer names of a cluster's DNS,
// and to the brokers' SinkURL. There is no connection in between, but otherwise
// all is as if there were: no value of the caller's context arrives, and a panic
// is a broken connection. A response is complete before the caller sees it.
// Requests for other hosts go outside.
func (c *Cluster) Transport() http.RoundTripper { return transport{c} }

type transport struct{ cluster *Cluster }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Host
	if r.URL.Port() == "80" {
		host = r.URL.Hostname()
	}
	h, ok := t.cluster.hosts[host]
	if !ok || r.URL.Scheme != "http" {
		return t.cluster.options.Outside.RoundTrip(r)
	}
	return t.cluster.serve(h, r)
}

// serve lets h answer the request out of a client.
func (c *Cluster) serve(h http.Handler, out *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(c.context)
	stop := context.AfterFunc(out.Context(), cancel)
	in := (&http.Request{
		Method:        out.Method,
		URL:           &url.URL{Path: out.URL.Path, RawPath: out.URL.RawPath, RawQuery: out.URL.RawQuery},
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        out.Header.Clone(),
		Body:          out.Body,
		ContentLength: out.ContentLength,
		Host:          out.Host,
		RemoteAddr:    "127.0.0.1:0",
		RequestURI:    out.URL.RequestURI(),
	}).WithContext(ctx)
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	if in.URL.Path == "" {
		in.URL.Path = "/"
	}
	if in.Header == nil {
		in.Header = http.Header{}
	}
	if in.Host == "" {
		in.Host = out.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &recorder{header: http.Header{}}
	done := make(chan error, 1)
	go func() {
		defer cancel()
		defer stop()
		defer in.Body.Close()
		defer func() {
			r := recover()
			if r == nil {
				done <- nil
				return
			}
			if r != http.ErrAbortHandler {
				c.log.Error("handler panicked", "host", in.Host, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			}
			done <- fmt.Errorf("%s %s: the connection broke off", in.Method, out.URL)
		}()
		h.ServeHTTP(w, in)
	}()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return w.response(out), nil
	case <-out.Context().Done():
		return nil, context.Cause(out.Context())
	}
}

// recorder is a response in the making.
type recorder struct {
	header http.Header
	sent   http.Header // as it was at WriteHeader
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len() == 0 && len(p) > 0 && w.sent["Content-Type"] == nil {
		w.sent.Set("Content-Type", http.DetectContentType(p))
	}
	return w.body.Write(p)
}

func (w *recorder) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		w.body.Reset()
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()),
		Request:       r,
	}
}
