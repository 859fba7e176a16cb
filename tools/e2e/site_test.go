//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/tools/home"
)

// site is a cluster with a database beside it and a shop on it.
type site struct {
	name    string
	dir     string
	env     map[string]string // as "testcluster env" tells
	data    *home.Database
	bridge  *bridge // by which pods reach the database
	db      *pgxpool.Pool
	shopID  string
	key     string // staff's
	front   string // the Service that answers the public API
	sweeper string // where the sweeper is woken
	broker  string // address of the brokers' ingress
	api     client // through the ingress
	within  client // names of the cluster's own DNS
}

func openSite(ctx context.Context) (_ *site, err error) {
	x := &site{name: fmt.Sprintf("e2e-%d", os.Getpid()), env: map[string]string{}, front: "gateway", sweeper: "outbox-relay.rackless.svc.cluster.local/"}
	if x.dir, err = os.MkdirTemp("", "rackless-e2e-"); err != nil {
		return nil, err
	}
	step("bringing a cluster up")
	if _, err := run(ctx, nil, os.Stderr, "bin/testcluster", "build"); err != nil {
		return x, err
	}
	// While the cluster waits for itself, what runs beside it is made.
	work, both := errgroup.WithContext(ctx)
	work.Go(func() error {
		_, err := run(both, nil, os.Stderr, "bin/testcluster", "up", x.name)
		return err
	})
	work.Go(func() error { return x.prepare(both) })
	if err := work.Wait(); err != nil {
		return x, err
	}
	if err := x.initTofu(ctx); err != nil {
		return x, err
	}
	step("applying the shop with OpenTofu")
	if err := x.tofu(ctx, "apply", "-auto-approve"); err != nil {
		return x, err
	}
	ingress, err := x.address(ctx, "traefik", "traefik-internal")
	if err != nil {
		return x, err
	}
	if x.broker, err = x.address(ctx, "knative-eventing", "broker-ingress"); err != nil {
		return x, err
	}
	x.api = newClient(strings.TrimPrefix(x.env["CLUSTER_INGRESS"], "http://") + ":80")
	x.within = newClient(ingress + ":80")
	return x, x.addShop(ctx)
}

// prepare waits for what of the cluster is there first, its link and its registry, and
// makes the database and the images.
func (x *site) prepare(ctx context.Context) error {
	for {
		if out, err := command(ctx, nil, "bin/testcluster", "env", x.name); err == nil {
			for line := range strings.Lines(out) {
				name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
				x.env[name] = value
			}
			if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", x.env["CLUSTER_REGISTRY"]); err == nil {
				_ = conn.Close()
				break
			}
		}
		select {
		case <-ctx.Done(): // also when the cluster does not come up
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	if err := x.openDatabase(ctx); err != nil {
		return err
	}
	step("building the images of this commit")
	return x.buildImages(ctx)
}

// buildImages builds and pushes the images, and keeps what it has linked for the next
// time: a function of which nothing has changed is not linked again. Who builds at the
// same time waits, since they would write the same files. The cluster goes first, on a
// machine with few processors: its parts give each other up when they are slow.
func (x *site) buildImages(ctx context.Context) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	cache = filepath.Join(cache, "rackless", "ko")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(cache, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close() // and with it gives up the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	_, err = command(ctx, []string{"KOCACHE=" + cache}, "nice", "make", "images", "REGISTRY="+x.env["CLUSTER_REGISTRY"], "PLATFORMS=linux/amd64")
	return err
}

// openDatabase starts a server and migrates it. It listens on this machine only;
// a bridge at the cluster's side of it is what the functions connect to.
func (x *site) openDatabase(ctx context.Context) (err error) {
	step("starting Postgres")
	o := home.Options{Dir: filepath.Join(home.DefaultDir(), "e2e"), LoginSecret: x.name, Log: slog.New(slog.DiscardHandler)}
	if x.data, err = home.Open(ctx, o); err != nil {
		return err
	}
	admin, err := pgxpool.New(ctx, x.data.URL)
	if err != nil {
		return err
	}
	x.db = admin
	for _, sql := range []string{`DROP SCHEMA public CASCADE`, `CREATE SCHEMA public`, `GRANT USAGE ON SCHEMA public TO PUBLIC`} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := x.data.Migrate(ctx); err != nil {
		return err
	}
	u, err := url.Parse(x.data.URL)
	if err != nil {
		return err
	}
	x.bridge, err = openBridge(x.env["CLUSTER_HOST"]+":5432", u.Host)
	return err
}

// urls returns each function's address of the database, as pods see it.
func (x *site) urls() (map[string]string, error) {
	u, err := url.Parse(x.data.URL)
	if err != nil {
		return nil, err
	}
	u.Host = x.env["CLUSTER_HOST"] + ":5432"
	logins, err := migrations.NewLogins(u.String(), x.name)
	if err != nil {
		return nil, err
	}
	urls := map[string]string{}
	for _, f := range manifest.Functions {
		urls[f.Name] = logins.URL(f.Name)
	}
	return urls, nil
}

// restartDatabase ends the server, with all connections, and starts it again.
func (x *site) restartDatabase(ctx context.Context) error {
	x.db.Close()
	x.bridge.cut()
	if err := x.data.Stop(ctx); err != nil {
		return err
	}
	var err error
	if x.data, err = home.Open(ctx, home.Options{Dir: filepath.Join(home.DefaultDir(), "e2e"), LoginSecret: x.name, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	u, err := url.Parse(x.data.URL)
	if err != nil {
		return err
	}
	x.bridge.mend(u.Host)
	x.db, err = pgxpool.New(ctx, x.data.URL)
	return err
}

func (x *site) addShop(ctx context.Context) error {
	x.shopID = ident.New(ident.Shop)
	token, hash := auth.NewToken(auth.KeyToken)
	x.key = token
	now := time.Now().UTC()
	_, err := x.db.Exec(ctx, `INSERT INTO shops (shop_id, name, currency, created_at, updated_at) VALUES ($1, 'End to end', 'USD', $2, $2)`, x.shopID, now)
	for _, front := range []string{"gateway", "shop"} {
		if err == nil {
			_, err = x.db.Exec(ctx, `INSERT INTO shop_hosts (host, shop_id) VALUES ($1, $2)`, x.host(front), x.shopID)
		}
	}
	if err == nil {
		_, err = x.db.Exec(ctx, `INSERT INTO api_keys (key_id, shop_id, name, hash, scopes, created_at) VALUES ($1, $2, 'e2e', $3, '{*}', $4)`,
			ident.New(ident.Key), x.shopID, hash, now)
	}
	return err
}

// host is the public name of a function.
func (x *site) host(function string) string {
	return function + ".rackless." + x.env["CLUSTER_DOMAIN"]
}

func (x *site) kubectl(ctx context.Context, args ...string) (string, error) {
	return command(ctx, []string{"KUBECONFIG=" + x.env["KUBECONFIG"]}, filepath.Join(x.env["CLUSTER_BIN"], "kubectl"), args...)
}

// address is that of a Service in the cluster.
func (x *site) address(ctx context.Context, namespace, service string) (string, error) {
	return x.kubectl(ctx, "-n", namespace, "get", "service", service, "-o", "jsonpath={.spec.clusterIP}")
}

// initTofu gives OpenTofu its provider, from this machine, and its variables.
func (x *site) initTofu(ctx context.Context) error {
	mirror := filepath.Join(x.dir, "providers", "registry.opentofu.org", "gavinbunney", "kubectl", "1.19.0", "linux_amd64")
	if err := os.MkdirAll(mirror, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(x.env["CLUSTER_BIN"], "terraform-provider-kubectl"), filepath.Join(mirror, "terraform-provider-kubectl_v1.19.0")); err != nil {
		return err
	}
	rc := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path    = %q\n    include = [\"registry.opentofu.org/gavinbunney/kubectl\"]\n  }\n}\n", filepath.Join(x.dir, "providers"))
	if err := os.WriteFile(filepath.Join(x.dir, "tofurc"), []byte(rc), 0o644); err != nil {
		return err
	}
	urls, err := x.urls()
	if err != nil {
		return err
	}
	variables, err := json.Marshal(map[string]any{
		"database_urls": urls, "credentials_key": x.data.Key, "database": map[string]string{"url": urls["order-get"], "login_secret": x.name}, "kubeconfig": x.env["KUBECONFIG"], "kubectl": filepath.Join(x.env["CLUSTER_BIN"], "kubectl"),
		"initial_scale": 0, // the runtime contract starts every function
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(x.dir, "site.tfvars.json"), variables, 0o600); err != nil {
		return err
	}
	_, err = x.runTofu(ctx, "init", "-input=false")
	return err
}

func (x *site) runTofu(ctx context.Context, args ...string) (string, error) {
	return command(ctx, []string{
		"TF_CLI_CONFIG_FILE=" + filepath.Join(x.dir, "tofurc"), "TF_DATA_DIR=" + filepath.Join(x.dir, "tofu"), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1",
	}, filepath.Join(x.env["CLUSTER_BIN"], "tofu"), append([]string{"-chdir=infra/tofu/shop"}, args...)...)
}

// tofu runs an OpenTofu command that needs the variables and the state.
func (x *site) tofu(ctx context.Context, args ...string) error {
	_, err := x.runTofu(ctx, append(args, "-no-color", "-input=false", "-parallelism=20", "-state="+filepath.Join(x.dir, "state"),
		"-var-file="+filepath.Join(x.dir, "site.tfvars.json"), "-var-file="+filepath.Join(top(), "bin", "images.tfvars.json"))...)
	return err
}

// tell writes what helps to understand a failure into the test's log.
func (x *site) tell(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, args := range [][]string{{"-n", "rackless", "get", "pods"}, {"-n", "rackless", "get", "ksvc,broker,trigger"}, {"-n", "rackless", "get", "events", "--sort-by=.lastTimestamp"}} {
		out, err := x.kubectl(ctx, args...)
		t.Logf("kubectl %s: %v\n%s", strings.Join(args, " "), err, tail(out))
	}
}

// close takes everything down, whatever state it is in.
func (x *site) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	var errs []error
	if x.env["CLUSTER_DIR"] != "" || x.name != "" {
		_, err := command(ctx, nil, "bin/testcluster", "down", x.name)
		errs = append(errs, err)
	}
	if x.db != nil {
		x.db.Close()
	}
	if x.bridge != nil {
		x.bridge.close()
	}
	if x.data != nil {
		errs = append(errs, x.data.Stop(ctx))
	}
	lock := filepath.Join(top(), "infra", "tofu", "shop", ".terraform.lock.hcl")
	if err := os.Remove(lock); err != nil && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, os.RemoveAll(x.dir))...)
}

// bridge passes connections on to a server that can move.
type bridge struct {
	listener net.Listener
	mu       sync.Mutex
	target   string // empty: there is no server
	open     map[net.Conn]bool
}

func openBridge(address, target string) (*bridge, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	b := &bridge{listener: l, target: target, open: map[net.Conn]bool{}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go b.pass(conn)
		}
	}()
	return b, nil
}

func (b *bridge) pass(in net.Conn) {
	defer in.Close()
	b.mu.Lock()
	target := b.target
	b.open[in] = true
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.open, in)
		b.mu.Unlock()
	}()
	if target == "" {
		return
	}
	out, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer out.Close()
	go func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	}()
	_, _ = io.Copy(in, out)
}

// cut ends all connections and takes no more.
func (b *bridge) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.target = ""
	for conn := range b.open {
		_ = conn.Close()
	}
}

func (b *bridge) mend(target string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.target = target
}

func (b *bridge) close() {
	_ = b.listener.Close()
	b.cut()
}
