package ebay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rackless/rackless/shared/ebay/client"
	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/txn"
)

// Endpoint is the address to which eBay sends notices, and the token with which it
// was registered there.
type Endpoint struct {
	URL   string `envconfig:"EBAY_NOTICE_URL"`
	Token string `envconfig:"EBAY_NOTICE_TOKEN" json:"-"`
}

// ChallengeInput asks whether the endpoint is ours.
type ChallengeInput struct {
	Code string `json:"-" query:"challenge_code"`
}

// Validate refuses what eBay does not send.
func (in ChallengeInput) Validate() error {
	var f fault.Fields
	f.Check(in.Code != "" && len(in.Code) <= 200, "/challenge_code", "must have 1 to 200 characters")
	return f.Err()
}

// Challenged is the answer that shows that it is.
type Challenged struct {
	Response string `json:"challengeResponse"`
}

// Challenge answers eBay's question before it sends notices to an address.
func (e Endpoint) Challenge(_ context.Context, _ *txn.Tx, in ChallengeInput) (Challenged, error) {
	if e.URL == "" || e.Token == "" {
		return Challenged{}, fault.New(fault.Unavailable, "no endpoint is registered at eBay: set EBAY_NOTICE_URL and EBAY_NOTICE_TOKEN")
	}
	return Challenged{client.Challenge(in.Code, e.Token, e.URL)}, nil
}

// NoticeInput is a notice of eBay, signed over its exact body.
type NoticeInput struct {
	Signature string `json:"-" header:"X-EBAY-SIGNATURE"`
	Body      []byte `json:"-" body:"raw"`
}

// Validate refuses what is not signed.
func (in NoticeInput) Validate() error {
	var f fault.Fields
	f.Check(in.Signature != "" && len(in.Signature) <= 4000, "/X-EBAY-SIGNATURE", "is missing")
	return f.Err()
}

// Noticed is the reply to a notice.
type Noticed struct {
	ID string `json:"id"`
}

// notice is what a notice says that we use.
type notice struct {
	Metadata struct {
		Topic string `json:"topic"`
	} `json:"metadata"`
	Notification struct {
		ID   string `json:"notificationId"`
		Data struct {
			Username string `json:"username"`
		} `json:"data"`
	} `json:"notification"`
}

// Receive acts on a notice once its signature is checked: a buyer who has left
// eBay is forgotten in every shop; whatever tells of orders makes the accounts of
// the shop read them. It is only a hint: what it says is not believed, and
// polling finds what no notice tells. eBay's public key is asked for once an hour.
func (e *Ebay) Receive(ctx context.Context, tx *txn.Tx, in NoticeInput) (Noticed, error) {
	if err := client.Verify(ctx, in.Signature, in.Body, e.App.PublicKey); err != nil {
		if failed, ok := errors.AsType[*client.Error](err); ok && failed.Class == client.Retry {
			return Noticed{}, fault.From(fault.Unavailable, err, "eBay's key cannot be had now")
		}
		return Noticed{}, fault.From(fault.Precondition, err, "the signature is not eBay's")
	}
	var n notice
	if json.Unmarshal(in.Body, &n) != nil || n.Notification.ID == "" || len(n.Notification.ID) > 200 {
		return Noticed{}, fault.New(fault.Invalid, "the notice cannot be read")
	}
	out := Noticed{n.Notification.ID}
	tag, err := tx.Exec(ctx, `
		INSERT INTO gateway_notices (shop_id, gateway, notice_id, kind, body, received_at)
		VALUES (current_shop(), 'ebay', $1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, n.Notification.ID, cut(n.Metadata.Topic, 100), n.kept(in.Body), tx.Now)
	if err != nil {
		return out, fmt.Errorf("keep a notice of eBay: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return out, nil
	}
	topic := n.Metadata.Topic
	switch {
	case topic == "MARKETPLACE_ACCOUNT_DELETION":
		if _, err := tx.Exec(ctx, `SELECT erase_ebay_buyer($1, $2)`, n.Notification.Data.Username, tx.Now); err != nil {
			return out, fmt.Errorf("forget a buyer of eBay: %w", err)
		}
	case strings.HasPrefix(topic, "ORDER_"), strings.HasPrefix(topic, "ITEM_"), topic == "AUTHORIZATION_REVOCATION":
		all, err := accounts(ctx, tx, `AND state = 'connected' ORDER BY account_id`)
		if err != nil {
			return out, err
		}
		for _, a := range all {
			if err := request(ctx, tx, a.ID, Import, tx.Now); err != nil { // a revoked consent shows by it
				return out, err
			}
		}
	}
	return out, nil
}

// kept is what is kept of a notice: all of it, but nothing of a person to be
// forgotten.
func (n notice) kept(body []byte) []byte {
	if n.Metadata.Topic == "MARKETPLACE_ACCOUNT_DELETION" {
		return []byte("{}")
	}
	return body
}
