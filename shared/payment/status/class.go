package status

import "slices"

// words name the classes of a payment status.
var words = map[byte]string{
	paid: "PAID", authorised: "PENDING", denied: "DENIED", returned: "CANCELLED", review: "REVIEW",
	processing: "PROCESSING", void: "VOIDED", failed: "ERROR",
}

// awaitingPayment is the one status with a word of its own.
const awaitingPayment = "195"

// Word is the short word for a payment status; "" if its class has none.
func Word(status string) string {
	if status == awaitingPayment {
		return "PAYMENT REQUIRED"
	}
	return words[class(status)]
}

// IsPaid reports whether money came in and no review is open.
func IsPaid(status string) bool { return class(status) == paid }

// IsPending reports whether money is promised.
func IsPending(status string) bool { return class(status) == authorised }

// IsDenied reports whether the payment was refused.
func IsDenied(status string) bool { return class(status) == denied }

// IsReturned reports whether money went back.
func IsReturned(status string) bool { return class(status) == returned }

// IsReview reports whether money came in that somebody has to look at.
func IsReview(status string) bool { return class(status) == review }

// IsProcessing reports whether the outcome is not known yet.
func IsProcessing(status string) bool { return class(status) == processing }

// IsVoided reports whether the payment was taken back before it was settled.
func IsVoided(status string) bool { return class(status) == void }

// IsError reports whether something went wrong that nobody refused.
func IsError(status string) bool { return class(status) == failed }

// In reports whether the class of a status is in a set of classes. The class
// of no status is "".
func In(status string, set []string) bool {
	return slices.Contains(set, status[:min(1, len(status))])
}
