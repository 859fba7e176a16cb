package customer

import (
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"
)

// A refusal takes as long as a comparison only if both cost the same.
func TestNobodysHashCostsWhatACustomersDoes(t *testing.T) {
	t.Parallel()
	got, _, _, err := argon2id.DecodeHash(nobodysHash)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(hashing, got); diff != "" {
		t.Errorf("parameters (-hashing +nobodysHash):\n%s", diff)
	}
}
