package customer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/page"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/testkit/txtest"
	"github.com/rackless/rackless/shared/txn"
)

const password = "correct horse"

// shop is a shop with what the tests of this package do in it.
type shop struct {
	*txtest.DB
	tb    testing.TB
	staff principal.Principal
	runs  map[string]*txn.Runner
}

func newShop(t *testing.T) *shop {
	t.Helper()
	db := txtest.New(t)
	return &shop{DB: db, tb: t, runs: map[string]*txn.Runner{},
		staff: principal.Principal{Shop: db.Shop, Kind: principal.Staff, ID: "key_1", Scopes: []string{"*"}}}
}

// as returns the runner of a function.
func (s *shop) as(function string) *txn.Runner {
	if s.runs[function] == nil {
		s.runs[function] = s.As(s.tb, function)
	}
	return s.runs[function]
}

func (s *shop) add(t *testing.T, email string) customer.Customer {
	t.Helper()
	visitor := principal.Principal{Shop: s.Shop, Kind: principal.Anonymous}
	c, err := txtest.Do(t, s.as("customer-create"), visitor, customer.Create, customer.CreateInput{Email: email, Password: password, FirstName: "Ada"})
	if err != nil {
		t.Fatalf("create %s: %v", email, err)
	}
	return c
}

func (s *shop) login(t *testing.T, email, password string) (session.Tokens, error) {
	t.Helper()
	visitor := principal.Principal{Shop: s.Shop, Kind: principal.Anonymous}
	return txtest.Do(t, s.as("session-create"), visitor, customer.Login, customer.LoginInput{Email: email, Password: password})
}

// caller returns who an access token makes of its bearer.
func (s *shop) caller(t *testing.T, token string) (principal.Principal, error) {
	t.Helper()
	c, err := auth.Identify(t.Context(), s.Admin, auth.Credential{Token: token}, s.Clock.Now())
	return c.Principal, err
}

// enter logs a customer in and returns who the calls then come from.
func (s *shop) enter(t *testing.T, email string) (principal.Principal, string) {
	t.Helper()
	tokens, err := s.login(t, email, password)
	if err != nil {
		t.Fatalf("log in: %v", err)
	}
	who, err := s.caller(t, tokens.AccessToken)
	if err != nil {
		t.Fatalf("identify: %v", err)
	}
	return who, tokens.AccessToken
}

func (s *shop) update(t *testing.T, who principal.Principal, in customer.UpdateInput) (customer.Customer, error) {
	t.Helper()
	if err := in.Validate(); err != nil {
		return customer.Customer{}, err
	}
	return txtest.Do(t, s.as("customer-update"), who, customer.Update, in)
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if got := fault.KindOf(err); err == nil || got != want {
		t.Errorf("error %v of kind %v, want %v", err, got, want)
	}
}

func TestCreateRefusesKnownAddressInWhateverCase(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.add(t, "ada@example.com")
	_, err := txtest.Do(t, s.as("customer-create"), s.staff, customer.Create, customer.CreateInput{Email: "ADA@Example.com"})
	wantKind(t, err, fault.Conflict)
	if got := len(txtest.Emitted[events.CustomerCreated](t, s.DB)); got != 1 {
		t.Errorf("%d events customer.created, want 1", got)
	}
}

func TestUpdateChangesOnlyWhatIsGiven(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	who, _ := s.enter(t, "ada@example.com")
	s.Clock.Advance(time.Hour)

	got, err := s.update(t, who, customer.UpdateInput{ID: c.ID, LastName: new("Lovelace"), Newsletters: new(5)})
	if err != nil {
		t.Fatal(err)
	}
	want := c
	want.LastName, want.Newsletters, want.Version, want.UpdatedAt = "Lovelace", 5, c.Version+1, txtest.Start.Add(time.Hour)
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("customer (-want +got):\n%s", diff)
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	s.add(t, "grace@example.com")
	who, _ := s.enter(t, "ada@example.com")
	other, _ := s.enter(t, "grace@example.com")
	guest := principal.Principal{Shop: s.Shop, Kind: principal.Guest, ID: "ses_1", Owner: "ses_2"}
	elsewhere := principal.Principal{Shop: s.AddShop(t), Kind: principal.Staff, Scopes: []string{"*"}}

	for name, test := range map[string]struct {
		who  principal.Principal
		in   customer.UpdateInput
		want fault.Kind
	}{
		"another_customer":             {other, customer.UpdateInput{LastName: new("X")}, fault.NotFound},
		"a_guest":                      {guest, customer.UpdateInput{LastName: new("X")}, fault.NotFound},
		"staff_of_another_shop":        {elsewhere, customer.UpdateInput{LastName: new("X")}, fault.NotFound},
		"stale_version":                {who, customer.UpdateInput{IfMatch: c.Version + 1, LastName: new("X")}, fault.Precondition},
		"stale_version_from_staff":     {s.staff, customer.UpdateInput{IfMatch: c.Version + 1, LastName: new("X")}, fault.Precondition},
		"price_schedule_by_customer":   {who, customer.UpdateInput{PriceSchedule: new("A1")}, fault.Forbidden},
		"tax_exempt_by_customer":       {who, customer.UpdateInput{TaxExempt: new(true)}, fault.Forbidden},
		"locked_by_customer":           {who, customer.UpdateInput{Locked: new(false)}, fault.Forbidden},
		"password_without_current":     {who, customer.UpdateInput{Password: new("new password")}, fault.Forbidden},
		"password_with_wrong_current":  {who, customer.UpdateInput{Password: new("new password"), CurrentPassword: "wrong"}, fault.Forbidden},
		"email_without_current":        {who, customer.UpdateInput{Email: new("new@example.com")}, fault.Forbidden},
		"email_of_another":             {who, customer.UpdateInput{Email: new("GRACE@example.com"), CurrentPassword: password}, fault.Conflict},
		"email_of_another_from_staff":  {s.staff, customer.UpdateInput{Email: new("GRACE@example.com")}, fault.Conflict},
		"email_that_is_none":           {who, customer.UpdateInput{Email: new("nobody")}, fault.Invalid},
		"short_password":               {who, customer.UpdateInput{Password: new("short")}, fault.Invalid},
		"name_of_51_characters":        {who, customer.UpdateInput{FirstName: new(strings.Repeat("ü", 51))}, fault.Invalid},
		"a_character_no_row_can_store": {who, customer.UpdateInput{FirstName: new("a\x00b")}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			test.in.ID = c.ID
			_, err := s.update(t, test.who, test.in)
			wantKind(t, err, test.want)
		})
	}
	got, err := txtest.Do(t, s.as("customer-get"), s.staff, customer.Get, customer.GetInput{ID: c.ID})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("a refusal had an effect (-want +got):\n%s", diff)
	}
}

func TestNameOf50CharactersFitsWhateverItsBytes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	if _, err := s.update(t, s.staff, customer.UpdateInput{ID: c.ID, FirstName: new(strings.Repeat("ü", 50))}); err != nil {
		t.Error(err)
	}
}

func TestNewPasswordEndsOtherSessionsOnly(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	who, mine := s.enter(t, "ada@example.com")
	_, other := s.enter(t, "ada@example.com")

	if _, err := s.update(t, who, customer.UpdateInput{ID: c.ID, Password: new("new password"), CurrentPassword: password}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.caller(t, mine); err != nil {
		t.Errorf("the session that changed the password: %v", err)
	}
	_, err := s.caller(t, other)
	wantKind(t, err, fault.Unauthenticated)
	_, err = s.login(t, "ada@example.com", password)
	wantKind(t, err, fault.Unauthenticated)
	if _, err := s.login(t, "ada@example.com", "new password"); err != nil {
		t.Errorf("log in with the new password: %v", err)
	}
}

func TestLockEndsSessionsAndKeepsOut(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	_, token := s.enter(t, "ada@example.com")

	if _, err := s.update(t, s.staff, customer.UpdateInput{ID: c.ID, Locked: new(true)}); err != nil {
		t.Fatal(err)
	}
	_, err := s.caller(t, token)
	wantKind(t, err, fault.Unauthenticated)
	_, locked := s.login(t, "ada@example.com", password)
	_, wrong := s.login(t, "ada@example.com", "wrong password")
	_, unknown := s.login(t, "nobody@example.com", password)
	for _, err := range []error{locked, wrong, unknown} {
		wantKind(t, err, fault.Unauthenticated)
		if err.Error() != locked.Error() {
			t.Errorf("the refusals differ: %q and %q", err, locked)
		}
	}
	if _, err := s.update(t, s.staff, customer.UpdateInput{ID: c.ID, Locked: new(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.login(t, "ada@example.com", password); err != nil {
		t.Errorf("log in when unlocked: %v", err)
	}
}

func TestLoginWaitsForALockThatIsUnderWay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	s.as("session-create")
	type result struct {
		tokens session.Tokens
		err    error
	}
	login := make(chan result, 1)
	ctx := principal.NewContext(t.Context(), s.staff)
	err := s.as("customer-update").Do(ctx, func(tx *txn.Tx) error {
		if _, err := customer.Update(ctx, tx, customer.UpdateInput{ID: c.ID, Locked: new(true)}); err != nil {
			return err
		}
		go func() {
			tokens, err := s.login(t, "ada@example.com", password)
			login <- result{tokens, err}
		}()
		for waiting := false; !waiting && len(login) == 0; {
			err := s.Admin.QueryRow(ctx, `
				SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))`).Scan(&waiting)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := <-login
	wantKind(t, r.err, fault.Unauthenticated)
}

func TestAttemptsAreUsedUpAndForgiven(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.add(t, "ada@example.com")
	for _, email := range []string{"ADA@example.com", "nobody@example.com"} { // known and unknown alike
		for i := range 10 {
			_, err := s.login(t, email, "wrong password")
			if fault.KindOf(err) != fault.Unauthenticated {
				t.Fatalf("attempt %d with %s: %v", i+1, email, err)
			}
		}
		_, err := s.login(t, strings.ToLower(email), password)
		wantKind(t, err, fault.TooMany)
	}
	s.Clock.Advance(15 * time.Minute)
	for range 30 { // success gives the attempts back
		if _, err := s.login(t, "ada@example.com", password); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGuestLogin(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	visitor := principal.Principal{Shop: s.Shop, Kind: principal.Anonymous}
	tokens, err := txtest.Do(t, s.as("session-create"), visitor, customer.Login, customer.LoginInput{Guest: true})
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.caller(t, tokens.AccessToken)
	if err != nil || who.Kind != principal.Guest || who.Owner == "" {
		t.Errorf("guest is %+v, error %v", who, err)
	}
	wantKind(t, customer.LoginInput{Guest: true, Email: "a@b.c"}.Validate(), fault.Invalid)
	wantKind(t, customer.LoginInput{}.Validate(), fault.Invalid)
}

func TestLoginIsFoundByIndex(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, err := s.Admin.Exec(t.Context(), `
		INSERT INTO customers (customer_id, shop_id, email, created_at, updated_at)
		SELECT 'cus_' || n, $1, n || '@example.com', now(), now() FROM generate_series(1, 2000) n`, s.Shop)
	if err == nil {
		_, err = s.Admin.Exec(t.Context(), `ANALYZE customers`)
	}
	if err != nil {
		t.Fatal(err)
	}
	err = s.as("session-create").Do(principal.NewContext(t.Context(), s.staff), func(tx *txn.Tx) error {
		rows, err := tx.Query(t.Context(), `EXPLAIN SELECT customer_id FROM customers WHERE shop_id = $1 AND email_key = lower($2)`, tx.Shop, "a@b.c")
		if err != nil {
			return err
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "Index Cond: (") || !strings.Contains(text, " AND (email_key = ") {
			t.Errorf("the address is not part of the index condition:\n%s", text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeleteErases(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := s.add(t, "ada@example.com")
	who, token := s.enter(t, "ada@example.com")
	if _, err := s.newAddress(t, who, c.ID, customer.Shipping, false); err != nil {
		t.Fatal(err)
	}
	del := func(who principal.Principal, version int64) error {
		_, err := txtest.Do(t, s.as("customer-delete"), who, customer.Delete, customer.DeleteInput{ID: c.ID, IfMatch: version})
		return err
	}
	wantKind(t, del(principal.Principal{Shop: s.Shop, Kind: principal.Customer, Owner: "cus_other"}, 0), fault.NotFound)
	wantKind(t, del(who, c.Version+1), fault.Precondition)
	if err := del(who, c.Version); err != nil {
		t.Fatal(err)
	}
	wantKind(t, del(s.staff, 0), fault.NotFound)

	_, err := s.caller(t, token)
	wantKind(t, err, fault.Unauthenticated)
	_, err = s.login(t, "ada@example.com", password)
	wantKind(t, err, fault.Unauthenticated)
	var left string
	err = s.Admin.QueryRow(t.Context(), `
		SELECT concat(email, email_key, password_hash, first_name, last_name, company, phone, (SELECT count(*) FROM customer_addresses))
		FROM customers WHERE customer_id = $1`, c.ID).Scan(&left)
	if err != nil || left != "0" {
		t.Errorf("what is left of the person: %q, error %v", left, err)
	}
	if diff := cmp.Diff([]events.CustomerErased{{CustomerID: c.ID, Email: "ada@example.com"}}, txtest.Emitted[events.CustomerErased](t, s.DB)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	s.add(t, "ada@example.com") // the address is free again
}

func TestListPagesAndFinds(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var all []string
	for i := range 7 {
		all = append([]string{s.add(t, fmt.Sprintf("Buyer%d@Example.com", i)).ID}, all...)
	}
	list := func(in customer.ListInput) page.Page[customer.Customer] {
		t.Helper()
		p, err := txtest.Do(t, s.as("customer-list"), s.staff, customer.List, in)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	var got []string
	in := customer.ListInput{Query: page.Query{Limit: 3}}
	for {
		p := list(in)
		for _, c := range p.Items {
			got = append(got, c.ID)
		}
		if in.Cursor = p.Next; p.Next == "" {
			break
		}
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("pages, newest first (-want +got):\n%s", diff)
	}
	for query, want := range map[customer.ListInput]int{
		{Email: " buyer3@example.COM "}: 1,
		{Email: "buyer3@example"}:       0, // exact
		{Text: "BUYER"}:                 7,
		{Text: "yer3@"}:                 1,
		{Text: "ada"}:                   7, // the name
		{Text: "%"}:                     0, // no pattern
	} {
		if got := len(list(query).Items); got != want {
			t.Errorf("list %+v found %d, want %d", query, got, want)
		}
	}
	elsewhere := principal.Principal{Shop: s.AddShop(t), Kind: principal.Staff, Scopes: []string{"*"}}
	p, err := txtest.Do(t, s.as("customer-list"), elsewhere, customer.List, customer.ListInput{})
	if err != nil || len(p.Items) != 0 {
		t.Errorf("another shop sees %d customers, error %v", len(p.Items), err)
	}
}
