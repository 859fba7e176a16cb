package shop

import (
	"context"
	"fmt"

	"github.com/rackless/rackless/shared/auth"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/ident"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/postgres"
	"github.com/rackless/rackless/shared/txn"
)

// CreateInput opens a shop.
type CreateInput struct {
	Name        string   `json:"name"`
	Currency    string   `json:"currency"` // ISO 4217
	Hosts       []string `json:"hosts,omitempty"`
	CORSOrigins []string `json:"cors_origins,omitempty"`
}

// Validate refuses fields that no shop can have.
func (in CreateInput) Validate() error {
	var f fault.Fields
	checkName(&f, in.Name)
	_, known := money.Exponent(in.Currency)
	f.Check(known, "/currency", "must be an ISO 4217 currency code")
	checkHosts(&f, in.Hosts)
	checkOrigins(&f, in.CORSOrigins)
	return f.Err()
}

// Created is a new shop with its first API key.
type Created struct {
	Shop
	KeyID  string `json:"key_id"`
	APIKey string `json:"api_key"` // may do everything in the shop; told only now
}

// Location is where the shop is read by its own callers.
func (Created) Location() string { return "/v1/shop" }

// Create opens a shop. A host that belongs to another shop is refused with kind Conflict.
// The transaction is in the caller's shop again when Create returns, or stays in
// the new one if the caller had none.
func Create(ctx context.Context, tx *txn.Tx, in CreateInput) (Created, error) {
	home := tx.Shop
	if err := tx.EnterShop(ctx, ident.New(ident.Shop)); err != nil {
		return Created{}, err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO shops (shop_id, name, currency, cors_origins, created_at, updated_at)
		VALUES ($1, $2, $3, COALESCE($4::text[], '{}'), $5, $5)`, tx.Shop, in.Name, in.Currency, in.CORSOrigins, tx.Now)
	if err != nil {
		return Created{}, fmt.Errorf("create shop: %w", err)
	}
	if err := addHosts(ctx, tx, in.Hosts); err != nil {
		return Created{}, err
	}
	created := Created{KeyID: ident.New(ident.Key)}
	token, hash := auth.NewToken(auth.KeyToken)
	created.APIKey = token
	_, err = tx.Exec(ctx, `
		INSERT INTO api_keys (key_id, shop_id, name, hash, scopes, created_at)
		VALUES ($1, $2, 'first key', $3, '{*}', $4)`, created.KeyID, tx.Shop, hash, tx.Now)
	if err != nil {
		return Created{}, fmt.Errorf("create the first key: %w", err)
	}
	if created.Shop, err = Get(ctx, tx, GetInput{}); err != nil {
		return Created{}, err
	}
	if home != "" {
		err = tx.EnterShop(ctx, home)
	}
	return created, err
}

func addHosts(ctx context.Context, tx *txn.Tx, hosts []string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO shop_hosts (host, shop_id)
		SELECT host, current_shop() FROM unnest($1::text[]) AS host ORDER BY host`, hosts)
	if postgres.IsUnique(err, "shop_hosts_pkey") {
		return fault.New(fault.Conflict, "one of the hosts belongs to another shop")
	}
	if err != nil {
		return fmt.Errorf("add hosts: %w", err)
	}
	return nil
}
