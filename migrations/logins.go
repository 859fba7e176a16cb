package migrations

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/manifest"
)

// Logins gives the functions of one server their logins. Passwords are derived
// from a secret, so that several processes which know it agree on them without
// keeping a list.
type Logins struct {
	admin  *url.URL
	secret string
}

// NewLogins returns the logins to the database of adminURL.
func NewLogins(adminURL, secret string) (Logins, error) {
	u, err := url.Parse(adminURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return Logins{}, errors.New("the database URL must look like postgres://user:password@host:5432/database")
	}
	return Logins{u, secret}, nil
}

// Role returns the login of a function.
func Role(function string) string { return "rackless_" + strings.ReplaceAll(function, "-", "_") }

// URL returns the database's address with a function's login.
func (l Logins) URL(function string) string {
	u := *l.admin
	u.User = url.UserPassword(Role(function), l.password(function))
	return u.String()
}

func (l Logins) password(function string) string {
	mac := hmac.New(sha256.New, []byte(l.secret))
	mac.Write([]byte(Role(function)))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Set sets the passwords of all functions' logins, which Grant has made.
func (l Logins) Set(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, l.admin.String())
	if err != nil {
		return fmt.Errorf("connect to set the logins' passwords: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var sql strings.Builder
	for _, f := range manifest.Functions {
		fmt.Fprintf(&sql, "ALTER ROLE %s PASSWORD '%s';\n", pgx.Identifier{Role(f.Name)}.Sanitize(), l.password(f.Name)) // hexadecimal
	}
	if _, err := conn.Exec(ctx, lockRoles+sql.String()+"COMMIT"); err != nil {
		return fmt.Errorf("set the logins' passwords: %w", err)
	}
	return nil
}
