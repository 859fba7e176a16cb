package order

import (
	"context"

	"github.com/rackless/rackless/shared/order/state"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/txn"
)

// History is what has happened to an order, step by step.
type History struct {
	OrderID string        `json:"order_id"`
	Number  string        `json:"number"`
	State   state.State   `json:"state"`
	Steps   []outbox.Step `json:"steps"`
}

// Timeline returns how the history of an order is read: each event with what
// caused it and who has acted on it. consumers tells who is meant to.
func Timeline(consumers outbox.Consumers) func(context.Context, *txn.Tx, GetInput) (History, error) {
	return func(ctx context.Context, tx *txn.Tx, in GetInput) (History, error) {
		o, err := load(ctx, tx, in.ID, "")
		if err != nil {
			return History{}, err
		}
		steps, err := outbox.Timeline(ctx, tx, o.ID, consumers)
		return History{OrderID: o.ID, Number: o.Number, State: o.State, Steps: steps}, err
	}
}
