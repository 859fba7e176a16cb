package shop

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rackless/rackless/shared/cart/price"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/money"
	"github.com/rackless/rackless/shared/txn"
)

// ConfigureInput changes what a shop has configured: what is given replaces what
// was, what is absent stays.
type ConfigureInput struct {
	IfMatch     int64    `json:"-" header:"If-Match"` // the version that the caller knows
	Name        *string  `json:"name,omitempty"`
	Hosts       []string `json:"hosts,omitempty"`
	CORSOrigins []string `json:"cors_origins,omitempty"`
	Sections
	// GiftCards are issued, or changed if their code exists. Cards that are not
	// named stay as they are.
	GiftCards []GiftCardInput `json:"gift_cards,omitempty"`
}

// GiftCardInput is a gift card as it is to be.
type GiftCardInput struct {
	Code      string     `json:"code"`
	Balance   string     `json:"balance"`              // after this call, in the shop's currency
	ExpiresAt *time.Time `json:"expires_at,omitempty"` // absent: never
	Note      string     `json:"note,omitempty"`
}

// maxGiftCards bounds the cards of one call.
const maxGiftCards = 500

var giftCardShape = regexp.MustCompile(`^[0-9A-Z-]{8,32}$`)

// Validate refuses what no shop can have configured.
func (in ConfigureInput) Validate() error {
	var f fault.Fields
	if in.Name != nil {
		checkName(&f, *in.Name)
	}
	checkHosts(&f, in.Hosts)
	checkOrigins(&f, in.CORSOrigins)
	in.Sections.check(&f)
	if in.General != nil {
		f.Check(in.General.Currency != "", "/general/currency", "must be given")
	}
	f.Check(len(in.GiftCards) <= maxGiftCards, "/gift_cards", "must not be more than %d", maxGiftCards)
	seen := map[string]bool{}
	for i, g := range in.GiftCards {
		path := "/gift_cards/" + strconv.Itoa(i)
		f.Check(giftCardShape.MatchString(g.Code), path+"/code", "must have 8 to 32 digits, capitals or dashes")
		f.Check(!seen[g.Code], path+"/code", "is given twice")
		seen[g.Code] = true
		balance, err := money.ParseDecimal(g.Balance)
		f.Merge(path+"/balance", err)
		f.Check(!balance.IsNegative(), path+"/balance", "must not be negative")
		f.Check(len(g.Note) <= 200, path+"/note", "must not exceed 200 characters")
	}
	return f.Err()
}

// Configure changes the caller's shop and returns it. It refuses a stale version
// with kind Precondition, and with Conflict a host of another shop and another
// currency while there are gift cards, whose balances would change their worth.
func Configure(ctx context.Context, tx *txn.Tx, in ConfigureInput) (Shop, error) {
	var version int64
	var currency string
	err := tx.QueryRow(ctx, `
		SELECT version, currency
		FROM shops
		WHERE shop_id = current_shop()
		FOR UPDATE`).Scan(&version, &currency)
	if err == pgx.ErrNoRows {
		return Shop{}, fault.New(fault.NotFound, "there is no such shop")
	}
	if err != nil {
		return Shop{}, fmt.Errorf("lock the shop: %w", err)
	}
	if in.IfMatch != 0 && in.IfMatch != version {
		return Shop{}, fault.New(fault.Precondition, "the configuration has changed: it is at version %d", version)
	}
	if in.General != nil && in.General.Currency != currency {
		currency = in.General.Currency
		if err := refuseGiftCards(ctx, tx); err != nil {
			return Shop{}, err
		}
	}
	_, err = tx.Exec(ctx, `
		UPDATE shops
		SET name = COALESCE($1, name), currency = $2, cors_origins = COALESCE($3, cors_origins), version = version + 1, updated_at = $4
		WHERE shop_id = current_shop()`, in.Name, currency, in.CORSOrigins, tx.Now)
	if err != nil {
		return Shop{}, fmt.Errorf("update the shop: %w", err)
	}
	if in.Hosts != nil {
		if _, err := tx.Exec(ctx, `DELETE FROM shop_hosts WHERE shop_id = current_shop()`); err != nil {
			return Shop{}, fmt.Errorf("remove hosts: %w", err)
		}
		if err := addHosts(ctx, tx, in.Hosts); err != nil {
			return Shop{}, err
		}
	}
	if err := in.Sections.store(ctx, tx); err != nil {
		return Shop{}, err
	}
	var whole price.Config
	err = scanDocument(tx.QueryRow(ctx, `
		SELECT `+pricing+` || `+all+`
		FROM shops h
		LEFT JOIN shop_settings s USING (shop_id)
		WHERE h.shop_id = current_shop()`), &whole)
	if err == nil {
		err = whole.Validate() // sections that are good alone may not go together
	}
	if err != nil {
		return Shop{}, err
	}
	if err := issueGiftCards(ctx, tx, in.GiftCards, currency); err != nil {
		return Shop{}, err
	}
	return Get(ctx, tx, GetInput{})
}

// store replaces the sections that are present.
func (s Sections) store(ctx context.Context, tx *txn.Tx) error {
	general, err := singles(s.General)
	if err != nil {
		return err
	}
	handling, err := singles(s.Handling)
	if err != nil {
		return err
	}
	insurance, err := singles(s.Insurance)
	if err != nil {
		return err
	}
	vat, err := singles(s.VAT)
	if err != nil {
		return err
	}
	var batch pgx.Batch
	batch.Queue(`
		INSERT INTO shop_settings AS s (shop_id, general, handling, insurance, vat)
		VALUES (current_shop(), $1::jsonb - 'currency', $2, $3, $4)
		ON CONFLICT (shop_id) DO UPDATE
		SET general = COALESCE(EXCLUDED.general, s.general), handling = COALESCE(EXCLUDED.handling, s.handling),
		    insurance = COALESCE(EXCLUDED.insurance, s.insurance), vat = COALESCE(EXCLUDED.vat, s.vat)`,
		general, handling, insurance, vat)
	for _, l := range s.lists() {
		if l.absent {
			continue
		}
		if err := l.queue(&batch); err != nil {
			return err
		}
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("store the configuration: %w", err)
	}
	return nil
}

// singles encodes a section of single settings, nil if it is absent.
func singles[T any](section *T) ([]byte, error) {
	if section == nil {
		return nil, nil
	}
	document, err := json.Marshal(section)
	if err != nil {
		return nil, fmt.Errorf("encode a section: %w", err)
	}
	return document, nil
}

func refuseGiftCards(ctx context.Context, tx *txn.Tx) error {
	var exist bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM gift_cards WHERE shop_id = current_shop())`).Scan(&exist); err != nil {
		return fmt.Errorf("look for gift cards: %w", err)
	}
	if exist {
		return fault.New(fault.Conflict, "the currency cannot change while there are gift cards in it")
	}
	return nil
}

// issueGiftCards makes or changes cards. What their balance changes by is an
// entry of their ledger.
func issueGiftCards(ctx context.Context, tx *txn.Tx, cards []GiftCardInput, currency string) error {
	if len(cards) == 0 {
		return nil
	}
	var f fault.Fields
	var batch pgx.Batch
	entries := make([]int64, len(cards))
	order := make([]int, len(cards))
	for i, g := range cards {
		order[i] = i
		amount, err := money.Parse(g.Balance, currency)
		if err == nil {
			entries[i], err = amount.Minor()
		}
		if err != nil {
			f.Merge("/gift_cards/"+strconv.Itoa(i)+"/balance", err)
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(cards[a].Code, cards[b].Code) }) // locks are taken in order
	for _, i := range order {
		g := cards[i]
		batch.Queue(`
			INSERT INTO gift_cards (shop_id, code, expires_at, note, created_at, updated_at)
			VALUES (current_shop(), $1, $2, $3, $4, $4)
			ON CONFLICT (shop_id, code) DO UPDATE SET expires_at = EXCLUDED.expires_at, note = EXCLUDED.note, updated_at = EXCLUDED.updated_at
			`, g.Code, g.ExpiresAt, g.Note, tx.Now)
		batch.Queue(`
			INSERT INTO gift_card_entries (shop_id, code, kind, cents, created_at)
			SELECT shop_id, code, 'issue', $2 - balance_cents, $3
			FROM gift_cards
			WHERE shop_id = current_shop() AND code = $1 AND balance_cents <> $2`, g.Code, entries[i], tx.Now)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("issue gift cards: %w", err)
	}
	return nil
}
