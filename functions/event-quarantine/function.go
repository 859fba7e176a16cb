// Package eventquarantine keeps the deliveries that the broker gave up. They are
// shown and sent again by "rackless events".
package eventquarantine

import (
	"context"
	"net/http"

	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/txn"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("event-quarantine", runtime.Post(bury))
}

func bury(ctx context.Context, run *txn.Runner, r *http.Request) error {
	d, ok := outbox.DeadLetterFrom(r)
	if !ok {
		return nil // not worth a retry, and no dead letter of ours
	}
	ctx = principal.NewContext(ctx, principal.Principal{Shop: d.Shop, Kind: principal.System})
	return run.Do(ctx, func(tx *txn.Tx) error {
		recorded, err := outbox.Bury(ctx, tx, d, manifest.Consumers, tx.Now)
		if recorded {
			run.Log.WarnContext(ctx, "delivery given up", "event_id", d.EventID, "event_type", d.Type, "consumer", d.Consumer, "code", d.Code)
		}
		return err
	})
}
