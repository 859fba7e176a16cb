package migrations_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/testkit"
	"github.com/rackless/rackless/shared/testkit/pgtest"
)

// Down takes back just what up has made, on a database that holds data, and up
// can be applied again.
func TestUpDownUp(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, testkit.Template())
	pool := db.Pool(t)
	ctx := t.Context()
	if _, err := pool.Exec(ctx, data); err != nil {
		t.Fatalf("fill the tables: %v", err)
	}
	want := schema(t, ctx, db.AdminURL())

	ups, err := fs.Glob(migrations.Files, "*.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := migrations.Down(db.AdminURL(), len(ups)); err != nil {
		t.Fatal(err)
	}
	if left := schema(t, ctx, db.AdminURL()); len(left) != 0 {
		t.Errorf("after all downs there is still:\n%s", strings.Join(left, "\n"))
	}
	if err := migrations.Up(ctx, db.AdminURL()); err != nil {
		t.Fatal(err)
	}
	if got := schema(t, ctx, db.AdminURL()); !slices.Equal(got, want) {
		t.Errorf("up, down and up again gives another schema")
	}
}

// Every up has a down, and numbers follow each other.
func TestFilesArePairs(t *testing.T) {
	t.Parallel()
	ups, _ := fs.Glob(migrations.Files, "*.up.sql")
	for i, up := range ups {
		if want := i + 1; !strings.HasPrefix(up, numbered(want)) {
			t.Errorf("%s: want number %s", up, numbered(want))
		}
		if _, err := fs.Stat(migrations.Files, strings.Replace(up, ".up.", ".down.", 1)); err != nil {
			t.Errorf("%s has no down: %v", up, err)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, testkit.Template())
	ups, _ := fs.Glob(migrations.Files, "*.up.sql")
	s, err := migrations.Status(db.AdminURL())
	if err != nil || s.Version != uint(len(ups)) || s.Dirty {
		t.Errorf("status %+v, %v; want version %d, clean", s, err, len(ups))
	}
	if err := migrations.Down(db.AdminURL(), 1); err != nil {
		t.Fatal(err)
	}
	if s, _ := migrations.Status(db.AdminURL()); s.Version != uint(len(ups)-1) {
		t.Errorf("status after one step down: %d, want %d", s.Version, len(ups)-1)
	}
}

func numbered(n int) string {
	return string([]byte{'0', byte('0' + n/10), byte('0' + n%10), '_'})
}

// schema lists what a database has been given: columns, constraints, indexes,
// policies, functions and triggers.
func schema(t *testing.T, ctx context.Context, url string) []string {
	t.Helper()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `
		SELECT format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default)
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_migrations'
		UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
		WHERE connamespace = 'public'::regnamespace AND conrelid <> COALESCE(to_regclass('schema_migrations')::oid, 0)
		UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
		UNION ALL SELECT format('policy %s %s %s %s', tablename, policyname, roles, qual) FROM pg_policies
		UNION ALL SELECT 'function ' || oid::regprocedure || md5(prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// data is at least one row for the tables that others refer to, and such as a down has
// to translate.
const data = `
	INSERT INTO shops (shop_id, name, currency, created_at, updated_at) VALUES ('shp_1', 'S', 'USD', now(), now());
	INSERT INTO shop_hosts VALUES ('s.example', 'shp_1');
	INSERT INTO customers (customer_id, shop_id, email, created_at, updated_at) VALUES ('cus_1', 'shp_1', 'a@example.com', now(), now());
	INSERT INTO customer_addresses (address_id, shop_id, customer_id, kind, address1, city, country, created_at, updated_at)
		VALUES ('adr_1', 'shp_1', 'cus_1', 'shipping', '1', 'c', 'US', now(), now());
	INSERT INTO sessions (session_id, shop_id, family, customer_id, access_hash, created_at, expires_at)
		VALUES ('ses_1', 'shp_1', 'ses_1', 'cus_1', '\x01', now(), now());
	INSERT INTO carts (cart_id, shop_id, owner, content, created_at, updated_at) VALUES ('crt_1', 'shp_1', 'cus_1', '{}', now(), now());
	INSERT INTO order_configurations VALUES ('shp_1', '\x01', '{}');
	INSERT INTO orders (order_id, shop_id, number, cart_id, owner, email, currency, total_cents, cart, products, configuration, totals, explanation,
	                    expires_at, created_at, updated_at)
		VALUES ('ord_1', 'shp_1', '2026-11-1000', 'crt_1', 'cus_1', 'a@example.com', 'USD', 100, '{}', '{}', '\x01', '{}', '{}', now(), now(), now());
	INSERT INTO payments (payment_id, shop_id, order_id, position, tender, currency, status, amount_cents, capture_on, in_parts, created_at, updated_at)
		VALUES ('pay_1', 'shp_1', 'ord_1', 0, 'CREDIT', 'USD', '500', 100, 'on_each_shipment', true, now(), now());
	INSERT INTO payment_methods (shop_id, position, document) VALUES ('shp_1', 0, '{"tender": "CREDIT", "capture": "on_each_shipment"}');
	INSERT INTO payment_operations (operation_id, shop_id, payment_id, kind, amount_cents, created_at)
		VALUES ('pop_1', 'shp_1', 'pay_1', 'authorize', 100, now());
	INSERT INTO outbox (event_id, shop_id, type, source, subject, occurred_at, due_at, data, correlation, next_attempt)
		VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', 'shp_1', 't', 's', 'ord_1', now(), now(), '{}', 'c', now());
	INSERT INTO inbox VALUES ('01890a5d-ac96-774b-bcce-b302099a8057', 'c', 's', 'shp_1', now());
	INSERT INTO stock (shop_id, sku, listed) VALUES ('shp_1', 'A', true);
	INSERT INTO stock_movements (shop_id, sku, qty, kind, created_at) VALUES ('shp_1', 'A', 5, 'adjust', now());
	INSERT INTO stock_movements (shop_id, sku, qty, kind, order_id, created_at)
		VALUES ('shp_1', 'A', -1, 'sale', 'ord_1', now()), ('shp_1', 'A', -1, 'revise', 'ord_1', now()), ('shp_1', 'A', 1, 'revise', 'ord_1', now());
	INSERT INTO ebay_accounts (account_id, shop_id, name, marketplace, created_at, updated_at) VALUES ('eba_1', 'shp_1', 'n', 'EBAY_US', now(), now());
	INSERT INTO ebay_profiles VALUES ('shp_1', 'P', 1, '{}', now(), now());
	INSERT INTO ebay_listings (listing_id, shop_id, account_id, product_id, sku, currency, state, due_at, created_at, updated_at)
		VALUES ('ebl_1', 'shp_1', 'eba_1', 'A', 'A', 'USD', 'live', now(), now(), now());
	INSERT INTO ebay_orders (shop_id, account_id, ebay_order, order_id, state, modified_at, created_at)
		VALUES ('shp_1', 'eba_1', '12-1', 'ord_2', 'unpaid', now(), now());
	INSERT INTO ebay_winners (shop_id, account_id, ebay_order, line_id, listing_id, qty, cents, created_at)
		VALUES ('shp_1', 'eba_1', '12-1', '1', 'ebl_1', 1, 100, now());
	INSERT INTO ebay_jobs (shop_id, account_id, kind) VALUES ('shp_1', 'eba_1', 'sync');
	INSERT INTO ebay_power_queue (power_id, shop_id, account_id, product_id, state, allowed, created_at, updated_at)
		VALUES ('ebp_1', 'shp_1', 'eba_1', 'A', 'new', 1, now(), now());
	INSERT INTO ebay_user_categories VALUES ('shp_1', 'EBAY_US', '1', now());
	INSERT INTO ebay_store_categories VALUES ('eba_1', 'shp_1', '/A/B');
	INSERT INTO webhook_endpoints (endpoint_id, shop_id, url, secrets, created_at, updated_at) VALUES ('whe_1', 'shp_1', 'https://x', '\x01', now(), now());
	INSERT INTO webhook_deliveries (delivery_id, shop_id, endpoint_id, event_id, type, body, due_at, created_at)
		VALUES ('whd_1', 'shp_1', 'whe_1', 'e', 't', '{}', now(), now());
	INSERT INTO listing_commands (shop_id, account_id, key, verb, product_id, due_at, created_at) VALUES ('shp_1', 'eba_1', 'k', 'INSERT', 'A', now(), now());
`
