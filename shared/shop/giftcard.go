package shop

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// GiftCard is what a gift card is worth now.
type GiftCard struct {
	Code         string
	BalanceCents int64      // what is neither spent nor held, in the smallest unit of the shop's currency
	ExpiresAt    *time.Time // nil: never
}

// Expired reports whether the card can no longer be used. The original accepts
// expired cards (CommerceRack payment specification, §9); we do not.
func (g GiftCard) Expired(now time.Time) bool { return g.ExpiresAt != nil && !g.ExpiresAt.After(now) }

// QueueGiftCards adds to a batch the statement that reads the cards of codes into
// a map. Codes that no card has are left out. It reads the table gift_cards.
func QueueGiftCards(batch *pgx.Batch, codes []string, into map[string]GiftCard) {
	batch.Queue(`
		SELECT code, balance_cents, expires_at
		FROM gift_cards
		WHERE shop_id = current_shop() AND code = ANY($1)`, codes).Query(func(rows pgx.Rows) error {
		cards, err := pgx.CollectRows(rows, pgx.RowToStructByName[GiftCard])
		if err != nil {
			return fmt.Errorf("look up gift cards: %w", err)
		}
		for _, g := range cards {
			into[g.Code] = g
		}
		return nil
	})
}

// GiftCards returns the cards of codes. Codes that no card has are left out.
func GiftCards(ctx context.Context, tx *txn.Tx, codes []string) (map[string]GiftCard, error) {
	var batch pgx.Batch
	cards := map[string]GiftCard{}
	QueueGiftCards(&batch, codes, cards)
	return cards, tx.SendBatch(ctx, &batch).Close()
}

// HoldGiftCard takes cents, more than zero, off a card for an order. A second
// hold for the same order is the first one. A card that is unknown, has expired
// or does not hold enough is refused with kind Conflict; the transaction can go
// on. It reads and locks gift_cards, whose balance follows from the entries.
func HoldGiftCard(ctx context.Context, tx *txn.Tx, code string, cents int64, orderID string) error {
	g, err := lockGiftCard(ctx, tx, code)
	if err != nil {
		return err
	}
	h, err := giftCardHold(ctx, tx, code, orderID)
	switch {
	case err != nil:
		return err
	case h.Held:
		return nil
	case g.Expired(tx.Now):
		return fault.New(fault.Conflict, "the %s has expired", named(code))
	case g.BalanceCents < cents:
		return fault.New(fault.Conflict, "the %s does not hold that much any more", named(code)).With("balance_cents", g.BalanceCents)
	}
	return addGiftCardEntry(ctx, tx, code, "hold", -cents, orderID, "")
}

// SettleGiftCard spends cents of what is held on a card for an order, and gives
// the rest back to the card. Only the first settlement has an effect. More than
// is held, or a hold that was released, is refused with kind Conflict.
func SettleGiftCard(ctx context.Context, tx *txn.Tx, code string, cents int64, orderID string) error {
	if _, err := lockGiftCard(ctx, tx, code); err != nil {
		return err
	}
	h, err := giftCardHold(ctx, tx, code, orderID)
	switch {
	case err != nil:
		return err
	case h.Settled:
		return nil
	case h.Released || cents > h.HeldCents:
		return fault.New(fault.Conflict, "the %s does not hold that much for order %s", named(code), orderID)
	}
	return addGiftCardEntry(ctx, tx, code, "settle", h.HeldCents-cents, orderID, "")
}

// ReleaseGiftCard gives what is held on a card for an order back to it, once. A
// hold that was settled is refused with kind Conflict: that money is refunded.
func ReleaseGiftCard(ctx context.Context, tx *txn.Tx, code, orderID string) error {
	if _, err := lockGiftCard(ctx, tx, code); err != nil {
		return err
	}
	h, err := giftCardHold(ctx, tx, code, orderID)
	switch {
	case err != nil:
		return err
	case !h.Held || h.Released:
		return nil
	case h.Settled:
		return fault.New(fault.Conflict, "order %s has spent what it held on the %s", orderID, named(code))
	}
	return addGiftCardEntry(ctx, tx, code, "release", h.HeldCents, orderID, "")
}

// RefundGiftCard pays cents of what an order spent on a card back to it, also if
// the card has expired. reference names the refund: a second one of that name has
// no effect. More than was spent is refused with kind Conflict.
func RefundGiftCard(ctx context.Context, tx *txn.Tx, code string, cents int64, orderID, reference string) error {
	if _, err := lockGiftCard(ctx, tx, code); err != nil {
		return err
	}
	h, err := giftCardHold(ctx, tx, code, orderID)
	if err != nil {
		return err
	}
	var refunded bool
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (
			SELECT FROM gift_card_entries
			WHERE shop_id = current_shop() AND code = $1 AND kind = 'refund' AND reference = $2)`, code, reference).Scan(&refunded)
	switch {
	case err != nil:
		return fmt.Errorf("look up refund %s: %w", reference, err)
	case refunded:
		return nil
	case !h.Settled || cents > h.SpentCents:
		return fault.New(fault.Conflict, "order %s has not spent that much on the %s", orderID, named(code))
	}
	return addGiftCardEntry(ctx, tx, code, "refund", cents, orderID, reference)
}

// Mask returns the code of a gift card as it may be shown and logged: whoever
// knows the whole of it can spend it.
func Mask(code string) string {
	if len(code) < 12 {
		return "…" + code[max(0, len(code)-3):]
	}
	return code[:4] + "…" + code[len(code)-4:]
}

func lockGiftCard(ctx context.Context, tx *txn.Tx, code string) (GiftCard, error) {
	rows, err := tx.Query(ctx, `
		SELECT code, balance_cents, expires_at
		FROM gift_cards
		WHERE shop_id = current_shop() AND code = $1
		FOR UPDATE`, code)
	if err != nil {
		return GiftCard{}, fmt.Errorf("lock a gift card: %w", err)
	}
	g, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[GiftCard])
	if err == pgx.ErrNoRows {
		return g, fault.New(fault.Conflict, "there is no %s", named(code))
	}
	if err != nil {
		return g, fmt.Errorf("lock a gift card: %w", err)
	}
	return g, nil
}

// hold is what an order has done with a card.
type hold struct {
	Held      bool
	Settled   bool
	Released  bool
	HeldCents int64 // what was held at first
	// SpentCents is what is left of that after the end of the hold and refunds.
	SpentCents int64
}

// giftCardHold must follow lockGiftCard in a statement of its own: only then it
// sees what those did who held the lock before.
func giftCardHold(ctx context.Context, tx *txn.Tx, code, orderID string) (h hold, err error) {
	err = tx.QueryRow(ctx, `
		SELECT COALESCE(bool_or(kind = 'hold'), false), COALESCE(bool_or(kind = 'settle'), false), COALESCE(bool_or(kind = 'release'), false),
		       COALESCE(-sum(cents) FILTER (WHERE kind = 'hold'), 0)::bigint, COALESCE(-sum(cents), 0)::bigint
		FROM gift_card_entries
		WHERE shop_id = current_shop() AND code = $1 AND order_id = $2 AND kind <> 'issue'`, code, orderID).
		Scan(&h.Held, &h.Settled, &h.Released, &h.HeldCents, &h.SpentCents)
	if err != nil {
		return h, fmt.Errorf("look up what order %s holds on a gift card: %w", orderID, err)
	}
	return h, nil
}

func addGiftCardEntry(ctx context.Context, tx *txn.Tx, code, kind string, cents int64, orderID, reference string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO gift_card_entries (shop_id, code, kind, cents, order_id, reference, created_at)
		VALUES (current_shop(), $1, $2, $3, $4, $5, $6)`, code, kind, cents, orderID, reference, tx.Now)
	if err != nil {
		return fmt.Errorf("book the %s of a gift card: %w", kind, err)
	}
	return nil
}
