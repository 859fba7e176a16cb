package card

import "github.com/rackless/rackless/shared/perlnum"

// Fee is what the processor of a card charges the shop.
type Fee struct {
	Type   string
	Amount perlnum.Num
}

// fees are read from the shop's configuration by name: a fixed fee for each
// transaction, and a percentage of the amount.
const (
	perTransaction = "_TRANSFEE"
	discountRate   = "_DISCRATE"
)

var brandOfDigit = map[byte]Brand{'3': AMEX, '4': VISA, '5': MC, '6': NOVUS}

// ProcessingFees are the fees for paying amount by a card with this mask. A
// fee that is configured is listed even if it is zero.
func ProcessingFees(a *perlnum.Arith, amount perlnum.Num, mask string, configured map[string]string) []Fee {
	prefixes := []string{"CC"}
	if mask != "" && brandOfDigit[mask[0]] != "" {
		prefixes = append(prefixes, string(brandOfDigit[mask[0]]))
	}
	fees := []Fee{}
	for _, prefix := range prefixes {
		if text, ok := configured[prefix+perTransaction]; ok {
			fees = append(fees, Fee{prefix + perTransaction, a.Parse(text).Round()})
		}
		if text, ok := configured[prefix+discountRate]; ok {
			fees = append(fees, Fee{prefix + discountRate, amount.Mul(a.Parse(text).Percent()).Round()})
		}
	}
	return fees
}
