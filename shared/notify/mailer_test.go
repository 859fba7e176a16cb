package notify_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/notify"
	"github.com/rackless/rackless/shared/outbox"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/testkit/txtest"
	"github.com/rackless/rackless/shared/txn"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var confirmed = events.OrderConfirmed{OrderID: "ord_1", Number: "2026-1", Email: "Ada@example.com", Currency: "EUR", TotalCents: 123450}

// outcome answers the calls of a sender one after the other; nil means sent.
type outcome struct {
	mu     sync.Mutex
	errs   []error
	got    []notify.Message
	during func()
}

func (o *outcome) Send(_ context.Context, m notify.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, m)
	if o.during != nil {
		o.during()
	}
	if len(o.errs) == 0 {
		return nil
	}
	err := o.errs[0]
	o.errs = o.errs[1:]
	return err
}

type post struct {
	*txtest.DB
	run    *txn.Runner
	mailer notify.Mailer
	sender *outcome
	event  string
}

func newPost(t *testing.T, errs ...error) *post {
	t.Helper()
	db := txtest.New(t)
	p := &post{DB: db, run: db.As(t, "notify-email"), sender: &outcome{errs: errs}, event: outbox.NewID()}
	p.mailer = notify.Mailer{From: "shop@example.com", Sender: p.sender}
	return p
}

// deliver does what the runtime does with one delivery of the event: it calls
// the handler and then, in one transaction, the step it returns.
func deliver[E events.Event](t *testing.T, p *post, handler func(context.Context, *txn.Runner, string, E) (func(*txn.Tx) error, error), e E) error {
	t.Helper()
	ctx := txn.WithCause(principal.NewContext(t.Context(), p.System()), txn.Cause{Causation: p.event})
	step, err := handler(ctx, p.run, "notify-email "+p.event, e)
	if err != nil {
		return err
	}
	return p.run.Do(ctx, step)
}

type row struct {
	Kind, Recipient, Subject, State, Detail string
	Attempts                                int
	Sent                                    bool
}

func (p *post) rows(t *testing.T) []row {
	t.Helper()
	rows, err := p.Admin.Query(t.Context(), `
		SELECT kind, recipient, subject, state, detail, attempts, sent_at IS NOT NULL AS sent FROM notifications ORDER BY notification_id`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (p *post) want(t *testing.T, want row) {
	t.Helper()
	want.Kind, want.Recipient, want.Subject = "order_confirmed", "Ada@example.com", "Your order 2026-1 is confirmed"
	if diff := cmp.Diff([]row{want}, p.rows(t)); diff != "" {
		t.Errorf("notifications (-want +got):\n%s", diff)
	}
}

var (
	refused   = fault.New(fault.Unprocessable, "code 550")
	busy      = fault.New(fault.Unavailable, "code 421")
	errBroken = errors.New("EOF after <ada@example.com>")
)

func TestMessageIsSentOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	for range 3 {
		if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); err != nil {
			t.Fatal(err)
		}
	}
	p.want(t, row{State: "sent", Attempts: 1, Sent: true})
	if len(p.sender.got) != 1 {
		t.Fatalf("sent %d times", len(p.sender.got))
	}
	m := p.sender.got[0]
	if m.To != "Ada@example.com" || m.From != "shop@example.com" || m.FromName != "Test" || !strings.HasSuffix(m.ID, "@example.com") || !m.Date.Equal(txtest.Start) {
		t.Errorf("message is %+v", m)
	}
}

func TestRecordOnlySendsNothing(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	p.mailer.Sender = nil
	if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); err != nil {
		t.Fatal(err)
	}
	p.want(t, row{State: "recorded"})
}

func TestRefusedMessageIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	p := newPost(t, refused)
	for range 2 {
		if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); err != nil {
			t.Fatal(err)
		}
	}
	p.want(t, row{State: "failed", Detail: "code 550", Attempts: 1})
	if len(p.sender.got) != 1 {
		t.Errorf("sent %d times", len(p.sender.got))
	}
}

func TestMessageNotTakenIsTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t, busy, busy, busy, busy, busy, busy)
	for range 6 { // more often than a message may be sent: these attempts did not send it
		if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); !fault.Is(err, fault.Unavailable) {
			t.Fatalf("error %v", err)
		}
		p.want(t, row{State: "pending"})
	}
	if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); err != nil {
		t.Fatal(err)
	}
	p.want(t, row{State: "sent", Attempts: 1, Sent: true})
}

func TestMessageThatMayHaveGoneRestsForTheLease(t *testing.T) {
	t.Parallel()
	p := newPost(t, errBroken, errBroken, errBroken, errBroken, errBroken)
	for i := range 5 {
		err := deliver(t, p, p.mailer.OrderConfirmed, confirmed)
		if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "ada@") {
			t.Fatalf("error %v: must be of kind unavailable and not quote the address", err)
		}
		p.want(t, row{State: "sending", Attempts: i + 1})
		p.Clock.Advance(2*time.Minute - time.Microsecond)
		if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); !fault.Is(err, fault.Conflict) {
			t.Fatalf("within the lease: %v", err)
		}
		p.Clock.Advance(time.Microsecond)
	}
	if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); err != nil {
		t.Fatal(err)
	}
	p.want(t, row{State: "failed", Detail: "given up after 5 attempts", Attempts: 5})
	for _, m := range p.sender.got {
		if m.ID != p.sender.got[0].ID {
			t.Errorf("the Message-ID changed from %s to %s", p.sender.got[0].ID, m.ID)
		}
	}
}

func TestSecondDeliveryDuringTheSendingLeavesItAlone(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	var second error
	p.sender.during = func() {
		p.sender.during = nil
		second = deliver(t, p, p.mailer.OrderConfirmed, confirmed)
	}
	if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); err != nil {
		t.Fatal(err)
	}
	if !fault.Is(second, fault.Conflict) {
		t.Errorf("the second delivery: %v", second)
	}
	if len(p.sender.got) != 1 {
		t.Errorf("sent %d times", len(p.sender.got))
	}
}

func TestNobodyIsToldOfAnOrderWithoutAddress(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	if err := deliver(t, p, p.mailer.OrderExpired, events.OrderExpired{OrderID: "ord_1", Number: "2026-1"}); err != nil {
		t.Fatal(err)
	}
	if got := p.rows(t); len(got) != 0 {
		t.Errorf("notifications %+v", got)
	}
}

func TestForgetErasesWhatWasTold(t *testing.T) {
	t.Parallel()
	p := newPost(t, busy)
	if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
	if err := txtest.Handle(t, p.run, p.System(), notify.Forget, events.CustomerErased{CustomerID: "cus_1", Email: "ADA@example.com"}); err != nil {
		t.Fatal(err)
	}
	if err := deliver(t, p, p.mailer.OrderConfirmed, confirmed); err != nil {
		t.Fatal(err)
	}
	want := []row{{Kind: "order_confirmed", State: "failed", Detail: "the recipient was erased"}}
	if diff := cmp.Diff(want, p.rows(t)); diff != "" {
		t.Errorf("notifications (-want +got):\n%s", diff)
	}
	if len(p.sender.got) != 1 {
		t.Errorf("sent %d times, the last to one who was erased", len(p.sender.got))
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]func(*testing.T, *post) error{
		"customer_welcome": func(t *testing.T, p *post) error {
			return deliver(t, p, p.mailer.CustomerCreated, events.CustomerCreated{CustomerID: "cus_1", Email: "ada@example.com"})
		},
		"order_confirmed": func(t *testing.T, p *post) error { return deliver(t, p, p.mailer.OrderConfirmed, confirmed) },
		"order_confirmed_in_yen": func(t *testing.T, p *post) error {
			return deliver(t, p, p.mailer.OrderConfirmed, events.OrderConfirmed{Number: "7", Email: "ada@example.com", Currency: "JPY", TotalCents: 980})
		},
		"order_cancelled_for_stock": func(t *testing.T, p *post) error {
			return deliver(t, p, p.mailer.OrderCancelled, events.OrderCancelled{Number: "2026-1", Email: "ada@example.com", Reason: "stock"})
		},
		"order_cancelled_by_buyer": func(t *testing.T, p *post) error {
			return deliver(t, p, p.mailer.OrderCancelled, events.OrderCancelled{Number: "2026-1", Email: "ada@example.com", Reason: "buyer"})
		},
		"order_shipped": func(t *testing.T, p *post) error {
			return deliver(t, p, p.mailer.OrderShipped, events.OrderShipped{Number: "2026-1", Email: "ada@example.com", Carrier: "UGND", Tracking: "1Z<1>", Complete: true})
		},
		"order_shipped_in_part": func(t *testing.T, p *post) error {
			return deliver(t, p, p.mailer.OrderShipped, events.OrderShipped{Number: "2026-1", Email: "ada@example.com", Carrier: "EPRI"})
		},
		"order_expired": func(t *testing.T, p *post) error {
			return deliver(t, p, p.mailer.OrderExpired, events.OrderExpired{Number: "2026-1", Email: "ada@example.com"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t)
			if _, err := p.Admin.Exec(t.Context(), `UPDATE shops SET name = 'Tom & Jerry''s <Toys>'`); err != nil {
				t.Fatal(err)
			}
			if err := handle(t, p); err != nil {
				t.Fatal(err)
			}
			m := p.sender.got[0]
			got := "Subject: " + m.Subject + "\n\n" + m.Text + "\n=====\n" + m.HTML
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("message (-golden +got):\n%s", diff)
			}
		})
	}
}
