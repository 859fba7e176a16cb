//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/manifest"
)

// attacks are what somebody would try who has taken over a function.
func attacks(t *testing.T) {
	urls, err := s.urls()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), urls["order-get"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, sql := range []string{
		`SELECT * FROM gateway_accounts`, `SELECT * FROM api_keys`, `UPDATE orders SET total_cents = 0`, `DELETE FROM orders`, `INSERT INTO outbox DEFAULT VALUES`,
		`CREATE TABLE mine (x int)`, `SET ROLE rackless_payment_authorize`, `SET SESSION AUTHORIZATION postgres`, `COPY orders TO PROGRAM 'cat'`,
		`SELECT pg_read_file('/etc/passwd')`, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename <> current_user`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("the login of order-get may: %s", sql)
		}
	}
	var rows int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("without a shop the login of order-get sees %d orders, %v; want none", rows, err)
	}
	for _, verb := range []string{"get secrets", "list pods", "create pods", "get configmaps", "patch services.serving.knative.dev"} {
		args := append([]string{"auth", "can-i", "--as=system:serviceaccount:rackless:order-get", "-n", "rackless"}, strings.Fields(verb)...)
		if out, _ := s.kubectl(t.Context(), args...); strings.TrimSpace(out) != "no" {
			t.Errorf("the service account of order-get may %s: %s", verb, out)
		}
	}
	r, err := s.api.send(t.Context(), "GET", "http://"+s.host("order-list")+"/v1/orders", "", "", nil)
	if err != nil || r.status != http.StatusUnauthorized && r.status != http.StatusNotFound {
		t.Errorf("a function called directly, without a credential: status %d, %v; want 401, or 404 of an unknown shop", r.status, err)
	}
	if r, err := s.api.send(t.Context(), "POST", "http://"+s.host("outbox-relay")+"/", "", "", object{}); err == nil && r.status != http.StatusNotFound {
		t.Errorf("the sweeper is reachable from outside: status %d", r.status)
	}
}

// booksBalance holds the invariants that "make chaos" holds, over all that the
// scenarios have left.
func booksBalance(t *testing.T) {
	for name, sql := range map[string]string{
		"order without an end": `SELECT order_id FROM orders WHERE state NOT IN ('confirmed', 'cancelled', 'expired')`,
		"cart ordered twice":   `SELECT cart_id FROM orders GROUP BY cart_id HAVING count(*) > 1`,
		"not paid":             `SELECT o.order_id FROM orders o JOIN payments p USING (order_id) WHERE o.state = 'confirmed' GROUP BY o.order_id HAVING o.total_cents <> sum(p.captured_cents)`,
		"booked twice":         `SELECT reference || kind FROM test_gateway WHERE outcome = 'succeeded' GROUP BY reference, kind HAVING count(*) > 1`,
		"told twice":           `SELECT event_id::text || kind FROM notifications GROUP BY event_id, kind HAVING count(*) > 1`,
		"goods kept":           `SELECT o.order_id FROM orders o JOIN reservations r USING (shop_id, order_id) WHERE o.state IN ('cancelled', 'expired') AND r.state = 'held'`,
		"stock":                `SELECT sku FROM stock s WHERE on_hand < 0 OR reserved < 0 OR on_hand <> (SELECT COALESCE(sum(qty), 0) FROM stock_movements m WHERE m.shop_id = s.shop_id AND m.sku = s.sku)`,
	} {
		deadline := time.Now().Add(time.Minute)
		for {
			rows, err := s.db.Query(t.Context(), sql)
			if err != nil {
				t.Fatal(err)
			}
			wrong, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			if len(wrong) == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s: %v", name, wrong)
				break
			}
			s.sweep(t)
			time.Sleep(time.Second)
		}
	}
}

func destroyLeavesNothing(t *testing.T) {
	if err := s.tofu(t.Context(), "destroy", "-auto-approve", "-refresh=false"); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(2 * time.Minute)
	for {
		out, err := s.kubectl(t.Context(), "get", "namespace,ksvc,broker,trigger,pingsource,networkpolicy", "-A", "-l", "app.kubernetes.io/part-of=rackless", "-o", "name")
		if err == nil && strings.TrimSpace(out) == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left after the destroy: %s %v", out, err)
		}
		time.Sleep(time.Second)
	}
}

// runtimeContract holds every function to what Knative Serving expects of a
// container, and to how it is meant to be locked up.
func runtimeContract(t *testing.T) {
	out, err := s.kubectl(t.Context(), "-n", "rackless", "get", "ksvc", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var services struct{ Items []service }
	if err := json.Unmarshal([]byte(out), &services); err != nil {
		t.Fatal(err)
	}
	if len(services.Items) != len(manifest.Functions) {
		t.Errorf("%d Services, want one for each of %d functions", len(services.Items), len(manifest.Functions))
	}
	queue := make(chan service)
	var workers sync.WaitGroup
	for range 4 { // most of a cold start is waiting
		workers.Go(func() {
			for o := range queue {
				keepsContract(t, o)
			}
		})
	}
	for _, o := range services.Items {
		queue <- o
	}
	close(queue)
	workers.Wait()
	drain(t)
}

// service is what matters here of a Knative Service.
type service struct {
	Metadata struct{ Name string }
	Spec     struct {
		Template struct {
			Spec struct {
				ServiceAccountName           string
				AutomountServiceAccountToken *bool
				EnableServiceLinks           *bool
				Containers                   []struct {
					Image           string
					SecurityContext struct {
						ReadOnlyRootFilesystem, RunAsNonRoot, AllowPrivilegeEscalation *bool
						Capabilities                                                   struct{ Drop []string }
					}
				}
			}
		}
	}
}

func keepsContract(t *testing.T, o service) {
	name := o.Metadata.Name
	spec := o.Spec.Template.Spec
	c := spec.Containers[0]
	is := func(b *bool, want bool) bool { return b != nil && *b == want }
	if !is(c.SecurityContext.ReadOnlyRootFilesystem, true) || !is(c.SecurityContext.RunAsNonRoot, true) || !is(c.SecurityContext.AllowPrivilegeEscalation, false) ||
		!slices.Contains(c.SecurityContext.Capabilities.Drop, "ALL") || !is(spec.AutomountServiceAccountToken, false) || !is(spec.EnableServiceLinks, false) ||
		spec.ServiceAccountName != name || !strings.Contains(c.Image, "@sha256:") {
		t.Errorf("%s is not locked up as it should be: %+v", name, spec)
	}
	// It answers its probe at zero, by its private name, and then has a pod that
	// listened where PORT said.
	r, err := s.within.send(t.Context(), "GET", "http://"+name+".rackless.svc.cluster.local/health/readiness", "", "", nil)
	if err != nil || r.status != http.StatusOK {
		t.Errorf("%s: status %d: %s: %v", name, r.status, r.body, err)
	}
}

// drain ends a pod with a request in it, which must be answered all the same.
func drain(t *testing.T) {
	const sku = "DRAIN"
	s.furnish(t, map[string]int{sku: 1})
	lock, err := s.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := lock.Exec(t.Context(), `SELECT FROM stock WHERE sku = $1 FOR UPDATE`, sku); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		r, err := s.api.send(t.Context(), "POST", "http://"+s.host("inventory-adjust")+"/v1/inventory/adjustments", s.key, "drain",
			object{"adjustments": list{object{"sku": sku, "add": 1}}, "reason": "delivery"})
		if err == nil && r.status != http.StatusOK {
			err = fmt.Errorf("status %d: %s", r.status, r.body)
		}
		answered <- err
	}()
	time.Sleep(1500 * time.Millisecond) // it waits for the lock now
	for _, pod := range s.pods(t, "inventory-adjust") {
		if _, err := s.kubectl(t.Context(), "-n", "rackless", "delete", "pod", pod, "--wait=false"); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Errorf("a request in a pod that was asked to end: %v", err)
	}
}
