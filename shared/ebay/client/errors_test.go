package client_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/rackless/rackless/shared/ebay/client"
)

// Every id of the documents is classified; the counts are those of the documents.
func TestEveryKnownErrorHasAClass(t *testing.T) {
	t.Parallel()
	inventory, fulfillment := 0, 0
	for _, id := range client.KnownErrors() {
		switch {
		case id >= 25001 && id <= 25906:
			inventory++
		case id >= 30500 && id <= 34930:
			fulfillment++
		}
		// A known id has its own class, whatever the status says.
		if a, b := client.Classify(http.StatusBadRequest, id), client.Classify(http.StatusServiceUnavailable, id); a != b {
			t.Errorf("%d: class %v at 400, %v at 503", id, a, b)
		}
	}
	if inventory != 148 || fulfillment != 74 {
		t.Errorf("%d ids of Inventory, %d of Fulfillment; want 147 and 25717, 74", inventory, fulfillment)
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	for class, ids := range map[client.Class][]int{
		client.Retry:    {25001, 25025, 30500, 33000, 34900, 34922, 34929, 20500, 62000, 195000, 2001},
		client.Fix:      {25002, 25003, 25016, 25096, 25402, 25717, 25767, 30700, 32300, 34921, 20403, 62101, 195016, 2004},
		client.NotFound: {25035, 25701, 25702, 25710, 25713, 25725, 25805, 32100, 34914, 20404, 62003, 195013},
		client.Conflict: {25019, 25038, 25703, 25729, 25732, 25756, 25803, 33101, 34100, 34500, 34924, 21409, 195020},
		client.Account:  {25018, 25026, 25047, 25097, 32400, 34925, 1001, 1100, 195003, 195011},
	} {
		for _, id := range ids {
			if got := client.Classify(http.StatusBadRequest, id); got != class {
				t.Errorf("%d: %v, want %v", id, got, class)
			}
		}
	}
	for status, class := range map[int]client.Class{
		0: client.Retry, 400: client.Fix, 401: client.Account, 403: client.Account, 404: client.NotFound,
		409: client.Conflict, 412: client.Fix, 415: client.Fix, 429: client.Retry, 500: client.Retry, 504: client.Retry,
	} {
		if got := client.Classify(status, 99999); got != class {
			t.Errorf("unknown id at status %d: %v, want %v", status, got, class)
		}
	}
}

// Of several errors the worst decides, and its hint is what a person reads.
func TestWorstErrorWins(t *testing.T) {
	t.Parallel()
	s := &site{answer: refuse(http.StatusBadRequest, 25026, 25001, 25003, 25702, 25019)}
	app, _, _ := start(t, s)
	var e *client.Error
	if err := app.Seller("r", "EBAY_US").SetStock(t.Context(), changes(1))[0].Err; !errors.As(err, &e) || e.Class != client.Account {
		t.Fatalf("%v", err)
	}
	if hint := e.Hint(); !strings.Contains(hint, "25026") || !strings.Contains(hint, "monthly selling limit reached") {
		t.Errorf("hint %q", hint)
	}
	s.answer = refuse(http.StatusBadRequest, 25003, 25001)
	err := app.Seller("r", "EBAY_US").SetStock(t.Context(), changes(1))[0].Err
	if !errors.As(err, &e) || e.Class != client.Fix || !strings.Contains(e.Hint(), "price not acceptable") {
		t.Errorf("%v", err)
	}
}
