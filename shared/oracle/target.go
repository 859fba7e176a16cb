package oracle

import (
	"encoding/json"
	"fmt"
)

// targetOf finds out which target a record belongs to.
func targetOf(input json.RawMessage) (string, runner, error) {
	var in struct {
		Fn      string          `json:"fn"`
		Store   json.RawMessage `json:"store"`
		Product json.RawMessage `json:"product"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return "", nil, err
	}
	switch {
	case in.Fn != "":
		if t, ok := functions[in.Fn]; ok {
			return t.name, t.run, nil
		}
		return "", nil, fmt.Errorf("unknown function %q", in.Fn)
	case in.Store != nil:
		return "cart", runCart, nil
	case in.Product != nil:
		return "options", runOptions, nil
	}
	return "", nil, fmt.Errorf("the record fits no target")
}

type target struct {
	name string
	run  runner
}

// functions are the targets by the name of the function that was recorded.
var functions = func() map[string]target {
	m := make(map[string]target)
	for _, t := range []struct {
		name string
		run  runner
		fns  []string
	}{
		{"item_sums", runItemSums, []string{"item_sums"}},
		{"taxes", runTaxes, []string{"get_taxes"}},
		{"modifiers", runModifier, []string{
			"calc_modifier", "calc_pog_modifier", "pog_price_modifier_clean", "smart_weight", "weight_modifier", "pog_calc_textfees",
		}},
		{"shipping", runShipping, []string{
			"simple_shipping", "handling_charges", "fixed_shipping", "address_checks", "normalize_zip", "normalize_state",
			"zip_in_range", "parse_money", "shipmethod_row", "sku_filter",
		}},
		{"ship_rules", runShipRules, []string{"apply_ship_rules"}},
		{"schedules", runSchedules, []string{"schedule_price", "formula", "qty_break", "update_qty"}},
		{"money", runMoney, []string{
			"money_format", "round_up_to_ending", "round_up_to_multiple", "cents_to_price", "currency_convert", "currency_schedule",
		}},
		{"payments", runPayments, []string{
			"payment_status", "ps_in_set", "card_checks", "cvv_check", "expiration_check", "verify_card", "unpack_account",
			"pack_account", "review_merge", "payment_fees", "giftcard_code",
		}},
	} {
		for _, fn := range t.fns {
			m[fn] = target{t.name, t.run}
		}
	}
	return m
}()
