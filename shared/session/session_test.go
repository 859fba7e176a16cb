package session_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/principal"
	"github.com/rackless/rackless/shared/session"
	"github.com/rackless/rackless/shared/testkit/txtest"
	"github.com/rackless/rackless/shared/txn"
)

type shop struct {
	*txtest.DB
	visitor                      principal.Principal
	create, renew, end, customer *txn.Runner
}

func newShop(t *testing.T) *shop {
	t.Helper()
	db := txtest.New(t)
	return &shop{DB: db, visitor: principal.Principal{Shop: db.Shop, Kind: principal.Anonymous},
		create: db.As(t, "session-create"), renew: db.As(t, "session-refresh"), end: db.As(t, "session-delete"), customer: db.As(t, "customer-update")}
}

func (s *shop) guest(t *testing.T) session.Tokens {
	t.Helper()
	tokens, err := txtest.Do(t, s.create, s.visitor, func(ctx context.Context, tx *txn.Tx, _ struct{}) (session.Tokens, error) {
		return session.Open(ctx, tx, "")
	}, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func (s *shop) refresh(t *testing.T, token string) (session.Tokens, error) {
	t.Helper()
	return txtest.Do(t, s.renew, s.visitor, session.Refresh, session.RefreshInput{RefreshToken: token})
}

func (s *shop) caller(t *testing.T, token string) (principal.Principal, bool) {
	t.Helper()
	c, err := auth.Identify(t.Context(), s.Admin, auth.Credential{Token: token}, s.Clock.Now())
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		t.Fatal(err)
	}
	return c.Principal, err == nil
}

func wantKind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("error %v, want one of kind %v", err, want)
	}
}

func TestAccessTokenLivesAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	tokens := s.guest(t)
	s.Clock.Advance(15*time.Minute - time.Microsecond)
	if _, ok := s.caller(t, tokens.AccessToken); !ok {
		t.Error("the token is over too early")
	}
	s.Clock.Advance(time.Microsecond)
	if _, ok := s.caller(t, tokens.AccessToken); ok {
		t.Error("the token is still good after 15 minutes")
	}
}

func TestGuestTokenOfACartLives30Days(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var token, family string
	err := s.create.Do(principal.NewContext(t.Context(), s.visitor), func(tx *txn.Tx) (err error) {
		token, family, err = session.NewGuest(t.Context(), tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(30*24*time.Hour - time.Microsecond)
	who, ok := s.caller(t, token)
	if !ok || who.Owner != family || who.Kind != principal.Guest {
		t.Errorf("caller is %+v, %v; want the guest %s", who, ok, family)
	}
	s.Clock.Advance(time.Microsecond)
	if _, ok := s.caller(t, token); ok {
		t.Error("the token is still good after 30 days")
	}
}

func TestRefreshKeepsTheOwner(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.guest(t)
	before, _ := s.caller(t, first.AccessToken)
	s.Clock.Advance(29 * 24 * time.Hour)
	second, err := s.refresh(t, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	after, ok := s.caller(t, second.AccessToken)
	if !ok || after.Owner != before.Owner || after.ID == before.ID {
		t.Errorf("the caller was %+v and is %+v", before, after)
	}
	if want := s.Clock.Now().Add(30 * 24 * time.Hour); !second.RefreshUntil.Equal(want) {
		t.Errorf("the new refresh token lives until %v, want %v", second.RefreshUntil, want)
	}
	s.Clock.Advance(30 * 24 * time.Hour)
	_, err = s.refresh(t, second.RefreshToken)
	wantKind(t, err, fault.Unauthenticated)
}

func TestReusedRefreshTokenEndsTheWholeSession(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.guest(t)
	second, err := s.refresh(t, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	stranger := s.guest(t)
	s.Clock.Advance(10 * time.Second)
	_, err = s.refresh(t, first.RefreshToken)
	wantKind(t, err, fault.Unauthenticated)

	for name, token := range map[string]string{"first": first.AccessToken, "second": second.AccessToken} {
		if _, ok := s.caller(t, token); ok {
			t.Errorf("the %s access token is still good", name)
		}
	}
	_, err = s.refresh(t, second.RefreshToken)
	wantKind(t, err, fault.Unauthenticated)
	if _, ok := s.caller(t, stranger.AccessToken); !ok {
		t.Error("the session of somebody else ended as well")
	}
}

func TestSecondTabWithinTheGraceGetsNothingAndHarmsNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.guest(t)
	second, err := s.refresh(t, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(10*time.Second - time.Microsecond)
	got, err := s.refresh(t, first.RefreshToken)
	wantKind(t, err, fault.Conflict)
	if got.AccessToken != "" || got.RefreshToken != "" {
		t.Error("a used refresh token was worth new tokens")
	}
	if _, ok := s.caller(t, second.AccessToken); !ok {
		t.Error("the session ended")
	}
}

func TestConcurrentRefreshHasOneWinner(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.guest(t)
	var mu sync.Mutex
	var wg sync.WaitGroup
	kinds := map[string]int{}
	for range 20 {
		wg.Go(func() {
			_, err := s.refresh(t, first.RefreshToken)
			outcome := "renewed"
			if err != nil {
				outcome = fault.KindOf(err).String()
			}
			mu.Lock()
			kinds[outcome]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[string]int{"renewed": 1, "conflict": 19}, kinds); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestEndEndsWhatItWasRenewedFromAndInto(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.guest(t)
	second, err := s.refresh(t, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	who, _ := s.caller(t, first.AccessToken) // an older access token of the same session
	if _, err := txtest.Do(t, s.end, who, session.End, session.EndInput{}); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{first.AccessToken, second.AccessToken} {
		if _, ok := s.caller(t, token); ok {
			t.Error("an access token is still good")
		}
	}
	_, err = s.refresh(t, second.RefreshToken)
	wantKind(t, err, fault.Unauthenticated)
	_, err = txtest.Do(t, s.end, principal.Principal{Shop: s.Shop, Kind: principal.Staff, ID: "key_1"}, session.End, session.EndInput{})
	wantKind(t, err, fault.NotFound)
}

func TestRefreshTokenOfAnotherShopIsUnknown(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.guest(t)
	elsewhere := principal.Principal{Shop: s.AddShop(t), Kind: principal.Anonymous}
	_, err := txtest.Do(t, s.renew, elsewhere, session.Refresh, session.RefreshInput{RefreshToken: first.RefreshToken})
	wantKind(t, err, fault.Unauthenticated)
	_, err = s.refresh(t, first.AccessToken) // no refresh token
	wantKind(t, err, fault.Unauthenticated)
}

// What ends sessions must also end the one that is being renewed meanwhile.
func TestEndOfAllWaitsForARenewal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, err := s.Admin.Exec(t.Context(), `INSERT INTO customers (customer_id, shop_id, created_at, updated_at) VALUES ('cus_1', $1, $2, $2)`, s.Shop, txtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	open := func(ctx context.Context, tx *txn.Tx, _ struct{}) (session.Tokens, error) {
		return session.Open(ctx, tx, "cus_1")
	}
	first, err := txtest.Do(t, s.create, s.visitor, open, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx := principal.NewContext(t.Context(), s.visitor)
	var second session.Tokens
	err = s.renew.Do(ctx, func(tx *txn.Tx) error {
		if second, err = session.Refresh(ctx, tx, session.RefreshInput{RefreshToken: first.RefreshToken}); err != nil {
			return err
		}
		go func() {
			ended <- s.customer.Do(ctx, func(tx *txn.Tx) error {
				if err := session.Lock(ctx, tx, "cus_1"); err != nil {
					return err
				}
				return session.EndAll(ctx, tx, "cus_1", "")
			})
		}()
		for waiting := false; !waiting && len(ended) == 0; {
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
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, ok := s.caller(t, second.AccessToken); ok {
		t.Error("the renewed session outlived the end of all")
	}
}
