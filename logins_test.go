package rackless_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"sigs.k8s.io/yaml"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/config"
	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/postgres/local"
	"github.com/rackless/rackless/shared/testkit"
)

// Each function's login is used for an attack: everything it does not declare
// must be refused by the database, whatever our code does.
func TestLoginsReachOnlyWhatTheyDeclare(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 1)
	place(t, k, cartID, token, "tok_approve")
	declared := grants(t)
	tables := column(t, k, `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)
	for _, f := range manifest.Functions {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			db, err := pgx.Connect(t.Context(), k.Logins.URL(f.Name))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close(t.Context())
			attack := func(sql string, args ...any) error {
				_, err := db.Exec(t.Context(), "BEGIN; SELECT set_config('rackless.shop', '"+k.ShopID+"', true)")
				if err != nil {
					t.Fatal(err)
				}
				_, err = db.Exec(t.Context(), sql, args...)
				if _, rollback := db.Exec(t.Context(), "ROLLBACK"); rollback != nil {
					t.Fatal(rollback)
				}
				return err
			}
			for _, table := range tables {
				for privilege, sql := range map[string]string{
					"SELECT": "SELECT * FROM %s LIMIT 1",
					"INSERT": "INSERT INTO %s DEFAULT VALUES",
					"UPDATE": "UPDATE %s SET shop_id = shop_id WHERE false",
					"DELETE": "DELETE FROM %s WHERE false",
				} {
					if table == "schema_migrations" && privilege == "UPDATE" {
						sql = "UPDATE %s SET dirty = true WHERE false"
					}
					err := attack(fmt.Sprintf(sql, table))
					if denied, may := isDenied(err), slices.Contains(declared[f.Name][table], privilege); denied == may {
						t.Errorf("%s on %s: declared %v, denied %v (%v)", privilege, table, may, denied, err)
					}
				}
			}
			for _, sql := range []string{
				"CREATE TABLE mine (x int)", "CREATE ROLE mine", "SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "TRUNCATE shops",
				"ALTER TABLE shops DISABLE ROW LEVEL SECURITY", "SELECT pg_read_file('/etc/hostname')", "COPY shops TO '/tmp/x'",
			} {
				if err := attack(sql); !isDenied(err) {
					t.Errorf("%s: not denied: %v", sql, err)
				}
			}
		})
	}
}

// Without its shop set, and in another shop, a login sees no row of any table.
func TestRowsOfOtherShopsDoNotExist(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	stocked(t, k, 5)
	cartID, token := buyer(t, k, 1)
	place(t, k, cartID, token, "tok_approve")
	other, _ := k.AddShop(t, "", "*")
	declared := grants(t)
	for _, f := range manifest.Functions {
		if sweeps(f.Name) {
			continue // its policy is to see every shop
		}
		db, err := pgx.Connect(t.Context(), k.Logins.URL(f.Name))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close(t.Context())
		for table, privileges := range declared[f.Name] {
			if !slices.Contains(privileges, "SELECT") {
				continue
			}
			for _, shop := range []string{"", other} {
				var n int
				err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
					if _, err := tx.Exec(t.Context(), `SELECT set_config('rackless.shop', $1, true)`, shop); err != nil {
						return err
					}
					return tx.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE shop_id <> $1`, other).Scan(&n)
				})
				if err != nil {
					t.Fatal(err)
				}
				if n != 0 {
					t.Errorf("%s sees %d rows of %s in shop %q", f.Name, n, table, shop)
				}
			}
		}
	}
}

// Every table belongs to shops and says so to the database.
func TestEveryTableHasRowLevelSecurity(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	for _, table := range column(t, k, `
		SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'schema_migrations'
		  AND (NOT c.relrowsecurity OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'own_shop'))`) {
		t.Errorf("table %s has no row-level security with the policy own_shop", table)
	}
}

// All functions at their highest scale must find connections.
func TestConnectionsSuffice(t *testing.T) {
	t.Parallel()
	field, _ := reflect.TypeFor[config.Function]().FieldByName("DatabasePool")
	pool, err := strconv.Atoi(field.Tag.Get("default"))
	if err != nil {
		t.Fatalf("the default size of a pool: %v", err)
	}
	sum := 0
	paths, _ := filepath.Glob("functions/*/func.yaml")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Deploy struct {
				Options struct{ Scale struct{ Max int } }
			}
		}
		if err := yaml.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		if f.Deploy.Options.Scale.Max == 0 {
			t.Errorf("%s: no highest scale", path)
		}
		sum += f.Deploy.Options.Scale.Max * pool
	}
	const reserved = 20 // for people, migrations and Postgres itself
	if sum+reserved > local.MaxConnections {
		t.Errorf("the functions may open %d connections; with %d reserved that is more than the server's %d", sum, reserved, local.MaxConnections)
	}
}

func isDenied(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "42501" && !strings.Contains(e.Message, "row-level security")) // insufficient_privilege, not by a policy
}

// grants reads grants.sql: function, table, privileges.
func grants(t *testing.T) map[string]map[string][]string {
	t.Helper()
	data, err := migrations.Files.ReadFile("grants.sql")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string][]string{}
	for _, f := range manifest.Functions {
		all[f.Name] = map[string][]string{}
		for line := range strings.Lines(string(data)) {
			privileges, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "GRANT "), " ON ")
			table, role, ok2 := strings.Cut(strings.TrimSuffix(rest, ";"), " TO ")
			if ok && ok2 && role == migrations.Role(f.Name) && !strings.HasPrefix(table, "FUNCTION ") {
				all[f.Name][table] = strings.Split(privileges, ", ")
			}
		}
	}
	return all
}

// sweeps reports whether a function's login sees every shop.
func sweeps(function string) bool {
	data, _ := migrations.Files.ReadFile("grants.sql")
	return strings.Contains(string(data), "GRANT rackless_sweeper TO "+migrations.Role(function)+";")
}

func column(t *testing.T, k *testkit.Kit, sql string) []string {
	t.Helper()
	rows, err := k.DB.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return values
}
