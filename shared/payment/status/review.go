package status

import (
	"regexp"
	"strings"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/perlnum"
)

// Policy is what a shop makes of what the buyer's bank says, and of the payment
// itself, beyond what the gateway does by its own filters. The zero Policy lets
// everything pass that the gateway approves.
//
// AVS and CVV are lists such as A=AAV|P=RAP|D=DAV|X=RAV: of each grade that a
// result has (payments specification, §7.1) the review code that follows. One that
// begins with R or E has the payment wait for staff, one with D has it declined.
// Where results disagree, the most severe counts.
type Policy struct {
	AVS string `json:"avs,omitempty"` // grades A: street and postal code match, P: one of them, D: none, X: not known
	CVV string `json:"cvv,omitempty"` // grades A: nothing was asked, D: wrong or absent, X: not known; a match has none
	// HoldAboveCents has payments of more than that wait for staff, in the currency's
	// smallest unit; 0: none.
	HoldAboveCents int64 `json:"hold_above_cents,omitempty"`
	// DeclinesPerHour is how many declined payments from one address of the network
	// are borne within an hour before the gateway is not asked any more, so that
	// nobody tries out stolen cards in the shop; 0: any number.
	DeclinesPerHour int `json:"declines_per_hour,omitempty"`
}

var policyShape = regexp.MustCompile(`^([APDX]=[ADERX][A-Z]{2}(\|[APDX]=[ADERX][A-Z]{2})*)?$`)

// Validate refuses what says nothing.
func (p Policy) Validate() error {
	var f fault.Fields
	for at, list := range map[string]string{"/avs": p.AVS, "/cvv": p.CVV} {
		f.Check(len(list) <= 60 && policyShape.MatchString(list), at, "must give grades review codes, such as A=AAV|P=RAP|D=DAV|X=RAV")
	}
	f.Check(p.HoldAboveCents >= 0, "/hold_above_cents", "must not be negative")
	f.Check(p.DeclinesPerHour >= 0, "/declines_per_hour", "must not be negative")
	return f.Err()
}

// The grades of what a bank says, by the letters that Authorize.Net gives it
// (payments specification, §7.1): of an AVS result and of a card code's. What is
// not listed is not known, X, and what has an empty grade is not graded.
var (
	gradesOfAVS = map[string]string{"": "", "X": "A", "Y": "A", "A": "P", "W": "P", "Z": "P", "N": "D", "S": "", "E": "", "P": ""}
	gradesOfCVV = map[string]string{"": "A", "M": "", "N": "D", "S": "D"}
)

// approved is the review code that an order begins with.
const approved = "AOK"

// suspect is the code of what somebody should look at for no special reason.
const suspect = "RIS"

// Judge returns the review code of an approved payment: A… goes on, R… and E… wait
// for staff, D… is declined.
func (p Policy) Judge(avs, cvv string, cents int64) string {
	code := approved
	check := func(grades map[string]string, letter, policy string) {
		grade, known := grades[letter]
		if !known {
			grade = "X"
		}
		if grade != "" && policy != "" {
			code = Review(0, code, grade, policy)
		}
	}
	check(gradesOfAVS, avs, p.AVS)
	check(gradesOfCVV, cvv, p.CVV)
	if p.HoldAboveCents > 0 && cents > p.HoldAboveCents && severity[class(code)] < severity['R'] {
		code = suspect
	}
	return code
}

// Review codes for what a policy does not know.
const unknownReview = "XYY"

// severity orders the classes of review codes: approved, review, escalated,
// denied; those without an answer are the least.
var severity = map[byte]int{'X': 0, 'A': 1, 'R': 2, 'E': 3, 'D': 4}

// Review looks a grade up in a policy (A=AAV|P=RAP…) and merges the result into
// the current review code of an order (payments specification, §7.1). The most
// severe one stays; with LatestReview a milder one may replace an escalation
// or a denial.
func Review(q perlnum.Quirk, current, grade, policy string) string {
	next := unknownReview
	for entry := range strings.SplitSeq(policy, "|") {
		if key, code, ok := strings.Cut(entry, "="); ok && key == grade && code != "" {
			next = code
		}
	}
	old := class(current)
	if current == unknownReview || severity[old] == 0 && old != 'A' {
		return next
	}
	if !q.Has(perlnum.LatestReview) {
		if severity[class(next)] < severity[old] {
			return current
		}
		return next
	}
	keep := byte('X')
	switch old {
	case 'R':
		return next
	case 'E', 'D':
		keep = 'D'
	}
	if class(next) == keep {
		return current
	}
	return next
}
