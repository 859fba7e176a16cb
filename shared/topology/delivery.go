package topology

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	duckv1 "knative.dev/pkg/apis/duck/v1"
)

// ingressHost is where functions of a cluster find their brokers, each under
// /<namespace>/<name>; the same URL works in one process.
const ingressHost = "broker-ingress.knative-eventing.svc.cluster.local"

// defaultTimeout bounds an attempt whose delivery says nothing: the longest that
// Knative Serving lets a request take.
const defaultTimeout = 300 * time.Second

// policy is a Delivery, ready for use. The zero value tries once.
type policy struct {
	retries       int
	linear        bool
	delay         time.Duration
	timeout       time.Duration
	retryAfterMax time.Duration // negative: no bound
	deadLetters   *url.URL      // nil: none
}

// policy reads a delivery; the text of its error begins with the field.
func (m *Manifest) policy(d *Delivery, namespace string) (policy, error) {
	p := policy{timeout: defaultTimeout, retryAfterMax: -1}
	if d == nil {
		return p, nil
	}
	var errs []error
	duration := func(field, text string, into *time.Duration) {
		if text == "" {
			return
		}
		v, err := parseDuration(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", field, err))
			return
		}
		*into = v
	}
	if d.Retry != nil {
		p.retries = *d.Retry
	}
	if p.retries < 0 {
		errs = append(errs, errors.New("retry: it is negative; write how often to try again, 0 or more"))
	}
	switch d.BackoffPolicy {
	case "", "exponential":
	case "linear":
		p.linear = true
	default:
		errs = append(errs, fmt.Errorf("backoffPolicy: there is no %q; write linear or exponential", d.BackoffPolicy))
	}
	if (d.BackoffPolicy == "") != (d.BackoffDelay == "") {
		errs = append(errs, errors.New("backoffPolicy: it has no effect without backoffDelay, nor that without it; write both or neither"))
	}
	duration("backoffDelay", d.BackoffDelay, &p.delay)
	duration("timeout", d.Timeout, &p.timeout)
	duration("retryAfterMax", d.RetryAfterMax, &p.retryAfterMax)
	if p.timeout <= 0 {
		errs = append(errs, errors.New("timeout: it is zero; write a duration above zero or remove it"))
	}
	if d.DeadLetterSink != nil {
		var err error
		if p.deadLetters, err = m.resolve(*d.DeadLetterSink, namespace); err != nil {
			errs = append(errs, fmt.Errorf("deadLetterSink%w", err))
		}
	}
	return p, errors.Join(errs...)
}

// backoff returns how long to wait after the attempt with that number, the first
// being 0, was answered with res, which is nil if nothing came back
// (knative/eventing, pkg/kncloudevents: RetryConfigFromDeliverySpec and
// generateBackoffFn).
func (p policy) backoff(attempt int, res *answer, now time.Time) time.Duration {
	factor := attempt
	if !p.linear {
		factor = 1 << min(attempt, 40)
	}
	wait := time.Duration(math.MaxInt64)
	if p.delay == 0 || int64(factor) < math.MaxInt64/int64(p.delay) {
		wait = p.delay * time.Duration(factor)
	}
	if res == nil || res.status != http.StatusTooManyRequests && res.status != http.StatusServiceUnavailable {
		return wait
	}
	after := retryAfter(res.header.Get("Retry-After"), now)
	if p.retryAfterMax >= 0 {
		after = min(after, p.retryAfterMax)
	}
	return max(wait, after)
}

// retryAfter reads the header of that name: seconds or a date (RFC 9110,
// §10.2.3), a day at most. What is neither counts as zero.
func retryAfter(text string, now time.Time) time.Duration {
	const day = 24 * time.Hour
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(day/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return min(max(date.Sub(now), 0), day)
	}
	return 0
}

// retryable reports whether a status, 0 for no response, says that the same
// event may be taken later (knative/eventing, pkg/kncloudevents: SelectiveRetry).
func retryable(status int) bool {
	switch status {
	case 0, http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// resolve returns the URL of a destination. The text of its error begins with
// what to append to the destination's field.
func (m *Manifest) resolve(d duckv1.Destination, namespace string) (*url.URL, error) {
	if d.CACerts != nil || d.Audience != nil {
		return nil, errors.New(": CACerts and audience are not supported here; remove them")
	}
	if d.Ref == nil {
		if d.URI == nil || d.URI.Host == "" || d.URI.Scheme != "http" && d.URI.Scheme != "https" {
			return nil, errors.New(": there is neither a ref nor an absolute http uri; write one of them")
		}
		return d.URI.URL(), nil
	}
	ref := *d.Ref
	if ref.Namespace == "" {
		ref.Namespace = namespace
	}
	base := &url.URL{Scheme: "http"}
	var found *Object
	switch ref.APIVersion + " " + ref.Kind {
	case "serving.knative.dev/v1 Service":
		if s := m.service(ref.Name); s != nil {
			found = &s.Object
		}
		base.Host, base.Path = ref.Name+"."+ref.Namespace+".svc.cluster.local", "/"
	case "eventing.knative.dev/v1 Broker":
		if b := m.broker(ref.Name); b != nil {
			found = &b.Object
		}
		base = brokerURL(ref.Namespace, ref.Name)
	default:
		return nil, fmt.Errorf(".ref: %q %q is not supported; write a serving.knative.dev/v1 Service or an eventing.knative.dev/v1 Broker", ref.APIVersion, ref.Kind)
	}
	if found == nil || found.Metadata.Namespace != ref.Namespace {
		return nil, fmt.Errorf(".ref: there is no %s %q in namespace %q; write the name of one", ref.Kind, ref.Name, ref.Namespace)
	}
	if d.URI == nil {
		return base, nil
	}
	if d.URI.URL().IsAbs() || d.URI.Host != "" {
		return nil, errors.New(".uri: beside a ref it must be a path; write one such as /events")
	}
	return base.ResolveReference(d.URI.URL()), nil
}

func brokerURL(namespace, name string) *url.URL {
	return &url.URL{Scheme: "http", Host: ingressHost, Path: "/" + namespace + "/" + name}
}

var durationForm = regexp.MustCompile(`^P(?:(\d{1,4})D)?(?:T((?:\d{1,6}H)?(?:\d{1,6}M)?(?:\d{1,6}(?:\.\d{1,9})?S)?))?$`)

// parseDuration reads an ISO 8601 duration of days, hours, minutes and seconds,
// the last with decimals: P1DT2H, PT0.2S. Months and years have no fixed length
// and are refused.
func parseDuration(text string) (time.Duration, error) {
	parts := durationForm.FindStringSubmatch(text)
	if parts == nil || parts[1] == "" && parts[2] == "" {
		return 0, fmt.Errorf("%q is not an ISO 8601 duration of days, hours, minutes and seconds; write one such as PT0.2S", text)
	}
	days, _ := strconv.Atoi("0" + parts[1])
	var rest time.Duration
	if parts[2] != "" {
		var err error
		if rest, err = time.ParseDuration(strings.ToLower(parts[2])); err != nil {
			return 0, fmt.Errorf("%q is out of range; write a shorter duration", text)
		}
	}
	return time.Duration(days)*24*time.Hour + rest, nil
}
