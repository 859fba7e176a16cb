package ebay

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// shape says what an object may hold: a name and what its value must be. A name
// with ! is required.
type shape map[string]func(any) string

func text(most int) func(any) string {
	return func(v any) string {
		s, ok := v.(string)
		if !ok {
			return "must be a text"
		}
		if len([]rune(s)) > most {
			return fmt.Sprintf("must not exceed %d characters", most)
		}
		return ""
	}
}

func whole(v any) string {
	n, ok := v.(float64)
	if !ok || n != math.Trunc(n) || n < 0 {
		return "must be a whole number, zero or more"
	}
	return ""
}

func boolean(v any) string {
	if _, ok := v.(bool); !ok {
		return "must be true or false"
	}
	return ""
}

func one(of ...string) func(any) string {
	return func(v any) string {
		if s, ok := v.(string); !ok || !slices.Contains(of, s) {
			return "must be one of " + strings.Join(of, ", ")
		}
		return ""
	}
}

func list(most int, each func(any) string) func(any) string {
	return func(v any) string {
		all, ok := v.([]any)
		if !ok {
			return "must be a list"
		}
		if len(all) == 0 || len(all) > most {
			return fmt.Sprintf("must hold 1 to %d", most)
		}
		for _, x := range all {
			if why := each(x); why != "" {
				return why
			}
		}
		return ""
	}
}

func object(fields shape) func(any) string {
	return func(v any) string {
		o, ok := v.(map[string]any)
		if !ok {
			return "must be an object"
		}
		if name, why := fields.check(o); why != "" {
			return name + " " + why
		}
		return ""
	}
}

// check returns the first field that is not as it must be, and why.
func (fields shape) check(o map[string]any) (name, why string) {
	for field, value := range o {
		test, known := fields[field]
		if !known {
			test, known = fields[field+"!"]
		}
		if !known {
			return field, "is unknown"
		}
		if why := test(value); why != "" {
			return field, why
		}
	}
	for field := range fields {
		if name, required := strings.CutSuffix(field, "!"); required && o[name] == nil {
			return name, "is missing"
		}
	}
	return "", ""
}

var amountShape = regexp.MustCompile(`^\d{1,9}(\.\d{1,2})?$`)

func decimalText(v any) string {
	if s, ok := v.(string); !ok || !amountShape.MatchString(s) {
		return "must be an amount as a text"
	}
	return ""
}

var moneyShape = shape{"value!": decimalText, "currency!": one("USD", "GBP", "EUR", "CAD", "AUD", "CHF", "PLN", "HKD", "SGD", "MYR", "PHP", "TWD")}

// aspects are names with lists of values; a bare text is refused.
func aspects(v any) string {
	o, ok := v.(map[string]any)
	if !ok {
		return "must be an object"
	}
	for name, values := range o {
		if len([]rune(name)) > 40 {
			return "names must not exceed 40 characters"
		}
		if why := list(50, text(50))(values); why != "" {
			return name + " " + why
		}
	}
	return ""
}

func https(v any) string {
	if s, ok := v.(string); !ok || !strings.HasPrefix(s, "https://") {
		return "must be an https address"
	}
	return ""
}

var conditions = []string{
	"NEW", "NEW_OTHER", "NEW_WITH_DEFECTS", "CERTIFIED_REFURBISHED", "EXCELLENT_REFURBISHED", "VERY_GOOD_REFURBISHED", "GOOD_REFURBISHED",
	"SELLER_REFURBISHED", "LIKE_NEW", "USED_EXCELLENT", "USED_VERY_GOOD", "USED_GOOD", "USED_ACCEPTABLE", "FOR_PARTS_OR_NOT_WORKING",
}

var marketplaces = []string{
	"EBAY_US", "EBAY_MOTORS", "EBAY_CA", "EBAY_GB", "EBAY_AU", "EBAY_AT", "EBAY_BE", "EBAY_CH", "EBAY_DE", "EBAY_ES", "EBAY_FR", "EBAY_HK", "EBAY_IE",
	"EBAY_IT", "EBAY_MY", "EBAY_NL", "EBAY_PH", "EBAY_PL", "EBAY_SG", "EBAY_TW",
}

var (
	shipTo    = shape{"quantity!": whole, "availabilityDistributions": list(50, object(shape{"merchantLocationKey!": text(36), "quantity!": whole}))}
	itemShape = shape{
		"availability": object(shape{"shipToLocationAvailability": object(shipTo)}),
		"condition":    one(conditions...), "conditionDescription": text(1000),
		"packageWeightAndSize": object(shape{
			"dimensions": object(shape{"length!": whole, "width!": whole, "height!": whole, "unit!": one("INCH", "FEET", "CENTIMETER", "METER")}),
			"weight":     object(shape{"value!": whole, "unit!": one("POUND", "OUNCE", "KILOGRAM", "GRAM")}), "packageType": text(40),
		}),
		"product": object(shape{
			"title": text(80), "subtitle": text(55), "description": text(4000), "aspects": aspects, "brand": text(65), "mpn": text(65),
			"upc": list(10, text(14)), "ean": list(10, text(14)), "isbn": list(10, text(14)), "epid": text(20), "imageUrls": list(24, https),
		}),
	}
	groupShape = shape{
		"title": text(80), "subtitle": text(55), "description": text(500_000), "aspects": aspects, "imageUrls": list(24, https),
		"variantSKUs!": list(250, text(50)),
		"variesBy": object(shape{
			"specifications": list(5, object(shape{"name!": text(40), "values!": list(100, text(50))})), "aspectsImageVariesBy": list(1, text(40)),
		}),
	}
	offerFields = shape{
		"availableQuantity": whole, "categoryId": text(12), "secondaryCategoryId": text(12), "merchantLocationKey": text(36),
		"pricingSummary": object(shape{"price": object(moneyShape)}), "listingDescription": text(500_000), "listingDuration": one("GTC"),
		"listingPolicies": object(shape{
			"fulfillmentPolicyId": text(40), "paymentPolicyId": text(40), "returnPolicyId": text(40),
		}),
		"quantityLimitPerBuyer": whole, "lotSize": whole, "storeCategoryNames": list(2, text(128)), "includeCatalogProductDetails": boolean, "hideBuyerDetails": boolean,
		"tax": object(shape{"applyTax": boolean, "thirdPartyTaxCategory": text(40), "vatPercentage": whole}),
	}
)

func (fields shape) plus(more shape) shape {
	all := shape{}
	for name, test := range fields {
		all[name] = test
	}
	for name, test := range more {
		all[name] = test
	}
	return all
}

// refused makes the vendor's error of what check has found.
func refused(name, why string) *problem {
	if why == "" {
		return nil
	}
	id := 25709
	if strings.HasPrefix(why, "must be a") || strings.HasPrefix(why, "must be one") || strings.Contains(why, " must be a") || why == "is unknown" || strings.Contains(why, "is unknown") {
		id = 2004
	}
	return bad(id, "Invalid value for %s: it %s.", name, why).with("reason", name)
}

// at walks into an object; nil if something on the way is not there.
func at(o map[string]any, path ...string) any {
	var v any = o
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

func num(v any) int64 {
	n, _ := v.(float64)
	return int64(n)
}
