package outbox

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/ident"
)

// passing is the SQL condition that a dead letter's code tells of no more than a
// bad moment: no reply, or a status that the broker itself retries (Knative
// Eventing, data plane). The sweeper goes on with such deliveries; all others
// were refused for good and wait for a person.
const passing = `(code IN (0, 404, 408, 409, 429) OR code >= 500)`

// maxDetail is what dead_letters.detail holds, in characters.
const maxDetail = 2000

// DeadLetter is a delivery that a broker gave up.
type DeadLetter struct {
	EventID  string
	Shop     string // as the event says; row-level security decides
	Type     string
	Consumer string // the function that did not take it
	Code     int    // status of the last reply, 0 if there was none
	Detail   string
}

// DeadLetterFrom reads what a broker sends to its dead letter sink: the event,
// with extensions that say to whom it could not be delivered and why. It is false
// for anything else.
func DeadLetterFrom(r *http.Request) (d DeadLetter, ok bool) {
	ce, err := cehttp.NewEventFromHTTPRequest(r)
	if err != nil || ce.Validate() != nil {
		return d, false
	}
	extension := func(name string) string {
		if value, ok := ce.Extensions()[name]; ok {
			return fmt.Sprint(value)
		}
		return ""
	}
	d = DeadLetter{EventID: ce.ID(), Shop: extension("shop"), Type: ce.Type(), Consumer: service(extension("knativeerrordest"))}
	if code, err := strconv.Atoi(extension("knativeerrorcode")); err == nil && code >= 100 && code <= 599 {
		d.Code = code
	}
	d.Detail = extension("knativeerrordata")
	if text, err := base64.StdEncoding.DecodeString(d.Detail); err == nil && utf8.Valid(text) {
		d.Detail = string(text) // brokers encode it, but do not have to
	}
	d.Detail = strings.ReplaceAll(strings.ToValidUTF8(d.Detail, "?"), "\x00", "?")
	if runes := []rune(d.Detail); len(runes) > maxDetail {
		d.Detail = string(runes[:maxDetail])
	}
	return d, d.Consumer != "" && validID(d.EventID) && ident.Valid(ident.Shop, d.Shop)
}

// service is the name of the service that an address leads to: the last part of
// its path, if it has one, otherwise the first label of its host.
func service(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if path := strings.Trim(u.EscapedPath(), "/"); path != "" {
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	name, _, _ := strings.Cut(u.Hostname(), ".")
	return name
}

// Bury records a delivery that was given up, in the shop of the transaction. It
// has no effect, and is no error, unless the event was really emitted and the
// consumer is one that has still to consume it: nothing else is worth a person's
// attention.
func Bury(ctx context.Context, tx pgx.Tx, d DeadLetter, consumers Consumers, now time.Time) (recorded bool, err error) {
	var eventType string
	var told bool
	err = tx.QueryRow(ctx, `
		SELECT type, told
		FROM outbox o
		WHERE event_id = $1 AND NOT EXISTS (SELECT FROM inbox i WHERE i.event_id = o.event_id AND i.consumer = $2)`, d.EventID, d.Consumer).Scan(&eventType, &told)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("record dead letter: %w", err)
	}
	if !slices.Contains(consumers(eventType, told), d.Consumer) {
		return false, nil
	}
	var batch pgx.Batch
	queueDeadLetter(&batch, d.EventID, d.Shop, d.Consumer, d.Code, d.Detail, now)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return false, fmt.Errorf("record dead letter: %w", err)
	}
	return true, nil
}

// queueDeadLetter records the latest failure of a delivery, which is no longer
// redriven then.
func queueDeadLetter(batch *pgx.Batch, eventID, shop, consumer string, code int, detail string, now time.Time) {
	batch.Queue(`
		INSERT INTO dead_letters (event_id, consumer, shop_id, code, detail, died_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (event_id, consumer) DO UPDATE SET code = EXCLUDED.code, detail = EXCLUDED.detail, died_at = EXCLUDED.died_at, redriven_at = NULL`,
		eventID, consumer, shop, code, detail, now)
}
