package topology_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/topology"
)

func pingYAML(spec string) string {
	return `---
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: {name: p, namespace: default}
spec: {sink: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: f}}, ` + spec + "}\n"
}

// knative/eventing, pkg/adapter/mtping.
func TestPingSourceSchedule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec string
		wait time.Duration // from 2000-01-01 00:00 UTC
		want []string
	}{
		"every_minute_by_default": {"", 3 * time.Minute, []string{"00:01:00", "00:02:00", "00:03:00"}},
		"cron":                    {`schedule: "*/10 * * * *"`, 30 * time.Minute, []string{"00:10:00", "00:20:00", "00:30:00"}},
		"every":                   {`schedule: "@every 20s"`, time.Minute, []string{"00:00:20", "00:00:40", "00:01:00"}},
		"utc_by_default":          {`schedule: "30 2 * * *"`, 24 * time.Hour, []string{"02:30:00"}},
		"timezone":                {`schedule: "30 2 * * *", timezone: Europe/Berlin`, 24 * time.Hour, []string{"01:30:00"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got []string
				start(t, serviceYAML("f")+pingYAML(tt.spec), map[string]topology.Subscriber{
					"f": one(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
						got = append(got, time.Now().UTC().Format(time.TimeOnly))
					})),
				}, topology.Options{})
				time.Sleep(tt.wait)
				synctest.Wait()
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("ticks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestPingSourceEvent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec, contentType, body string
	}{
		"data":   {`contentType: application/json, data: '{"sweep": true}'`, "application/json", `{"sweep": true}`},
		"base64": {`contentType: image/png, dataBase64: AQID`, "image/png", "\x01\x02\x03"},
		"none":   {`ceOverrides: {extensions: {shop: a}}`, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var header http.Header
				var body []byte
				start(t, serviceYAML("f")+pingYAML(tt.spec), map[string]topology.Subscriber{
					"f": one(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						header = r.Header
						body, _ = io.ReadAll(r.Body)
					})),
				}, topology.Options{})
				time.Sleep(time.Minute)
				synctest.Wait()
				if header.Get("Ce-Id") == "" || header.Get("Ce-Id") == "-" {
					t.Errorf("id %q", header.Get("Ce-Id"))
				}
				header.Del("Ce-Id")
				want := http.Header{
					"Ce-Specversion": {"1.0"}, "Ce-Type": {"dev.knative.sources.ping"}, "Ce-Time": {"2000-01-01T00:01:00Z"},
					"Ce-Source": {"/apis/v1/namespaces/default/pingsources/p"},
				}
				if tt.contentType != "" {
					want.Set("Content-Type", tt.contentType)
				}
				if name == "none" {
					want.Set("Ce-Shop", "a")
				}
				if diff := cmp.Diff(want, header); diff != "" {
					t.Errorf("header (-want +got):\n%s", diff)
				}
				if string(body) != tt.body {
					t.Errorf("body %q, want %q", body, tt.body)
				}
			})
		})
	}
}

func TestPingSourceIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var times []time.Duration
		began := time.Now().Add(time.Minute)
		c := start(t, serviceYAML("f")+pingYAML(""), map[string]topology.Subscriber{
			"f": one(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if prefer := r.Header.Get("Prefer"); prefer != "" {
					t.Errorf("a source cannot take a reply: Prefer %s", prefer)
				}
				times = append(times, time.Since(began))
				w.WriteHeader(http.StatusServiceUnavailable)
			})),
		}, topology.Options{})
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		if err := c.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		var want []time.Duration
		for _, ms := range []int{0, 50, 150, 350, 750, 1550} {
			want = append(want, time.Duration(ms)*time.Millisecond)
		}
		if diff := cmp.Diff(want, times); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
}

func TestPingSourceMayFeedABroker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ping := strings.ReplaceAll(pingYAML(""), "{apiVersion: serving.knative.dev/v1, kind: Service, name: f}", "{apiVersion: eventing.knative.dev/v1, kind: Broker, name: main}")
		c := start(t, serviceYAML("f")+brokerYAML+triggerYAML("t", "f", "dev.knative.sources.ping", "")+ping,
			map[string]topology.Subscriber{"f": one(replying(http.StatusAccepted))}, topology.Options{})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := status(t, c, "f").Calls; got != 5 {
			t.Errorf("%d calls, want 5", got)
		}
	})
}

func TestPingSourceRestsUntilStartAndWhileDraining(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := create(t, serviceYAML("f")+pingYAML(""), map[string]topology.Subscriber{
			"f": one(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				calls++
				time.Sleep(4 * time.Minute)
			})),
		}, topology.Options{})
		time.Sleep(time.Hour)
		synctest.Wait()
		if calls != 0 {
			t.Errorf("%d calls before Start", calls)
		}
		c.Start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if err := c.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if calls != 1 {
			t.Errorf("%d calls, want the one before Drain", calls)
		}
	})
}
