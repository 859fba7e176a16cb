package oracle

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/rackless/rackless/shared/catalog/schedule"
	"github.com/rackless/rackless/shared/perlnum"
)

var plainAmount = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

func runMoney(a *perlnum.Arith, input json.RawMessage, _ time.Time) (any, error) {
	var in struct {
		Fn            string            `json:"fn"`
		Value         scalar            `json:"value"`
		Price         scalar            `json:"price"`
		Ending        scalar            `json:"ending_cents"`
		Multiple      scalar            `json:"multiple_cents"`
		Cents         scalar            `json:"cents"`
		Amount        scalar            `json:"amount"`
		From          string            `json:"from"`
		To            string            `json:"to"`
		Rates         map[string]scalar `json:"rates"`
		Currency      string            `json:"currency"`
		Rate          scalar            `json:"rate"`
		SchedulePrice scalar            `json:"schedule_price"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, err
	}
	price := a.Parse(string(in.Price))
	switch in.Fn {
	case "money_format":
		v := a.Parse(string(in.Value))
		symbols := answers{}
		for _, c := range []string{"USD", "EUR", "CAD", "GBP", "JPY", "MXN", "AUD", "KRW"} {
			symbols[c] = v.WithSymbol(c)
		}
		cashy := "0.00"
		if s := strings.Join(strings.Fields(strings.NewReplacer(",", "", "$", "").Replace(string(in.Value))), ""); plainAmount.MatchString(s) {
			cashy = a.Parse(s).Fixed(2)
		}
		return answers{
			"cashy": cashy, "cents_trunc": v.Times(100).Healed(), "money": v.Dollars(), "symbol_format": symbols, "two_decimals": v.Fixed(2),
		}, nil
	case "round_up_to_ending":
		return answers{"price": price.UpToEnding(in.Ending.int()).String()}, nil
	case "round_up_to_multiple":
		return answers{"price": price.UpToMultiple(in.Multiple.int()).String()}, nil
	case "cents_to_price":
		return answers{"price": a.Minor(in.Cents.int()).Money()}, nil
	case "currency_convert":
		rates := texts(in.Rates)
		v := a.Convert(a.Parse(string(in.Amount)), in.From, in.To, func(c string) string { return rates[c] })
		return answers{"raw": v.String(), "amount_2dp": v.Fixed(2)}, nil
	}
	// The recorded product costs 50.00 where no schedule applies.
	s := schedule.Schedule{ID: "WS", Currency: in.Currency}
	terms := schedule.For(a, &schedule.Product{BasePrice: "50.00", Attribute: func(name string) (string, bool) {
		return string(in.SchedulePrice), name == "zoovy:schedule_ws"
	}}, "WS", &s)
	return answers{"base_price": terms.Text, "base_price_2dp": terms.Price.Fixed(2)}, nil
}
