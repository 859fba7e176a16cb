package home

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/postgres/local"
)

// Oldest is the first major version of PostgreSQL that will do.
const Oldest = 15

// databaseName is the database on a server of this machine's own.
const databaseName = "rackless"

// scratchPrefix begins the names of databases that are for one run only.
const scratchPrefix = "rackless_scratch_"

// Options say which database. The zero value is a server of this machine's own,
// kept in DefaultDir.
type Options struct {
	Dir         string
	URL         string       // of an existing database, as its owner; empty: a server of this machine's own
	LoginSecret string       // from which the functions' logins are derived; default: the URL's password, else one kept in Dir
	Log         *slog.Logger // told of the steps that take long; none

	// Scratch asks for a database for this run only, on a server that trades
	// safety for speed; Stop drops it. URL must be empty.
	Scratch bool
}

// Database is a reachable database, migrated or not.
type Database struct {
	Home   Home
	URL    string // as the owner
	Logins migrations.Logins
	Key    string // seals shops' secrets; derived like the logins
	Secret string // from which the logins derive
	Words  string // what it is, for people; no password
	server *local.Server
	name   string // of a scratch database
}

// Open reaches the database, and starts the server first if it is this
// machine's own. An error says how to mend it.
func Open(ctx context.Context, o Options) (*Database, error) {
	if o.Dir == "" {
		o.Dir = DefaultDir()
	}
	name := databaseName
	if o.Scratch {
		o.Dir, name = filepath.Join(o.Dir, "scratch"), fmt.Sprint(scratchPrefix, os.Getpid())
	}
	d := &Database{Home: Home{o.Dir}, URL: o.URL}
	if d.URL == "" {
		var err error
		if d.server, err = local.Start(ctx, local.Options{Dir: filepath.Join(o.Dir, "postgres"), Log: o.Log, Volatile: o.Scratch}); err != nil {
			return nil, err
		}
		d.URL = d.server.URL(name)
		if o.Scratch {
			d.name = name
		}
		if err := create(ctx, d.server.URL("postgres"), name); err != nil {
			return nil, errors.Join(err, d.Stop(ctx))
		}
	}
	if err := d.open(ctx, o.LoginSecret); err != nil {
		return nil, errors.Join(err, d.Stop(ctx))
	}
	return d, nil
}

func (d *Database) open(ctx context.Context, secret string) error {
	u, err := url.Parse(d.URL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New("the database URL must look like postgres://user:password@host:5432/database") // its text holds the password
	}
	version, err := probe(ctx, d.URL)
	if err != nil {
		return err
	}
	d.Words = fmt.Sprintf("PostgreSQL %d at %s%s", version, u.Host, u.Path)
	if d.server != nil {
		d.Words += ", kept in " + d.Home.Dir
	}
	if version < Oldest {
		return fmt.Errorf("the server at %s is PostgreSQL %d, but %d or newer is needed: upgrade it, or leave out the database URL "+
			"to have a server of your own started", u.Host, version, Oldest)
	}
	password, _ := u.User.Password()
	switch {
	case secret != "":
	case d.server == nil && password != "":
		secret = password // what knows it may do everything anyway, so every machine derives the same logins
	default:
		if secret, err = d.Home.secret(); err != nil {
			return err
		}
	}
	d.Secret = secret
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("credentials"))
	d.Key = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	d.Logins, err = migrations.NewLogins(d.URL, secret)
	return err
}

// Stop ends the server if Open began it and nobody else uses it.
func (d *Database) Stop(ctx context.Context) error {
	if d.server == nil {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var err error
	if d.name != "" {
		err = drop(ctx, d.server.URL("postgres"), d.name)
	}
	return errors.Join(err, d.server.Stop(ctx))
}

// Migrate brings the database up to date and sets the functions' logins.
func (d *Database) Migrate(ctx context.Context) error {
	if err := migrations.Up(ctx, d.URL); err != nil {
		return err
	}
	return d.Logins.Set(ctx)
}

// Connect returns a connection as the owner, who sees every shop.
func (d *Database) Connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, d.URL)
	if err != nil {
		return nil, explain(err)
	}
	return conn, nil
}

// create makes a database unless it is there.
func create(ctx context.Context, serverURL, name string) error {
	conn, err := pgx.Connect(ctx, serverURL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := dropAbandoned(ctx, conn); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == duplicateDatabase || e.Code == uniqueViolation) {
		return nil
	}
	return err
}

// dropAbandoned drops scratch databases whose run was killed: nobody is connected
// to them.
func dropAbandoned(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `
		SELECT datname
		FROM pg_database
		WHERE starts_with(datname, $1) AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = pg_database.oid)`, scratchPrefix)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize())
		if e, ok := errors.AsType[*pgconn.PgError](err); err != nil && !(ok && e.Code == objectInUse) {
			return err
		}
	}
	return nil
}

// drop drops a database, whoever is connected to it.
func drop(ctx context.Context, serverURL, name string) error {
	conn, err := pgx.Connect(ctx, serverURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	return err
}

// probe returns the server's major version.
func probe(ctx context.Context, databaseURL string) (major int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return 0, explain(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var number int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&number); err != nil {
		return 0, fmt.Errorf("ask the server for its version: %w", err)
	}
	return number / 10000, nil
}

// SQLSTATE codes (PostgreSQL manual, appendix A).
const (
	duplicateDatabase = "42P04"
	uniqueViolation   = "23505" // of pg_database, when two create it at once
	unknownDatabase   = "3D000"
	badPassword       = "28P01"
	badLogin          = "28000"
	objectInUse       = "55006"
)

// explain says how to mend what keeps from connecting. The texts of pgx hold no
// password.
func explain(err error) error {
	const where = "give --database-url or DATABASE_URL as postgres://user:password@host:5432/database"
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch e.Code {
		case unknownDatabase:
			return fmt.Errorf("%s: make it first (createdb, or CREATE DATABASE), or name another: %s", e.Message, where)
		case badPassword, badLogin:
			return fmt.Errorf("the database server refuses the login: %s: %s", e.Message, where)
		}
	}
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		if cause, ok := errors.AsType[*net.OpError](err); ok {
			err = cause // the rest is the same, once per address
		}
		return fmt.Errorf("the database cannot be reached: %w: is its server up (pg_isready -h %s -p %d)? Else %s", err, e.Config.Host, e.Config.Port, where)
	}
	return err
}
