package chaos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A plant is a fault of the kind that this harness is there to find, made where
// only it can: between a function and its database.
type plant struct {
	fault
	url string

	mu   sync.Mutex
	side *pgconn.PgConn // where statements end up that should have been in the transaction
}

// fault describes a plant.
type fault struct {
	name    string
	what    string
	replace [][2]string    // in the text of statements
	pattern *regexp.Regexp // is deleted from them
	outside string         // statements with this text run after the commit, outside the transaction
	prepare []string       // SQL for the database: what would hide the fault
	prefer  *regexp.Regexp // points that bring it out
	widen   time.Duration  // how long a commit is put off, for others to come between
	gateway string         // the one that shows it; any
}

// faults are all that can be planted.
var faults = []fault{
	{
		name: "inbox", what: "a second delivery is taken for the first",
		replace: [][2]string{{"EXISTS (SELECT FROM entry)", "true"}, {"EXISTS (SELECT FROM inbox", "false AND EXISTS (SELECT FROM inbox"}},
		prefer:  regexp.MustCompile(`^(order|inventory|payment)-[a-z]+ (before replying|after COMMIT)`),
	},
	{
		name: "outbox", what: "events are written after the commit",
		replace: [][2]string{{"INSERT INTO outbox (", "INSERT INTO outbox_discarded ("}}, outside: "INSERT INTO outbox (",
		prepare: []string{`CREATE TABLE outbox_discarded AS SELECT * FROM outbox WHERE false`, `GRANT ALL ON outbox_discarded TO PUBLIC`},
		prefer:  regexp.MustCompile(`^(order-place|inventory-reserve|order-confirm|payment-authorize) after COMMIT`),
	},
	{
		name: "lock", what: "rows are read without a lock, and no constraint minds",
		pattern: regexp.MustCompile(`FOR UPDATE( OF [a-z]+)?( SKIP LOCKED)?`), widen: 10 * time.Millisecond,
		prepare: []string{
			`ALTER TABLE stock DROP CONSTRAINT stock_available_check`,
			`ALTER TABLE gift_cards DROP CONSTRAINT gift_cards_balance_check`,
		},
	},
	{
		name: "key", what: "the gateway's idempotency key is new with every attempt", gateway: "test",
		replace: [][2]string{{"INSERT INTO test_gateway (operation_id, shop_id, kind, reference, amount_cents, outcome, booked_at)\n\t\t\tVALUES ($1,",
			"INSERT INTO test_gateway (operation_id, shop_id, kind, reference, amount_cents, outcome, booked_at)\n\t\t\tVALUES ($1 || gen_random_uuid(),"}},
		prefer: regexp.MustCompile(`^payment-[a-z]+ after COMMIT`),
	},
	{
		name: "coupon", what: "the uses of a coupon are counted after the commit",
		replace: [][2]string{{"INSERT INTO coupon_redemptions (", "INSERT INTO coupon_redemptions_discarded ("}}, outside: "INSERT INTO coupon_redemptions (",
		prepare: []string{`CREATE TABLE coupon_redemptions_discarded AS SELECT * FROM coupon_redemptions WHERE false`, `GRANT ALL ON coupon_redemptions_discarded TO PUBLIC`},
		widen:   10 * time.Millisecond,
	},
}

// newPlant returns the plant of that name; none does nothing.
func newPlant(name, url string) (*plant, error) {
	f, err := planted(name)
	return &plant{fault: f, url: url}, err
}

// planted returns the fault of that name; none is empty.
func planted(name string) (fault, error) {
	if name == "" {
		return fault{}, nil
	}
	for _, f := range faults {
		if f.name == name {
			return f, nil
		}
	}
	return fault{}, fmt.Errorf("there is no fault %q to plant", name)
}

// rewrite returns what is sent in place of a statement.
func (p *plant) rewrite(sql string) string {
	for _, r := range p.replace {
		sql = strings.ReplaceAll(sql, r[0], r[1])
	}
	if p.pattern != nil {
		sql = p.pattern.ReplaceAllString(sql, "")
	}
	return sql
}

// holds reports whether a statement is to run after the commit.
func (p *plant) holds(sql string) bool { return p.outside != "" && strings.Contains(sql, p.outside) }

// pause lets others come between what is done and its commit.
func (p *plant) pause() {
	if p.widen > 0 {
		time.Sleep(p.widen)
	}
}

// release runs what was held back, each in a transaction of its own. What the
// database refuses is forgotten, as such code would.
func (p *plant) release(held []execution) {
	if len(held) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if p.side == nil {
		conn, err := pgconn.Connect(ctx, p.url)
		if err != nil {
			return
		}
		p.side = conn
	}
	for _, e := range held {
		values, formats, err := parameters(e.bind)
		if err != nil {
			return
		}
		_ = p.side.Exec(ctx, `SELECT set_config('rackless.shop', '`+e.shop+`', false)`).Close()
		p.side.ExecParams(ctx, e.sql, values, nil, formats, nil).Read()
	}
}

// parameters reads those of a Bind message.
func parameters(m []byte) (values [][]byte, formats []int16, err error) {
	short := errors.New("the Bind message is short")
	body := m[5:]
	for range 2 { // portal and statement
		i := strings.IndexByte(string(body), 0)
		if i < 0 {
			return nil, nil, short
		}
		body = body[i+1:]
	}
	number := func() (n int) {
		if len(body) < 2 {
			err = short
			return 0
		}
		n = int(binary.BigEndian.Uint16(body))
		body = body[2:]
		return n
	}
	for range number() {
		formats = append(formats, int16(number()))
	}
	for range number() {
		if len(body) < 4 {
			return nil, nil, short
		}
		size := int32(binary.BigEndian.Uint32(body))
		body = body[4:]
		if size < 0 {
			values = append(values, nil)
			continue
		}
		values = append(values, body[:size:size])
		body = body[size:]
	}
	return values, formats, err
}
