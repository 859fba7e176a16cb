//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
)

// The scenarios run in this order. The other topologies are applied, ordered in and
// measured by TestBench.
func TestShop(t *testing.T) {
	scenario(t, "every function keeps Knative's runtime contract", func(t *testing.T) {
		runtimeContract(t)
		// All goods come before the shop goes to sleep.
		s.furnish(t, map[string]int{"FIRST": 100, "DECLINED": 3, "LAST": 1, "KILLED": orders, "BROKER": orders, "DATABASE": orders, "POISON": 5})
	})
	together(
		func() { scenario(t, "an idle shop has no pods", idleShopHasNoPods) },
		func() { scenario(t, "a second plan is empty", planIsEmpty) },
		func() { scenario(t, "OpenTofu's modules are well-formed and tested", modules) },
	)
	scenario(t, "a checkout with everything at zero", func(t *testing.T) { checkout(t, "FIRST") })
	scenario(t, "the URL of a function at zero answers", urlAtZeroAnswers)
	scenario(t, "a checkout with everything warm", func(t *testing.T) {
		s.keepPods(t, usual) // from here on it is not cold starts that are tested
		checkout(t, "FIRST")
	})
	scenario(t, "a declined payment gives everything back", declinedPayment)
	scenario(t, "the last piece is sold once", lastPieceIsSoldOnce)
	scenario(t, "pods killed in the middle of the chain", podsKilled)
	scenario(t, "the broker restarted with events in flight", brokerRestarted)
	scenario(t, "Postgres restarted", databaseRestarted)
	scenario(t, "a poison event is buried, mended and redriven", poisonEvent)
	scenario(t, "scale up under load and back to zero", scaleUpAndDown)
	scenario(t, "a new revision under load, a split and a rollback", rollout)
	scenario(t, "a schema migration while serving", migrationWhileServing)
	scenario(t, "logins and accounts reach nothing that they do not need", attacks)
	scenario(t, "the books balance", booksBalance)
	together(
		func() { scenario(t, "Knative's broker does what the local broker does", conformance) },
		func() {
			scenario(t, "a second cluster, killed on its way up, leaves nothing", clusterCrash)
			scenario(t, "a destroy leaves nothing", destroyLeavesNothing)
		},
	)
}

func planIsEmpty(t *testing.T) {
	if err := s.tofu(t.Context(), "plan", "-detailed-exitcode"); err != nil {
		t.Error(err)
	}
}

// arrange applies a topology, and notes where its front and its sweeper are.
func (x *site) arrange(t *testing.T, topology string) {
	t.Helper()
	if err := x.tofu(t.Context(), "apply", "-auto-approve", "-var", "topology="+topology); err != nil {
		t.Fatal(err)
	}
	x.front, x.sweeper = "gateway", "outbox-relay.rackless.svc.cluster.local/"
	switch topology {
	case "domain":
		x.sweeper = "outbox.rackless.svc.cluster.local/outbox-relay"
	case "shop":
		x.front, x.sweeper = "shop", "shop.rackless.svc.cluster.local/outbox-relay"
	}
}

// modules formats, validates and tests what cannot be applied here.
func modules(t *testing.T) {
	tofu := filepath.Join(s.env["CLUSTER_BIN"], "tofu")
	env := []string{"TF_CLI_CONFIG_FILE=" + filepath.Join(s.dir, "tofurc"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1"}
	if out, err := command(t.Context(), env, tofu, "fmt", "-check", "-recursive", "-diff", "infra/tofu"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, m := range []string{"k0s", "knative", "postgres", "observability", "functions"} {
		own := append(env, "TF_DATA_DIR="+filepath.Join(s.dir, "module-"+m))
		in := "-chdir=infra/tofu/modules/" + m
		for _, args := range [][]string{{in, "init", "-backend=false", "-input=false"}, {in, "validate"}, {in, "test"}} {
			if out, err := command(t.Context(), own, tofu, args...); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		}
		_ = os.Remove(filepath.Join(top(), "infra", "tofu", "modules", m, ".terraform.lock.hcl"))
	}
}

func idleShopHasNoPods(t *testing.T) {
	deadline := time.Now().Add(3 * time.Minute)
	for {
		pods := s.pods(t, "")
		if len(pods) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("pods are left after three minutes without a call: %v", pods)
		}
		time.Sleep(time.Second)
	}
}

func urlAtZeroAnswers(t *testing.T) {
	if pods := s.pods(t, "shop-get"); len(pods) > 0 {
		t.Errorf("it is not at zero: %v", pods)
	}
	r, err := s.api.send(t.Context(), "GET", "http://"+s.host("shop-get")+"/v1/shop", s.key, "", nil)
	if err != nil || r.status != http.StatusOK {
		t.Errorf("status %d: %s: %v", r.status, r.body, err)
	}
}

func checkout(t *testing.T, sku string) {
	v := s.visit(t, sku, 1)
	began := time.Now()
	o := s.place(t, v, "tok_approve")
	s.await(t, o.ID, "confirmed")
	t.Logf("confirmed after %v", time.Since(began))
	deadline := time.Now().Add(time.Minute)
	for s.state(t, v, o.ID).Payments[0].CapturedCents != o.TotalCents {
		if time.Now().After(deadline) {
			t.Fatalf("the money is not taken: %+v", s.state(t, v, o.ID).Payments)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func declinedPayment(t *testing.T) {
	v := s.visit(t, "DECLINED", 2)
	o := s.place(t, v, "tok_decline")
	deadline := time.Now().Add(time.Minute)
	for s.state(t, v, o.ID).Payments[0].Status != "230" {
		if time.Now().After(deadline) {
			t.Fatalf("the payment is not declined: %+v", s.state(t, v, o.ID).Payments)
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.must(t, s.key, "POST", "/v1/orders/"+o.ID+"/cancel", "staff", nil, nil)
	s.await(t, o.ID, "cancelled")
	wantStock(t, "DECLINED", 3, 0)
}

// wantStock waits until so many pieces are on the shelf and set aside.
func wantStock(t *testing.T, sku string, onHand, reserved int64) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		var gotOnHand, gotReserved int64
		err := s.db.QueryRow(t.Context(), `SELECT on_hand, reserved FROM stock WHERE sku = $1`, sku).Scan(&gotOnHand, &gotReserved)
		if err == nil && gotOnHand == onHand && gotReserved == reserved {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("stock of %s: %d on the shelf, %d set aside (%v); want %d and %d", sku, gotOnHand, gotReserved, err, onHand, reserved)
		}
		s.sweep(t)
		time.Sleep(500 * time.Millisecond)
	}
}

func lastPieceIsSoldOnce(t *testing.T) {
	visits := []visit{s.visit(t, "LAST", 1), s.visit(t, "LAST", 1), s.visit(t, "LAST", 1)}
	var group sync.WaitGroup
	var accepted atomic.Int32
	for _, v := range visits {
		group.Go(func() {
			r, err := s.api.send(t.Context(), "POST", "http://"+s.host(s.front)+"/v1/orders", v.token, v.cart,
				object{"cart_id": v.cart, "payments": list{object{"tender": "CREDIT", "token": "tok_approve"}}})
			switch {
			case err != nil:
				t.Error(err)
			case r.status == http.StatusAccepted:
				accepted.Add(1)
			case r.status != http.StatusConflict:
				t.Errorf("status %d: %s", r.status, r.body)
			}
		})
	}
	group.Wait()
	ends := endsOf(t, visits)
	if ends["confirmed"] != 1 || ends["confirmed"]+ends["cancelled"] != int(accepted.Load()) {
		t.Errorf("%d orders were accepted and ended as %v, want one confirmed and the others cancelled", accepted.Load(), ends)
	}
	wantStock(t, "LAST", 0, 0)
}

// endsOf waits until the orders of carts are at an end, and counts these.
func endsOf(t *testing.T, visits []visit) map[string]int {
	t.Helper()
	carts := make([]string, len(visits))
	for i, v := range visits {
		carts[i] = v.cart
	}
	rows, err := s.db.Query(t.Context(), `SELECT order_id FROM orders WHERE cart_id = ANY($1)`, carts)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]int{}
	for _, id := range ids {
		ends[s.await(t, id, "confirmed", "cancelled", "expired")]++
	}
	return ends
}

// orders are how many are placed in each kind of trouble.
const orders = 12

// trouble places orders of all there is of a SKU while do makes trouble, and wants each
// confirmed once.
func trouble(t *testing.T, sku string, do func()) {
	visits := make([]visit, orders)
	for i := range visits {
		visits[i] = s.visit(t, sku, 1)
	}
	var group sync.WaitGroup
	for i, v := range visits {
		group.Go(func() {
			time.Sleep(time.Duration(i) * 150 * time.Millisecond) // so that the trouble finds orders at every step
			s.place(t, v, "tok_approve")
		})
	}
	do()
	group.Wait()
	if ends := endsOf(t, visits); ends["confirmed"] != orders {
		t.Errorf("%d orders ended as %v, want all confirmed", orders, ends)
	}
	wantStock(t, sku, 0, 0)
}

func podsKilled(t *testing.T) {
	trouble(t, "KILLED", func() {
		for range 4 {
			_, err := s.kubectl(t.Context(), "-n", "rackless", "delete", "pod", "--grace-period=0", "--force", "--wait=false", "--ignore-not-found", "-l",
				"serving.knative.dev/service in (inventory-reserve, payment-authorize, order-confirm, inventory-commit, payment-capture, order-place)")
			if err != nil {
				t.Error(err)
			}
			time.Sleep(300 * time.Millisecond)
		}
	})
}

func brokerRestarted(t *testing.T) {
	trouble(t, "BROKER", func() {
		time.Sleep(500 * time.Millisecond)
		_, err := s.kubectl(t.Context(), "-n", "knative-eventing", "delete", "pod", "--grace-period=0", "--force", "--wait=false",
			"-l", "eventing.knative.dev/brokerRole in (ingress, filter)")
		if err == nil {
			_, err = s.kubectl(t.Context(), "-n", "knative-eventing", "delete", "pod", "--grace-period=0", "--force", "--wait=false", "-l", "messaging.knative.dev/role=dispatcher")
		}
		if err != nil {
			t.Error(err)
		}
		if _, err := s.kubectl(t.Context(), "-n", "knative-eventing", "wait", "deployment", "mt-broker-ingress", "mt-broker-filter", "imc-dispatcher", "--for=condition=Available", "--timeout=120s"); err != nil {
			t.Error(err)
		}
	})
}

func databaseRestarted(t *testing.T) {
	trouble(t, "DATABASE", func() {
		time.Sleep(700 * time.Millisecond)
		if err := s.restartDatabase(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// An event whose data no consumer can read is given up by the broker, told of by
// "rackless events", mended, and delivered in the end.
func poisonEvent(t *testing.T) {
	v := s.visit(t, "POISON", 1)
	hold, err := s.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hold.Exec(t.Context(), `SELECT FROM stock WHERE sku = 'POISON' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	o := s.place(t, v, "tok_approve") // its goods cannot be set aside yet
	placed := events.OrderPlaced{}.Type()
	var id string
	var data json.RawMessage
	if err := s.db.QueryRow(t.Context(), `SELECT event_id::text, data FROM outbox WHERE subject = $1 AND type = $2`, o.ID, placed).Scan(&id, &data); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.Exec(t.Context(), `UPDATE outbox SET data = '[]' WHERE event_id = $1`, id); err != nil {
		t.Fatal(err)
	}
	// Who has read it already waits for the lock and must not get through: what was
	// delivered is delivered again, and read again.
	if _, err := s.db.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rackless_inventory_reserve'`); err != nil {
		t.Fatal(err)
	}
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(2 * time.Minute)
	for dead := false; !dead; {
		s.sweep(t)
		if err := s.db.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM dead_letters WHERE event_id = $1)`, id).Scan(&dead); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("the event is not in the dead letters after two minutes")
		}
		time.Sleep(500 * time.Millisecond)
	}
	if _, err := s.db.Exec(t.Context(), `UPDATE outbox SET data = $2 WHERE event_id = $1`, id, data); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t.Context(), []string{"DATABASE_URL=" + s.data.URL, "LOGIN_SECRET=" + s.name}, "bin/rackless", "events", "replay", id); err != nil {
		t.Fatal(err)
	}
	s.await(t, o.ID, "confirmed")
}

// scaleUpAndDown keeps many requests under way and looks for a second pod.
func scaleUpAndDown(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	var refused atomic.Int32
	for range 150 {
		group.Go(func() {
			for ctx.Err() == nil {
				r, err := s.api.send(ctx, "GET", "http://"+s.host("catalog-list")+"/v1/products", s.key, "", nil)
				if ctx.Err() == nil && (err != nil || r.status != http.StatusOK) {
					refused.Add(1)
				}
			}
		})
	}
	most := 0
	for deadline := time.Now().Add(40 * time.Second); most < 2 && time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		most = max(most, len(s.pods(t, "catalog-list")))
	}
	stop()
	group.Wait()
	if most < 2 || refused.Load() > 0 {
		t.Errorf("%d pods at most under load, %d requests failed; want two pods and no failure", most, refused.Load())
	}
	s.keepPods(t, brief)
	idleShopHasNoPods(t)
}

// load reads the shop until it is told to end, and returns what failed.
func load(t *testing.T, do func()) {
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var mu sync.Mutex
	var answered int
	var failures []string
	for range 8 {
		group.Go(func() {
			for ctx.Err() == nil {
				r, err := s.api.send(ctx, "GET", "http://"+s.host("shop-get")+"/v1/shop", s.key, "", nil)
				mu.Lock()
				if ctx.Err() == nil {
					if answered++; err != nil || r.status != http.StatusOK {
						failures = append(failures, fmt.Sprintf("status %d: %s: %v", r.status, r.body, err))
					}
				}
				mu.Unlock()
			}
		})
	}
	do()
	stop()
	group.Wait()
	t.Logf("%d requests answered meanwhile", answered)
	if len(failures) > 0 || answered < 100 {
		t.Errorf("%d of %d requests failed, the first: %v", len(failures), answered, failures[:min(len(failures), 1)])
	}
}

func rollout(t *testing.T) {
	patch := func(p string) {
		t.Helper()
		if _, err := s.kubectl(t.Context(), "-n", "rackless", "patch", "ksvc", "shop-get", "--type=merge", "-p", p); err != nil {
			t.Fatal(err)
		}
	}
	ready := func() {
		t.Helper()
		if _, err := s.kubectl(t.Context(), "-n", "rackless", "wait", "ksvc", "shop-get", "--for=condition=Ready", "--timeout=120s"); err != nil {
			t.Fatal(err)
		}
	}
	load(t, func() {
		patch(`{"spec": {"template": {"metadata": {"annotations": {"rackless.dev/revision": "second", "autoscaling.knative.dev/initial-scale": "1"}}}}}`)
		time.Sleep(time.Second)
		ready()
		out, err := s.kubectl(t.Context(), "-n", "rackless", "get", "revisions", "-l", "serving.knative.dev/service=shop-get", "-o", "jsonpath={.items[*].metadata.name}")
		revisions := fields(out)
		slices.Sort(revisions)
		if err != nil || len(revisions) < 2 {
			t.Fatalf("revisions %v, %v; want two", revisions, err)
		}
		first, second := revisions[len(revisions)-2], revisions[len(revisions)-1]
		patch(fmt.Sprintf(`{"spec": {"traffic": [{"revisionName": %q, "percent": 50}, {"revisionName": %q, "percent": 50}]}}`, first, second))
		time.Sleep(time.Second)
		ready()
		deadline := time.Now().Add(time.Minute)
		for both := false; !both; both = hasPod(t, first) && hasPod(t, second) {
			if time.Now().After(deadline) {
				t.Fatalf("not both revisions serve: %v", s.pods(t, "shop-get"))
			}
			time.Sleep(300 * time.Millisecond)
		}
		patch(fmt.Sprintf(`{"spec": {"traffic": [{"revisionName": %q, "percent": 100}]}}`, first))
		time.Sleep(time.Second)
		ready()
	})
	patch(`{"spec": {"traffic": null}}`)
	ready()
}

func hasPod(t *testing.T, revision string) bool {
	return slices.ContainsFunc(s.pods(t, "shop-get"), func(p string) bool { return strings.HasPrefix(p, revision) })
}

// migrationWhileServing changes the schema as a migration of ours would: by adding.
func migrationWhileServing(t *testing.T) {
	load(t, func() {
		for _, sql := range []string{
			`ALTER TABLE shops ADD COLUMN e2e_probe text NOT NULL DEFAULT ''`, `CREATE INDEX CONCURRENTLY e2e_probe_idx ON shops (e2e_probe)`,
			`ALTER TABLE shops ADD CONSTRAINT e2e_probe_check CHECK (length(e2e_probe) <= 10) NOT VALID`, `ALTER TABLE shops VALIDATE CONSTRAINT e2e_probe_check`,
		} {
			if _, err := s.db.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		if _, err := command(t.Context(), []string{"DATABASE_URL=" + s.data.URL, "LOGIN_SECRET=" + s.name}, "bin/rackless", "migrate", "up"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.db.Exec(t.Context(), `ALTER TABLE shops DROP COLUMN e2e_probe`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	})
}
