package status

import (
	"strings"

	"github.com/rackless/rackless/shared/perlnum"
)

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
