package authorizenet

import "slices"

// The response codes of a transaction.
const (
	approved = 1
	declined = 2
	failed   = 3
	held     = 4
)

// responseCodeOf returns the response code that a reason code comes with.
// Codes that are not listed are errors.
func responseCodeOf(reason int) int {
	switch {
	case slices.Contains([]int{1, 307, 310, 311, 2003}, reason):
		return approved
	case reason >= 200 && reason <= 224,
		slices.Contains([]int{2, 3, 4, 27, 41, 44, 45, 65, 127, 128, 141, 145, 165, 191, 250, 251, 254, 315, 316, 317, 318, 319, 2102}, reason):
		return declined
	case reason >= 104 && reason <= 110,
		slices.Contains([]int{193, 229, 252, 253, 295, 2000}, reason):
		return held
	}
	return failed
}

// reasons are the texts of the reason codes that the simulator gives by itself,
// in its own words: a client must not read them.
var reasons = map[int]string{
	1:   "This transaction has been approved.",
	2:   "This transaction has been declined.",
	5:   "A valid amount is required.",
	6:   "The card number is invalid.",
	7:   "The expiration date is invalid.",
	8:   "The card has expired.",
	9:   "The bank routing number is invalid.",
	10:  "The bank account number is invalid.",
	11:  "A duplicate transaction has been submitted.",
	12:  "An authorization code is required.",
	15:  "The transaction ID is invalid.",
	16:  "The transaction cannot be found.",
	17:  "The card type is not accepted.",
	27:  "Declined: the address does not match.",
	33:  "A required field is missing.",
	39:  "The currency is not supported.",
	45:  "Declined: neither address nor card code match.",
	47:  "The capture exceeds the authorized amount.",
	49:  "The amount is above the maximum.",
	53:  "The transaction type is not valid for eCheck.",
	54:  "The referenced transaction cannot be refunded.",
	55:  "The refunds would exceed the original amount.",
	64:  "The referenced transaction was not approved.",
	65:  "Declined: the card code does not match.",
	69:  "The transaction type is invalid.",
	153: "The payment data cannot be used.",
	252: "Accepted, and held for review before authorization.",
	253: "Authorized, and held for review.",
	254: "Declined after review.",
	271: "There are more than 30 line items.",
	289: "The card type does not take an authorization of zero.",
	295: "Partly approved: more payment is needed.",
	296: "The split tender ID is invalid.",
	297: "A transaction ID and a split tender ID exclude each other.",
	298: "The split tender group is closed.",
	310: "This transaction has already been voided.",
	311: "This transaction has already been captured.",
	327: "The transaction cannot be voided.",
}

func reasonText(reason int) string {
	if text, ok := reasons[reason]; ok {
		return text
	}
	return "See the reason code."
}

// An apiError is a request that no transaction came of.
type apiError struct{ code, text string }

func (e *apiError) Error() string { return e.code + ": " + e.text }

func refuse(code, text string) error { return &apiError{code, text} }

var (
	errNotFound  = refuse("E00040", "The record cannot be found.")
	errNoAccess  = refuse("E00011", "Access denied. You do not have permissions to call the method.")
	errSignature = refuse("E00007", "User authentication failed due to invalid authentication values.")
)
