package ebay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/txn"
)

// consentTime is how long a seller has to consent at eBay.
const consentTime = time.Hour

// ConnectInput connects the shop with an account at eBay, in two steps: without a
// code it returns the page on which the seller consents; with the state and the
// code with which eBay sends the seller back, it ends the connection. It also
// changes the settings of an account, and lets go of one.
type ConnectInput struct {
	Name        string    `json:"name"`                  // the shop's word for the account
	Marketplace string    `json:"marketplace,omitempty"` // such as EBAY_US, the default
	Settings    *Settings `json:"settings,omitempty"`
	Place       *Place    `json:"place,omitempty"` // from where goods leave: made known to eBay under settings.location
	State       string    `json:"state,omitempty"`
	Code        string    `json:"code,omitempty"`
	Revoke      bool      `json:"revoke,omitempty"` // forget the consent; listings stay up
}

// Place is from where goods leave.
type Place = client.Place

var marketplaces = []string{
	"EBAY_US", "EBAY_MOTORS", "EBAY_CA", "EBAY_GB", "EBAY_AU", "EBAY_AT", "EBAY_BE", "EBAY_CH", "EBAY_DE", "EBAY_ES", "EBAY_FR", "EBAY_HK", "EBAY_IE",
	"EBAY_IT", "EBAY_MY", "EBAY_NL", "EBAY_PH", "EBAY_PL", "EBAY_SG", "EBAY_TW",
}

// Validate refuses what cannot be.
func (in ConnectInput) Validate() error {
	var f fault.Fields
	f.Check(in.Name != "" && len(in.Name) <= 40, "/name", "must have 1 to 40 characters")
	known := in.Marketplace == ""
	for _, m := range marketplaces {
		known = known || m == in.Marketplace
	}
	f.Check(known, "/marketplace", "must be one of eBay's, such as EBAY_US")
	f.Check((in.State == "") == (in.Code == ""), "/code", "comes with the state, and the state with the code")
	f.Check(len(in.State) <= 100, "/state", "must not exceed 100 characters")
	f.Check(len(in.Code) <= 2000, "/code", "must not exceed 2000 characters")
	if s := in.Settings; s != nil {
		f.Check(len(s.Location) <= 36, "/settings/location", "must not exceed 36 characters")
		f.Check(s.Share >= 0 && s.Share <= 100, "/settings/share", "must be 1 to 100 percent, or 0 for half")
		f.Check(s.Keep >= 0 && s.Keep <= 1_000_000, "/settings/keep", "must be 0 to 1,000,000")
		for field, id := range map[string]string{"fulfillment_policy": s.Fulfillment, "payment_policy": s.Payment, "return_policy": s.Return} {
			f.Check(len(id) <= 40, "/settings/"+field, "must not exceed 40 characters")
		}
	}
	if p := in.Place; p != nil {
		f.Check(len(p.Country) == 2, "/place/country", "must have two letters")
		f.Check(p.Postal != "" || p.City != "" && p.State != "", "/place/postalCode", "is needed, or city and stateOrProvince")
		f.Check(in.Settings != nil && in.Settings.Location != "", "/settings/location", "must be a key for the place")
		f.Check(max(len(p.Line1), len(p.City), len(p.State)) <= 128 && len(p.Postal) <= 16, "/place", "must not exceed eBay's lengths")
	}
	return f.Err()
}

// Connection is an account and, until the seller has consented, the page to do so.
type Connection struct {
	Account
	ConsentURL string               `json:"consent_url,omitempty"`
	Policies   *client.PolicyChoice `json:"policies,omitempty"` // to choose from, after the consent
}

// Connect returns how a shop's account at eBay is connected. The consent is kept
// sealed; eBay renews its short-lived tokens by it.
func (e *Ebay) Connect(ctx context.Context, run *txn.Runner, _ string, in ConnectInput) (func(*txn.Tx) (Connection, error), error) {
	if in.Code != "" {
		return e.consented(ctx, run, in)
	}
	if in.Place != nil {
		if err := e.announce(ctx, run, in); err != nil {
			return nil, err
		}
	}
	return func(tx *txn.Tx) (Connection, error) {
		a, err := named(ctx, tx, in)
		if err != nil {
			return Connection{}, err
		}
		c := Connection{Account: a}
		switch {
		case in.Revoke:
			c.State, c.Problem, c.sealed = Revoked, "It was disconnected by staff.", nil
		case a.State != Connected:
			state := rand.Text()
			sum := sha256.Sum256([]byte(state))
			c.ConsentURL = e.App.Consent(state)
			_, err := tx.Exec(ctx, `UPDATE ebay_accounts SET consent = $2, consent_until = $3 WHERE account_id = $1`, a.ID, sum[:], tx.Now.Add(consentTime))
			if err != nil {
				return Connection{}, fmt.Errorf("begin a consent: %w", err)
			}
		}
		return c, keep(ctx, tx, c.Account)
	}, nil
}

// named returns the account of a name under its lock, with what is to be changed;
// a new one if there is none.
func named(ctx context.Context, tx *txn.Tx, in ConnectInput) (Account, error) {
	marketplace := in.Marketplace
	if marketplace == "" {
		marketplace = marketplaces[0]
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO ebay_accounts (account_id, shop_id, name, marketplace, created_at, updated_at)
		VALUES ($1, current_shop(), $2, $3, $4, $4)
		ON CONFLICT DO NOTHING`, ident.New(ident.EbayAccount), in.Name, marketplace, tx.Now)
	if err != nil {
		return Account{}, fmt.Errorf("make an account at eBay: %w", err)
	}
	found, err := accounts(ctx, tx, `AND name = $1 FOR UPDATE`, in.Name)
	if err != nil || len(found) != 1 {
		return Account{}, errors.Join(err, fmt.Errorf("there are %d accounts of one name", len(found)))
	}
	a := found[0]
	if in.Marketplace != "" && in.Marketplace != a.Marketplace {
		return a, fault.New(fault.Conflict, "account %s is of %s: make another for %s", a.Name, a.Marketplace, in.Marketplace)
	}
	if in.Settings != nil {
		a.Settings = *in.Settings
	}
	return a, nil
}

func keep(ctx context.Context, tx *txn.Tx, a Account) error {
	_, err := tx.Exec(ctx, `
		UPDATE ebay_accounts
		SET state = $2, problem = $3, settings = $4, refresh_token = $5, token_until = $6, updated_at = $7
		WHERE account_id = $1`, a.ID, a.State, a.Problem, a.Settings, a.sealed, a.TokenUntil, tx.Now)
	if err != nil {
		return fmt.Errorf("keep an account at eBay: %w", err)
	}
	if a.State != Connected {
		return nil
	}
	_, err = tx.Exec(ctx, `UPDATE ebay_listings SET changes = changes + 1 WHERE account_id = $1 AND state = 'live'`, a.ID)
	if err != nil {
		return fmt.Errorf("note changed listings: %w", err)
	}
	return requestAll(ctx, tx, a.ID, tx.Now)
}

// announce makes the place from which goods leave known to eBay.
func (e *Ebay) announce(ctx context.Context, run *txn.Runner, in ConnectInput) error {
	var s *client.Seller
	err := run.Read(ctx, func(tx *txn.Tx) error {
		found, err := accounts(ctx, tx, `AND name = $1 AND state = 'connected'`, in.Name)
		if err == nil && len(found) == 0 {
			err = fault.New(fault.Conflict, "there is no connected account %s: connect it first, then set the place", in.Name)
		}
		if err == nil {
			s, err = e.seller(tx, found[0])
		}
		return err
	})
	if err != nil {
		return err
	}
	return refusal(s.PutLocation(ctx, in.Settings.Location, *in.Place))
}

// consented exchanges the code for the consent. It works once, for some minutes.
func (e *Ebay) consented(ctx context.Context, run *txn.Runner, in ConnectInput) (func(*txn.Tx) (Connection, error), error) {
	sum := sha256.Sum256([]byte(in.State))
	var a Account
	err := run.Read(ctx, func(tx *txn.Tx) error {
		found, err := accounts(ctx, tx, `AND name = $1 AND consent = $2 AND consent_until > $3`, in.Name, sum[:], tx.Now)
		if err == nil && len(found) == 0 {
			err = fault.New(fault.Conflict, "this consent was not asked for, or too long ago: begin again")
		}
		if err == nil {
			a = found[0]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	grant, err := e.App.Exchange(ctx, in.Code)
	if err != nil {
		return nil, refusal(err)
	}
	choice, err := e.App.Seller(grant.RefreshToken, a.Marketplace).Policies(ctx)
	if err != nil {
		return nil, refusal(err)
	}
	return func(tx *txn.Tx) (Connection, error) {
		a, err := named(ctx, tx, in)
		if err != nil {
			return Connection{}, err
		}
		if a.sealed, err = e.Keys.Seal([]byte(grant.RefreshToken), tokenPlace(tx.Shop, a.ID)); err != nil {
			return Connection{}, err
		}
		a.State, a.Problem, a.TokenUntil = Connected, "", &grant.Expires
		a.Settings.choose(choice)
		if _, err := tx.Exec(ctx, `UPDATE ebay_accounts SET consent = NULL, consent_until = NULL WHERE account_id = $1`, a.ID); err != nil {
			return Connection{}, fmt.Errorf("end a consent: %w", err)
		}
		return Connection{Account: a, Policies: &choice}, keep(ctx, tx, a)
	}, nil
}

// choose takes the policy of a kind of which the account has one only.
func (s *Settings) choose(c client.PolicyChoice) {
	for _, k := range []struct {
		have []client.Policy
		into *string
	}{{c.Fulfillment, &s.Fulfillment}, {c.Payment, &s.Payment}, {c.Return, &s.Return}} {
		if *k.into == "" && len(k.have) == 1 {
			*k.into = k.have[0].ID
		}
	}
}

// refusal makes of an error of eBay what a caller is told.
func refusal(err error) error {
	failed, ok := errors.AsType[*client.Error](err)
	switch {
	case err == nil || !ok:
		return err
	case failed.Class == client.Retry:
		return fault.From(fault.Unavailable, err, "eBay cannot be reached now")
	}
	return fault.From(fault.Unprocessable, err, "eBay refuses: %s", clip(failed.Hint()))
}
