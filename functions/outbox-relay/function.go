// Package outboxrelay sends again what was lost, sends timers that are due and
// deletes what is past its time. A schedule wakes it; more calls do no harm.
package outboxrelay

import (
	"context"
	"net/http"

	"github.com/rackless/rackless/shared/manifest"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/txn"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("outbox-relay", runtime.Post(sweep))
}

func sweep(ctx context.Context, run *txn.Runner, _ *http.Request) error {
	sweeper := outbox.Sweeper{DB: run.DB, Clock: run.Clock, Publisher: run.Publisher, Consumers: manifest.Consumers, Log: run.Log}
	done, err := sweeper.Run(ctx)
	run.Log.InfoContext(ctx, "swept", "done", done)
	return err
}
