package stripe

import "strings"

// minimums are the least amounts, in the smallest unit, of the currencies that
// the account takes.
var minimums = map[string]int64{
	"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "chf": 50, "jpy": 50, "mxn": 1000, "sek": 300, "nok": 300, "dkk": 250, "pln": 200, "hkd": 400,
	"sgd": 50, "nzd": 50, "inr": 50, "brl": 50, "czk": 1500, "huf": 17500, "myr": 200, "ron": 200, "aed": 200, "thb": 1000, "bgn": 100,
	"bhd": 1, "jod": 1, "kwd": 1, "omr": 1, "tnd": 1, "isk": 1, "ugx": 1, "krw": 1, "clp": 1, "vnd": 1, "twd": 1, "idr": 1,
	"bif": 1, "djf": 1, "gnf": 1, "kmf": 1, "mga": 1, "pyg": 1, "rwf": 1, "vuv": 1, "xaf": 1, "xof": 1, "xpf": 1,
}

// checkAmount checks an amount in the currency's smallest unit.
func checkAmount(amount int64, currency string) *apiError {
	least, ok := minimums[strings.ToLower(currency)]
	most := int64(99_999_999)
	if currency == "idr" {
		most = 999_999_999_999
	}
	switch {
	case !ok || currency != strings.ToLower(currency):
		return invalid("", "currency", "Invalid currency: %s.", currency)
	case amount < 1:
		return invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	case amount < least:
		return invalid("amount_too_small", "amount", "Amount must be at least %s.", dollars(least, currency))
	case amount > most:
		return invalid("amount_too_large", "amount", "Amount must be no more than %s.", dollars(most, currency))
	case strings.Contains("bhd jod kwd omr tnd", currency) && amount%10 != 0:
		return invalid("", "amount", "The last digit of an amount in %s must be 0.", currency)
	case strings.Contains("isk ugx", currency) && amount%100 != 0:
		return invalid("", "amount", "An amount in %s must divide by 100.", currency)
	}
	return nil
}
