package shop

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// The accounts that a registered customer may have, by the tender that spends from
// them. Each is a ledger like that of a gift card (CommerceRack payment
// specification, §10, whose balances were a column that nothing booked).
const (
	Points       = "POINTS" // each worth one of the smallest unit of the shop's currency
	ReturnCredit = "RMC"    // for goods that came back
	CreditLine   = "PO"     // what purchase orders may still be open for
)

// Accounts are their tenders.
var Accounts = []string{Points, ReturnCredit, CreditLine}

// AccountCode names a customer's account among the gift cards. Nobody can pay with
// it as a code: those have no colon.
func AccountCode(tender, customerID string) string { return tender + ":" + customerID }

// named tells people which gift card or account it is.
func named(code string) string {
	if tender, _, ok := strings.Cut(code, ":"); ok {
		return "account " + tender
	}
	return "gift card " + Mask(code)
}

// Entry is a booking of a ledger.
type Entry struct {
	Kind      string    `json:"kind" db:"kind"`   // issue, hold, settle, release or refund
	Cents     int64     `json:"cents" db:"cents"` // in the smallest unit of the shop's currency; what is taken is negative
	OrderID   string    `json:"order_id,omitempty" db:"order_id"`
	Note      string    `json:"note,omitempty" db:"note"`
	CreatedAt time.Time `json:"created_at" db:"created_at"`
}

// maxEntriesShown bounds what is read of a ledger.
const maxEntriesShown = 100

// Ledger returns the latest entries of a gift card or an account, the newest first.
func Ledger(ctx context.Context, tx *txn.Tx, code string) ([]Entry, error) {
	rows, err := tx.Query(ctx, `
		SELECT kind, cents, order_id, note, created_at
		FROM gift_card_entries
		WHERE shop_id = current_shop() AND code = $1
		ORDER BY entry_id DESC
		LIMIT $2`, code, maxEntriesShown)
	if err != nil {
		return nil, fmt.Errorf("read a ledger: %w", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[Entry])
	if err != nil {
		return nil, fmt.Errorf("read a ledger: %w", err)
	}
	return entries, nil
}

// AdjustAccount adds to a customer's account, or takes from it, and opens it if it
// is the first time. What orders hold of it cannot be taken: less than nothing left
// is refused with kind Conflict.
func AdjustAccount(ctx context.Context, tx *txn.Tx, code string, cents int64, note string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO gift_cards (shop_id, code, created_at, updated_at)
		VALUES (current_shop(), $1, $2, $2)
		ON CONFLICT DO NOTHING`, code, tx.Now)
	if err != nil {
		return fmt.Errorf("open an account: %w", err)
	}
	g, err := lockGiftCard(ctx, tx, code)
	if err != nil {
		return err
	}
	if g.BalanceCents+cents < 0 {
		return fault.New(fault.Conflict, "the %s does not hold that much", named(code)).With("balance_cents", g.BalanceCents)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO gift_card_entries (shop_id, code, kind, cents, note, created_at)
		VALUES (current_shop(), $1, 'issue', $2, $3, $4)`, code, cents, note, tx.Now)
	if err != nil {
		return fmt.Errorf("adjust an account: %w", err)
	}
	return nil
}
