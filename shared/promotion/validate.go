package promotion

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/fault"
	"github.com/rackless/rackless/shared/perlnum"
)

const (
	maxRules  = 200
	maxFilter = 4000
	maxText   = 120
)

// matches are the conditions. IGNORE never holds: merchants switch rules off
// with it.
var matches = strings.Fields(`IGNORE IS_TRUE TRUE NOTHING_IN_FILTER SOME_IN_FILTER TWO_IN_FILTER THREE_IN_FILTER
	ALL_IN_FILTER ALL_NOT_PRESENT FILTER_IS_SUBSTRING CRAZY_FILTER POGMATCH STIDMATCH/GT STIDMATCH/EQ STIDMATCH/LT
	STIDTOTAL/GT STIDTOTAL/EQ STIDTOTAL/LT HAS_CLAIM SUBSTRING_MATCH SUBTOTAL/GT SUBTOTAL/LT TRUE_SUBTOTAL/GT
	TRUE_SUBTOTAL/LT WEIGHT/GT WEIGHT/LT SHIPPING/GT SHIPPING/LT COUPON/ANY STATE_MATCH COUNTRYCODE_MATCH
	COUNTRY_MATCH SCHEDULE_MATCH IPADDR_MATCH IS_POBOX HAS_DOM_ADDRESS META/EXACT META/FUZZY MULTIVARSITE/A
	MULTIVARSITE/B SANDBOX/YES SANDBOX/NO DATE/GT DATE/LT DAY_OF_WEEK TIME_PAST`)

var (
	shippingActions = strings.Fields(`STOP SHIP/DISABLE SHIP/ADD-VALUE SHIP/SET-VALUE SHIP/ADD-VALUE-MATCH-ITEM
		SHIP/ADD-VALUE-MATCH-SKU SHIP/ADD-VALUE-COUNT-ITEM SHIP/ADD-VALUE-COUNT-ITEM-MINUS-ONE SHIP/ADD-PERCENT-MATCH
		SHIP/ADD-PERCENT-SUBTOTAL`)
	couponActions = strings.Fields(`GOGO STOP DISABLE REMOVE SET ADD*ONE ADD*MATCHITEM ADD*MATCHITEMS ADD*MATCHSKU
		ADD*MATCHLINES ADD*ALLSKU ADD*ALLITEMS ADD*EFFECTIVESUBTOTAL SETQTY*MATCHSKU SETQTY*MATCHITEM SETQTY*MATCHITEM2
		SETQTY*ALLSKU SETQTY*ALLITEMS`)
	listID     = regexp.MustCompile(`^(SHIP|COUPON)-\S.{0,59}$`)
	couponCode = regexp.MustCompile(`^[A-Z0-9][A-Z0-9_-]{0,29}$`)
)

// Validate refuses a list with a rule that cannot be understood.
func (l RuleList) Validate() error {
	var f fault.Fields
	f.Check(listID.MatchString(l.ID), "/id", "must be SHIP-<method> or COUPON-<code>")
	f.Check(len(l.Rules) <= maxRules, "/rules", "must not be more than %d", maxRules)
	for i := range l.Rules {
		f.Merge(fmt.Sprintf("/rules/%d", i), l.Rules[i].validate(strings.HasPrefix(l.ID, "COUPON-")))
	}
	return f.Err()
}

func (r *Rule) validate(coupon bool) error {
	var f fault.Fields
	f.Check(slices.Contains(matches, r.Match), "/match", "is no condition that is known")
	if coupon {
		f.Check(slices.Contains(couponActions, r.Exec) || dividedItems.MatchString(r.Exec) || knownSeries(r.Exec),
			"/exec", "is no action of a coupon")
	} else {
		f.Check(slices.Contains(shippingActions, r.Exec), "/exec", "is no action on a shipping method")
	}
	f.Merge("/value", perlnum.CheckModifier(r.Value))
	f.Check(len(r.Name) <= maxText, "/name", "must not exceed %d characters", maxText)
	f.Check(len(r.Filter) <= maxFilter, "/filter", "must not exceed %d characters", maxFilter)
	f.Check(len(r.MatchValue) <= maxText, "/match_value", "must not exceed %d characters", maxText)
	if _, err := Compile(*r); err != nil {
		f.Add("/filter", "cannot be read: %v", err)
	}
	return f.Err()
}

func knownSeries(exec string) bool {
	style, ok := strings.CutPrefix(exec, "MATCHADD*")
	return ok && picks[style] != nil
}

// Validate refuses a coupon that cannot be.
func (c Coupon) Validate() error {
	var f fault.Fields
	f.Check(couponCode.MatchString(c.Code), "/code", "must be 1 to 30 capitals, digits, _ and -")
	f.Check(len(c.Title) <= maxText, "/title", "must not exceed %d characters", maxText)
	f.Check(c.Begins >= 0, "/begins", "must be Unix seconds, or 0")
	f.Check(c.Expires == 0 || c.Expires >= c.Begins, "/expires", "must not be before it begins")
	return f.Err()
}
