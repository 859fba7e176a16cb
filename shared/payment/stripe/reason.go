package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	stripe "github.com/stripe/stripe-go/v85"

	"github.com/rackless/rackless/shared/payment"
)

// statuses maps Stripe's codes, of declines by the bank and of errors, to the
// nearest payment status (Stripe's list of decline codes and of error codes;
// payments specification, §2). The bank's code is looked up first.
var statuses = table(map[string]string{
	"200": "card_declined generic_decline call_issuer do_not_honor do_not_try_again no_action_taken stop_payment_order revocation_of_authorization " +
		"revocation_of_all_authorizations card_velocity_exceeded withdrawal_count_limit_exceeded new_account_information_available invalid_account " +
		"testmode_decline authentication_required payment_intent_authentication_failure payment_intent_action_required " +
		"payment_intent_payment_attempt_failed payment_intent_payment_attempt_expired payment_method_provider_decline payment_method_customer_decline",
	"202": "approve_with_id",
	"203": "expired_card invalid_expiry_month invalid_expiry_year",
	"204": "insufficient_funds",
	"205": "incorrect_zip incorrect_address postal_code_invalid",
	"206": "fraudulent merchant_blacklist lost_card stolen_card pickup_card restricted_card security_violation card_decline_rate_limit_exceeded request_blocked",
	"207": "incorrect_cvc invalid_cvc",
	"208": "incorrect_number invalid_number payment_method_not_available payment_method_unexpected_state",
	"209": "incorrect_pin invalid_pin pin_try_exceeded offline_pin_required online_or_offline_pin_required",
	"250": "processing_error issuer_not_available reenter_transaction try_again_later",
	"251": "api_key_expired platform_api_key_expired secret_key_required livemode_mismatch tls_version_unsupported",
	"252": "card_not_supported currency_not_supported transaction_not_allowed service_not_allowed not_permitted payment_method_unactivated " +
		"payment_method_currency_mismatch",
	"253": "invalid_amount amount_too_small amount_too_large invalid_charge_amount parameter_unknown parameter_invalid_integer parameter_invalid_empty " +
		"parameters_exclusive url_invalid email_invalid resource_already_exists customer_max_payment_methods",
	"254": "parameter_missing",
	"255": "testmode_charges_only balance_insufficient",
	"256": "payment_intent_unexpected_state charge_already_captured charge_already_refunded charge_disputed charge_not_refundable " +
		"refund_disputed_payment intent_invalid_state",
	"261": "duplicate_transaction",
	"262": "charge_expired_for_capture capture_charge_authorization_expired",
})

func table(byStatus map[string]string) map[string]string {
	all := map[string]string{}
	for status, codes := range byStatus {
		for code := range strings.FieldsSeq(codes) {
			if all[code] != "" {
				panic("code " + code + " is listed twice")
			}
			all[code] = status
		}
	}
	return all
}

// declined makes an outcome of a refusal, or an error if it leaves the outcome
// open: no reply, 409 (the first attempt is still under way), 429, 5xx, and an
// idempotency key that was used for something else.
func declined(op payment.Operation, err error) (payment.Outcome, error) {
	e, ok := errors.AsType[*stripe.Error](err)
	if !ok {
		return payment.Outcome{}, plain(string(op.Kind), err)
	}
	code, words := string(e.DeclineCode), e.Msg
	if code == "" {
		code = string(e.Code)
	}
	o := payment.Outcome{State: payment.Declined, Status: statuses[code], Code: cut(code, 60), Detail: detail(words)}
	if o.Status == "" {
		o.Status = statuses[string(e.Code)]
	}
	if e.PaymentIntent != nil {
		o.Reference = e.PaymentIntent.ID
		if c := e.PaymentIntent.LatestCharge; c != nil {
			o.AuthCode, o.AVS, o.CVV = checks(c)
		}
	}
	if followsUp(op.Kind) {
		o.Reference = op.Reference
	}
	switch status := e.HTTPStatusCode; {
	case e.Type == stripe.ErrorTypeIdempotency, code == "lock_timeout", code == "idempotency_key_in_use", code == "rate_limit":
		return payment.Outcome{}, plain(string(op.Kind), err)
	case status == 0, status == http.StatusPaymentRequired: // 0: of an attempt in the past
		if o.Status == "" {
			o.Status = "200"
		}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		o.Status = "251"
	case status == http.StatusNotFound, e.Code == stripe.ErrorCodeResourceMissing:
		o.Status = "208"
		if followsUp(op.Kind) {
			o.Status = "256"
		}
	case status == http.StatusBadRequest:
		if o.Status == "" {
			o.Status = "253"
		}
	default:
		return payment.Outcome{}, plain(string(op.Kind), err)
	}
	o.Retryable = o.Status == "250"
	if o.Detail == "" {
		o.Detail = fmt.Sprintf("refused with %s", o.Code)
	}
	return o, nil
}
