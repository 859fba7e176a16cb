package money

import "strings"

// The active ISO 4217 codes by number of decimals (list one, 2025). The
// Unicode tables of golang.org/x/text are not used: for a dozen currencies they
// give the digits people write, not those banks settle in.
const (
	codes0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
	codes2 = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD " +
		"GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD " +
		"MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD " +
		"RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD " +
		"USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
	codes3 = "BHD IQD JOD KWD LYD OMR TND"
	codes4 = "CLF UYW"
)

var exponents = func() map[string]int {
	m := make(map[string]int, 180)
	for exp, codes := range map[int]string{0: codes0, 2: codes2, 3: codes3, 4: codes4} {
		for code := range strings.FieldsSeq(codes) {
			m[code] = exp
		}
	}
	return m
}()

// Exponent returns the number of decimals of an ISO 4217 currency (upper-case
// code), and whether there is such a currency.
func Exponent(currency string) (int, bool) {
	exp, ok := exponents[currency]
	return exp, ok
}

func mustExponent(currency string) int {
	exp, ok := Exponent(currency)
	if !ok {
		panic("money: unknown currency " + currency)
	}
	return exp
}
