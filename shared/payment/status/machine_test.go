package status_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/rackless/rackless/migrations"
	"github.com/rackless/rackless/shared/payment/status"
)

// The database knows the same transitions.
func TestMigrationHasTheMachine(t *testing.T) {
	t.Parallel()
	data, err := fs.ReadFile(migrations.Files, "012_payment_status.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	if sql := strings.Join(strings.Fields(string(data)), " "); !strings.Contains(sql, "NOT IN "+status.SQL()) {
		t.Errorf("the migration lacks: NOT IN %s", status.SQL())
	}
}

func TestCan(t *testing.T) {
	t.Parallel()
	for _, step := range [][2]string{{"500", "130"}, {"130", "030"}, {"030", "330"}, {"230", "500"}, {"430", "130"}, {"130", "131"}} {
		if !status.Can(step[0], step[1]) {
			t.Errorf("%s must become %s", step[0], step[1])
		}
	}
	for _, step := range [][2]string{{"330", "030"}, {"630", "130"}, {"230", "130"}, {"030", "130"}, {"330", "500"}} {
		if status.Can(step[0], step[1]) {
			t.Errorf("%s must not become %s", step[0], step[1])
		}
	}
}
