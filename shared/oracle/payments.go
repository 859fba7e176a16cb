package oracle

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/rackless/rackless/shared/payment/card"
	"github.com/rackless/rackless/shared/payment/status"
	"github.com/rackless/rackless/shared/perlnum"
)

type paymentInput struct {
	Fn      string            `json:"fn"`
	PS      string            `json:"ps"`
	Set     []string          `json:"set"`
	Number  string            `json:"number"`
	CVV     *string           `json:"cvv"`
	Month   scalar            `json:"month"`
	Year    scalar            `json:"year"`
	Text    string            `json:"text"`
	Fields  map[string]string `json:"fields"`
	Current string            `json:"current"`
	Match   string            `json:"match"`
	Policy  string            `json:"policy"`
	Tender  string            `json:"tender"`
	Amount  scalar            `json:"amount"`
	Mask    string            `json:"card_mask"`
	Fees    string            `json:"fee_config"`
	Code    string            `json:"code"`
}

func runPayments(a *perlnum.Arith, input json.RawMessage, now time.Time) (any, error) {
	var in paymentInput
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	switch in.Fn {
	case "payment_status":
		return statusClasses(in.PS), nil
	case "ps_in_set":
		return answers{"match": status.In(in.PS, in.Set)}, nil
	case "card_checks":
		return answers{
			"luhn_ok": card.Luhn(a.Quirks, in.Number), "length_ok": card.LengthOK(in.Number), "type": card.BrandOf(in.Number),
			"hidden": card.Hidden(in.Number), "masked": card.Masked(in.Number),
		}, nil
	case "cvv_check":
		cvv := ""
		if in.CVV != nil {
			cvv = *in.CVV
		}
		return answers{"ok": card.CVVOK(in.Number, cvv)}, nil
	case "expiration_check":
		return answers{"ok": card.Current(a.Quirks, string(in.Month), string(in.Year), now)}, nil
	case "verify_card":
		return answers{"error": card.Verify(a.Quirks, in.Number, string(in.Month), string(in.Year), in.CVV, now)}, nil
	case "unpack_account":
		return answers{"fields": card.Unpack(in.Text)}, nil
	case "pack_account":
		return answers{"fields_after_roundtrip": card.Unpack(card.Pack(in.Fields))}, nil
	case "review_merge":
		return answers{"result": status.Review(a.Quirks, in.Current, in.Match, in.Policy)}, nil
	case "giftcard_code":
		return answers{
			"check_result": card.CheckCode(in.Code), "grouped": card.Grouped(in.Code),
			"masked": card.MaskedCode(in.Code), "masked_short": card.ShortCode(in.Code),
		}, nil
	case "payment_fees":
		return cardFees(a, &in)
	}
	return nil, fmt.Errorf("unknown function %q", in.Fn)
}

func statusClasses(ps string) answers {
	return answers{
		"short": status.Word(ps), "is_paid": status.IsPaid(ps), "is_pending": status.IsPending(ps),
		"is_denied": status.IsDenied(ps), "is_returned": status.IsReturned(ps), "is_review": status.IsReview(ps),
		"is_processing": status.IsProcessing(ps), "is_voided": status.IsVoided(ps), "is_error": status.IsError(ps),
		"is_paid_or_review": status.IsPaid(ps) || status.IsReview(ps),
	}
}

// cardFees answers payment_fees: only cards have processing fees.
func cardFees(a *perlnum.Arith, in *paymentInput) (any, error) {
	config, err := url.ParseQuery(in.Fees)
	if err != nil {
		return nil, err
	}
	rows := []answers{}
	if in.Tender != "CREDIT" {
		return answers{"fees": rows}, nil
	}
	configured := make(map[string]string, len(config))
	for key := range config {
		configured[key] = config.Get(key)
	}
	for _, fee := range card.ProcessingFees(a, a.Parse(string(in.Amount)), in.Mask, configured) {
		rows = append(rows, answers{"type": fee.Type, "amount": fee.Amount.Fixed(2)})
	}
	return answers{"fees": rows}, nil
}
