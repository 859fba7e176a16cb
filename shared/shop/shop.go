package shop

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// Shop is a shop as anybody may see it.
type Shop struct {
	ID          string    `json:"id" db:"shop_id"`
	Name        string    `json:"name"`
	Currency    string    `json:"currency"`     // ISO 4217
	Hosts       []string  `json:"hosts"`        // names under which visitors reach it
	CORSOrigins []string  `json:"cors_origins"` // whose pages may call it, * for any
	Version     int64     `json:"version"`      // counts the changes of the configuration
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// ETag is the version as an entity tag.
func (s Shop) ETag() string { return `"` + strconv.FormatInt(s.Version, 10) + `"` }

// GetInput asks for the caller's shop.
type GetInput struct{}

// Get returns the shop in which the caller acts.
func Get(ctx context.Context, tx *txn.Tx, _ GetInput) (Shop, error) {
	rows, err := tx.Query(ctx, `
		SELECT shop_id, name, currency, cors_origins, version, created_at, updated_at,
		       ARRAY(SELECT host FROM shop_hosts h WHERE h.shop_id = s.shop_id ORDER BY host) AS hosts
		FROM shops s
		WHERE shop_id = current_shop()`)
	if err != nil {
		return Shop{}, fmt.Errorf("get shop: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Shop])
	if err == pgx.ErrNoRows {
		return Shop{}, fault.New(fault.NotFound, "there is no such shop")
	}
	if err != nil {
		return Shop{}, fmt.Errorf("get shop: %w", err)
	}
	return s, nil
}

// maxNames bounds the hosts and the origins of a shop.
const maxNames = 50

func checkName(f *fault.Fields, name string) {
	f.Check(len(name) >= 1 && len(name) <= 120, "/name", "must have 1 to 120 characters")
}

var hostShape = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

func checkHosts(f *fault.Fields, hosts []string) {
	f.Check(len(hosts) <= maxNames, "/hosts", "must not be more than %d", maxNames)
	for i, host := range hosts {
		path := fmt.Sprintf("/hosts/%d", i)
		f.Check(len(host) <= 253 && hostShape.MatchString(host), path, "must be a host name in lower case without port, such as shop.example.com")
		f.Check(!slices.Contains(hosts[:i], host), path, "is given twice")
	}
}

func checkOrigins(f *fault.Fields, origins []string) {
	f.Check(len(origins) <= maxNames, "/cors_origins", "must not be more than %d", maxNames)
	for i, origin := range origins {
		u, err := url.Parse(origin)
		ok := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && origin == strings.ToLower(u.Scheme+"://"+u.Host)
		f.Check(ok || origin == "*", fmt.Sprintf("/cors_origins/%d", i), "must be an origin such as https://shop.example.com, or *")
	}
}
