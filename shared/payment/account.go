package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/seal"
	"github.com/rackless/rackless/shared/txn"
)

// The gateways at which a shop needs an account of its own.
const (
	AuthorizeNet = "authorizenet"
	Stripe       = "stripe"
)

// Credentials are a shop's at a gateway. They are kept sealed and never leave
// the functions that use them.
type Credentials struct {
	Login          string `json:"login,omitempty"`           // Authorize.Net: the API login id
	TransactionKey string `json:"transaction_key,omitempty"` // Authorize.Net: 16 characters
	SignatureKey   string `json:"signature_key,omitempty"`   // Authorize.Net: signs webhooks, 128 hexadecimal digits
	SecretKey      string `json:"secret_key,omitempty"`      // Stripe: sk_… or rk_…
	WebhookSecret  string `json:"webhook_secret,omitempty"`  // Stripe: signs webhooks, whsec_…
}

// String and GoString keep the credentials out of texts.
func (Credentials) String() string   { return "credentials" }
func (Credentials) GoString() string { return "credentials" }

// account is what is kept of an account, sealed.
type account struct {
	Credentials
	// Old are the webhook keys before the last change, while the gateway may still
	// sign with them.
	Old struct {
		SignatureKey  string    `json:"signature_key,omitempty"`
		WebhookSecret string    `json:"webhook_secret,omitempty"`
		Until         time.Time `json:"until,omitzero"`
	} `json:"old,omitzero"`
}

// rotation is how long the old key of webhooks is good after a new one came
// (Stripe specification, §7: a secret that is rolled is used along with the new one
// for a day at most).
const rotation = 24 * time.Hour

// webhookKeys returns the keys with which a gateway may sign.
func (a account) webhookKeys(gateway string, now time.Time) []string {
	current, old := a.SignatureKey, a.Old.SignatureKey
	if gateway == Stripe {
		current, old = a.WebhookSecret, a.Old.WebhookSecret
	}
	if old != "" && now.Before(a.Old.Until) {
		return []string{current, old}
	}
	return []string{current}
}

// follows keeps the webhook keys of the account that is replaced, unless the new
// one has no webhooks at all.
func (a *account) follows(last account, now time.Time) {
	if a.SignatureKey == "" && a.WebhookSecret == "" {
		return
	}
	a.Old = last.Old
	if a.SignatureKey != last.SignatureKey || a.WebhookSecret != last.WebhookSecret {
		a.Old.SignatureKey, a.Old.WebhookSecret, a.Old.Until = last.SignatureKey, last.WebhookSecret, now.Add(rotation)
	}
}

// ConnectInput connects a shop with its account at a gateway.
type ConnectInput struct {
	Gateway string `json:"gateway"` // authorizenet or stripe
	Credentials
	Sandbox bool `json:"sandbox,omitempty"` // Authorize.Net: an account of its test system; Stripe's keys say it themselves
}

// The shapes of credentials; what the gateways themselves say of them
// (Authorize.Net specification, "Authentication"; Stripe specification, "Keys").
var (
	loginShape         = regexp.MustCompile(`^[\x21-\x7e]{1,25}$`)
	transactionShape   = regexp.MustCompile(`^[\x21-\x7e]{1,16}$`)
	signatureShape     = regexp.MustCompile(`^([0-9A-Fa-f]{128})?$`)
	secretKeyShape     = regexp.MustCompile(`^(sk|rk)_(test|live)_[0-9A-Za-z_]{1,240}$`)
	webhookSecretShape = regexp.MustCompile(`^(whsec_[0-9A-Za-z+/=_-]{1,240})?$`)
)

// Validate refuses what no gateway takes. It never quotes a credential.
func (in ConnectInput) Validate() error {
	var f fault.Fields
	absent := func(text, field string) { f.Check(text == "", field, "is none of %s", in.Gateway) }
	switch in.Gateway {
	case AuthorizeNet:
		f.Check(loginShape.MatchString(in.Login), "/login", "must be the API login id, of 25 characters at most")
		f.Check(transactionShape.MatchString(in.TransactionKey), "/transaction_key", "must be the transaction key, of 16 characters at most")
		f.Check(signatureShape.MatchString(in.SignatureKey), "/signature_key", "must have 128 hexadecimal digits, or be absent")
		absent(in.SecretKey, "/secret_key")
		absent(in.WebhookSecret, "/webhook_secret")
	case Stripe:
		f.Check(secretKeyShape.MatchString(in.SecretKey), "/secret_key", "must be a secret or restricted key, which begins with sk_ or rk_")
		f.Check(webhookSecretShape.MatchString(in.WebhookSecret), "/webhook_secret", "must begin with whsec_, or be absent")
		f.Check(!in.Sandbox, "/sandbox", "is said by the key at stripe")
		absent(in.Login, "/login")
		absent(in.TransactionKey, "/transaction_key")
		absent(in.SignatureKey, "/signature_key")
	default:
		f.Add("/gateway", "must be "+AuthorizeNet+" or "+Stripe)
	}
	return f.Err()
}

// Account is what may be told of an account: never its credentials.
type Account struct {
	Gateway   string    `json:"gateway"`
	Sandbox   bool      `json:"sandbox"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Connect returns how a shop's account at a gateway is set. What was set before
// is replaced; what is under way at the gateway goes on with the new credentials,
// and the old key of webhooks is good for another day.
func Connect(keys seal.Keys) func(context.Context, *txn.Tx, ConnectInput) (Account, error) {
	return func(ctx context.Context, tx *txn.Tx, in ConnectInput) (Account, error) {
		kept := account{Credentials: in.Credentials}
		switch last, _, err := accountIn(ctx, tx, keys, in.Gateway); {
		case err == nil:
			kept.follows(last, tx.Now)
		case !fault.Is(err, fault.NotFound) && !errors.Is(err, errSealed): // what nobody can open any more is replaced
			return Account{}, err
		}
		document, err := json.Marshal(kept)
		if err != nil {
			return Account{}, errors.New("encode credentials")
		}
		sealed, err := keys.Seal(document, accountPlace(tx.Shop, in.Gateway))
		if err != nil {
			return Account{}, err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO gateway_accounts (shop_id, gateway, credentials, sandbox, updated_at)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (shop_id, gateway) DO UPDATE
			SET credentials = EXCLUDED.credentials, sandbox = EXCLUDED.sandbox, updated_at = EXCLUDED.updated_at`,
			tx.Shop, in.Gateway, sealed, in.Sandbox, tx.Now)
		if err != nil {
			return Account{}, fmt.Errorf("keep the account at %s: %w", in.Gateway, err)
		}
		return Account{Gateway: in.Gateway, Sandbox: in.Sandbox, UpdatedAt: tx.Now}, nil
	}
}

// DisconnectInput names a gateway.
type DisconnectInput struct {
	Gateway string `json:"-" path:"gateway"`
}

// Validate refuses what is no gateway with accounts.
func (in DisconnectInput) Validate() error {
	if in.Gateway != AuthorizeNet && in.Gateway != Stripe {
		return fault.New(fault.NotFound, "there is no gateway %s at which a shop has an account", in.Gateway)
	}
	return nil
}

// Disconnect forgets the shop's account at a gateway, with its credentials. It is
// of kind NotFound if there is none, and refused with kind Conflict while the
// gateway keeps money aside for the shop or an operation is under way: nobody could
// end that any more. What was taken there can then be given back only at the
// gateway itself.
func Disconnect(ctx context.Context, tx *txn.Tx, in DisconnectInput) (struct{}, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM gateway_accounts WHERE shop_id = current_shop() AND gateway = $1`, in.Gateway)
	if err != nil {
		return struct{}{}, fmt.Errorf("forget the account at %s: %w", in.Gateway, err)
	}
	if tag.RowsAffected() == 0 {
		return struct{}{}, fault.New(fault.NotFound, "the shop has no account at %s", in.Gateway)
	}
	var open int
	err = tx.QueryRow(ctx, `
		SELECT count(*)
		FROM payments AS p
		WHERE shop_id = current_shop() AND gateway = $1
		  AND (left(status, 1) IN ('0', '1', '2', '4') AND captured_cents < authorized_cents
		       OR EXISTS (SELECT FROM payment_operations AS o WHERE o.payment_id = p.payment_id AND o.state = 'pending'))`, in.Gateway).Scan(&open)
	if err != nil {
		return struct{}{}, fmt.Errorf("count what is open at %s: %w", in.Gateway, err)
	}
	if open > 0 {
		return struct{}{}, fault.New(fault.Conflict, "%d payments are open at %s: capture or void them first", open, in.Gateway).With("open_payments", open)
	}
	return struct{}{}, nil
}

// AccountOf returns the credentials of the caller's shop at a gateway, with kind
// NotFound if it has no account there.
func AccountOf(ctx context.Context, run *txn.Runner, keys seal.Keys, gateway string) (c Credentials, sandbox bool, err error) {
	err = run.Read(ctx, func(tx *txn.Tx) error {
		a, s, err := accountIn(ctx, tx, keys, gateway)
		c, sandbox = a.Credentials, s
		return err
	})
	return c, sandbox, err
}

func accountIn(ctx context.Context, tx *txn.Tx, keys seal.Keys, gateway string) (c account, sandbox bool, err error) {
	var sealed []byte
	err = tx.QueryRow(ctx, `
		SELECT credentials, sandbox
		FROM gateway_accounts
		WHERE shop_id = current_shop() AND gateway = $1`, gateway).Scan(&sealed, &sandbox)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, false, fault.New(fault.NotFound, "the shop has no account at %s", gateway)
	}
	if err != nil {
		return c, false, fmt.Errorf("load the account at %s: %w", gateway, err)
	}
	document, err := keys.Open(sealed, accountPlace(tx.Shop, gateway))
	if err != nil {
		return c, false, fmt.Errorf("%w at %s: %w", errSealed, gateway, err)
	}
	if json.Unmarshal(document, &c) != nil {
		return c, false, fmt.Errorf("the account at %s is not what was kept", gateway) // the decoder's error would quote it
	}
	return c, sandbox, nil
}

// errSealed is the reason for which an account that is kept cannot be used: the key
// under which it was sealed is not there any more.
var errSealed = errors.New("open the account")

func accountPlace(shop, gateway string) string { return "gateway_accounts " + shop + " " + gateway }
