package state_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/order/state"
)

// The database knows the same states and transitions.
func TestMigrationHasTheTable(t *testing.T) {
	t.Parallel()
	data, err := fs.ReadFile(migrations.Files, "006_orders.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	sql := strings.Join(strings.Fields(string(data)), " ")
	var states, transitions []string
	for _, s := range state.States {
		states = append(states, fmt.Sprintf("'%s'", s))
	}
	for _, x := range state.Transitions {
		transitions = append(transitions, fmt.Sprintf("('%s', '%s')", x.From, x.To))
	}
	for _, want := range []string{
		"CHECK (state IN (" + strings.Join(states, ", ") + "))",
		"NOT IN ( " + strings.Join(transitions, ", ") + " )",
	} {
		if !strings.Contains(sql, want) {
			t.Errorf("the migration of orders lacks: %s", want)
		}
	}
}

func TestCan(t *testing.T) {
	t.Parallel()
	for _, x := range state.Transitions {
		if !state.Can(x.From, x.To) {
			t.Errorf("%s to %s must be possible", x.From, x.To)
		}
	}
	for _, s := range state.States {
		if state.Can(s, s) || state.Can(state.Cancelled, s) || state.Can(state.Expired, s) {
			t.Errorf("%s: staying, or leaving an end, must not be possible", s)
		}
	}
}
