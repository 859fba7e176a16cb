package client

import (
	"context"
	"time"
)

// RecordPauses keeps the pauses instead of waiting.
func (a *App) RecordPauses(into *[]time.Duration) {
	a.wait = func(_ context.Context, d time.Duration) error { *into = append(*into, d); return nil }
}

// KnownErrors returns the ids of the table.
func KnownErrors() []int {
	var ids []int
	for id := range errorsByID {
		ids = append(ids, id)
	}
	return ids
}

// Classify is classify for one id.
func Classify(status, id int) Class { return classify(status, []Detail{{ID: id}}) }
