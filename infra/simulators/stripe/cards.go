package stripe

import (
	"strconv"
	"strings"
	"time"
)

// When a card wants the buyer to be authenticated (3-D Secure).
const (
	always         = "always"
	unlessSetUp    = "unless_set_up"  // not if it was set up for use off session
	onSession      = "on_session"     // not off session: it counts as set up
	ifAsked        = "if_asked"       // only if the request asks for it
	ifAskedBroken  = "if_asked_error" // as ifAsked, but the authentication cannot be done
	alwaysBroken   = "always_error"
	checkPass      = "pass"
	checkFail      = "fail"
	checkUnknown   = "unavailable"
	disputeInquiry = "inquiry"
	fraudWarning   = "early_fraud_warning"
)

// A trigger is a test card: its number, the name of its payment method after
// pm_card_, and what happens with it.
type trigger struct {
	number, name string
	// code and decline are the error code and the decline code with which it
	// is declined.
	code, decline string
	// needsCVC is that it is declined only if a CVC was sent.
	needsCVC bool
	// attaches is that it can be kept although it is declined.
	attaches         bool
	secure           string
	cvc, zip, line1  string // results of the checks, "pass" if ""
	risk             string // "normal" if ""
	blocked          bool
	dispute          string
	disputes         int
	refund           string // "pending" or "failed": what becomes of a refund
	country, funding string // "US" and "credit" if ""
}

const declined = "card_declined"

// triggers are the vendor's test cards.
var triggers = []trigger{
	{number: "4242424242424242", name: "visa"},
	{number: "4000056655665556", name: "visa_debit", funding: "debit"},
	{number: "5555555555554444", name: "mastercard"},
	{number: "2223003122003222", name: "mastercard_2series"},
	{number: "5200828282828210", name: "mastercard_debit", funding: "debit"},
	{number: "5105105105105100", name: "mastercard_prepaid", funding: "prepaid"},
	{number: "378282246310005", name: "amex"},
	{number: "371449635398431", name: "amex_2"},
	{number: "6011111111111117", name: "discover"},
	{number: "6011000990139424", name: "discover_2"},
	{number: "3056930009020004", name: "diners"},
	{number: "36227206271667", name: "diners_14digits"},
	{number: "3566002020360505", name: "jcb"},
	{number: "6200000000000005", name: "unionpay"},

	{number: "4000000000000002", name: "visa_chargeDeclined", code: declined, decline: "generic_decline"},
	{number: "4000000000009995", name: "visa_chargeDeclinedInsufficientFunds", code: declined, decline: "insufficient_funds"},
	{number: "4000000000009987", name: "visa_chargeDeclinedLostCard", code: declined, decline: "lost_card"},
	{number: "4000000000009979", name: "visa_chargeDeclinedStolenCard", code: declined, decline: "stolen_card"},
	{number: "4000000000000069", name: "chargeDeclinedExpiredCard", code: "expired_card", decline: "expired_card"},
	{number: "4000000000000127", name: "chargeDeclinedIncorrectCvc", code: "incorrect_cvc", decline: "incorrect_cvc", needsCVC: true, cvc: checkFail},
	{number: "4000000000000119", name: "chargeDeclinedProcessingError", code: "processing_error", decline: "processing_error"},
	{number: "4000000000006975", name: "visa_chargeDeclinedVelocityLimitExceeded", code: declined, decline: "card_velocity_exceeded"},
	{number: "4000000000000341", name: "chargeCustomerFail", code: declined, decline: "generic_decline", attaches: true},

	{number: "4100000000000019", name: "radarBlock", code: declined, decline: "fraudulent", blocked: true, risk: "highest"},
	{number: "4000000000004954", name: "riskLevelHighest", risk: "highest"},
	{number: "4000000000009235", name: "riskLevelElevated", risk: "elevated"},
	{number: "4000000000000101", name: "cvcCheckFail", cvc: checkFail},
	{number: "4000000000000036", name: "avsZipFail", zip: checkFail},
	{number: "4000000000000028", name: "avsLine1Fail", line1: checkFail},
	{number: "4000000000000010", name: "avsFail", zip: checkFail, line1: checkFail},
	{number: "4000000000000044", name: "avsUnchecked", zip: checkUnknown, line1: checkUnknown},

	{number: "4000002500003155", name: "authenticationRequiredOnSetup", secure: unlessSetUp},
	{number: "4000002760003184", name: "authenticationRequired", secure: always},
	{number: "4000003800000446", name: "authenticationRequiredSetupForOffSession", secure: onSession},
	{number: "4000008260003178", name: "authenticationRequiredChargeDeclinedInsufficientFunds", secure: always, code: declined, decline: "insufficient_funds", attaches: true},
	{number: "4000000000003220", name: "threeDSecure2Required", secure: always},
	{number: "4000008400001629", name: "threeDSecureRequiredChargeDeclined", secure: always, code: declined, decline: "generic_decline", attaches: true},
	{number: "4000008400001280", name: "threeDSecureRequiredProcessingError", secure: alwaysBroken, code: declined, decline: "processing_error", attaches: true},
	{number: "4000000000003055", name: "threeDSecureOptional", secure: ifAsked},
	{number: "4000000000003097", name: "threeDSecureOptionalProcessingError", secure: ifAskedBroken},

	{number: "4000000000000259", name: "createDispute", dispute: "fraudulent", disputes: 1},
	{number: "4000000000002685", name: "createDisputeProductNotReceived", dispute: "product_not_received", disputes: 1},
	{number: "4000000000001976", name: "createDisputeInquiry", dispute: disputeInquiry, disputes: 1},
	{number: "4000000000005423", name: "createIssuerFraudRecord", dispute: fraudWarning, disputes: 1},
	{number: "4000000404000079", name: "createMultipleDisputes", dispute: "fraudulent", disputes: 2},
	{number: "4000000000007726", name: "pendingRefund", refund: "pending"},
	{number: "4000000000005126", name: "refundFail", refund: "failed"},
	{number: "4000000000000077", name: "bypassPending"},
	{number: "4000003720000278", name: "bypassPendingInternational", country: "IE"},

	{number: "4000001240000000", name: "ca", country: "CA"},
	{number: "4000008260000000", name: "gb", country: "GB"},
	{number: "4000002760000016", name: "de", country: "DE"},
	{number: "4000002500000003", name: "fr", country: "FR"},
	{number: "4000000360000006", name: "au", country: "AU"},
	{number: "4000003920000003", name: "jp", country: "JP"},
}

// aliases are older names of payment methods.
var aliases = map[string]string{
	"chargeDeclined":                  "visa_chargeDeclined",
	"chargeDeclinedInsufficientFunds": "visa_chargeDeclinedInsufficientFunds",
	"chargeDeclinedLostCard":          "visa_chargeDeclinedLostCard",
	"chargeDeclinedStolenCard":        "visa_chargeDeclinedStolenCard",
}

// byName finds a test card by the name of its payment method or token.
func byName(id string) (trigger, bool) {
	name, ok := strings.CutPrefix(id, "pm_card_")
	if !ok {
		if name, ok = strings.CutPrefix(id, "tok_"); !ok {
			return trigger{}, false
		}
	}
	if a := aliases[name]; a != "" {
		name = a
	}
	for _, t := range triggers {
		if t.name == name {
			return t, true
		}
	}
	return trigger{}, false
}

// byNumber finds a test card by its number.
func byNumber(number string) (trigger, bool) {
	for _, t := range triggers {
		if t.number == number {
			return t, true
		}
	}
	return trigger{}, false
}

// brand is the vendor's name of the card's brand.
func brand(number string) string {
	for _, b := range []struct{ prefixes, name string }{
		{"34 37", "amex"}, {"35", "jcb"}, {"30 36", "diners"}, {"60", "discover"}, {"62", "unionpay"}, {"4", "visa"}, {"5 2", "mastercard"},
	} {
		for prefix := range strings.FieldsSeq(b.prefixes) {
			if strings.HasPrefix(number, prefix) {
				return b.name
			}
		}
	}
	return "unknown"
}

// luhn reports whether the check digit of a card number is right.
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i]) - '0'
		if d < 0 || d > 9 {
			return false
		}
		if i%2 == 1 {
			d *= 2
			d = d/10 + d%10
		}
		sum += d
	}
	return len(number) >= 13 && len(number) <= 19 && sum%10 == 0
}

// checkCard checks what a buyer typed in.
func checkCard(f *form, now time.Time) (trigger, *apiError) {
	number := strings.NewReplacer(" ", "", "-", "").Replace(f.get("number"))
	month, year := f.integer("exp_month"), f.integer("exp_year")
	if year >= 0 && year < 100 {
		year += 2000
	}
	cvc := 3
	if brand(number) == "amex" {
		cvc = 4
	}
	fail := func(code, param, message string) (trigger, *apiError) {
		err := cardError(code, "", message)
		err.param = param
		return trigger{}, err
	}
	switch {
	case !luhn(number):
		return fail("incorrect_number", "number", "Your card number is incorrect.")
	case month < 1 || month > 12:
		return fail("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid.")
	case year > int64(now.Year())+50,
		year < int64(now.Year()),
		year == int64(now.Year()) && month < int64(now.Month()):
		return fail("invalid_expiry_year", "exp_year", "Your card's expiration year is invalid.")
	case f.has("cvc") && (len(f.get("cvc")) != cvc || !digits(f.get("cvc"))):
		return fail("invalid_cvc", "cvc", "Your card's security code is invalid.")
	}
	t, ok := byNumber(number)
	if !ok {
		return fail("card_declined", "", "Your card was declined. Your request was in test mode, but used a non test card.")
	}
	return t, nil
}

func digits(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}
