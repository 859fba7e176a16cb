package ebay

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// policy is a business policy of a kind: fulfillment, payment or return.
type policy struct {
	id, kind string
	data     map[string]any
}

func (p *policy) marketplace() string { return str(p.data["marketplaceId"]) }
func (p *policy) name() string        { return str(p.data["name"]) }

// standard reports whether the policy is the default of a kind of categories.
func (p *policy) standard() bool {
	return slices.ContainsFunc(objects(p.data["categoryTypes"]), func(x map[string]any) bool { return x["default"] == true })
}

func (p *policy) view() map[string]any {
	out := maps.Clone(p.data)
	out[p.kind+"PolicyId"] = p.id
	return out
}

var kinds = []string{"fulfillment", "payment", "return"}

// seedPolicies gives the seller one policy of each kind for EBAY_US, as 1000payment.
func (s *Simulator) seedPolicies() {
	for _, kind := range kinds {
		p := &policy{id: "1000" + kind, kind: kind, data: map[string]any{
			"name": "Standard", "marketplaceId": "EBAY_US", "categoryTypes": []any{map[string]any{"name": "ALL_EXCLUDING_MOTORS_VEHICLES", "default": true}},
		}}
		switch kind {
		case "fulfillment":
			p.data["handlingTime"] = map[string]any{"value": 1.0, "unit": "DAY"}
			p.data["shippingOptions"] = []any{map[string]any{"optionType": "DOMESTIC", "costType": "FLAT_RATE", "shippingServices": []any{map[string]any{
				"sortOrder": 1.0, "shippingCarrierCode": "USPS", "shippingServiceCode": "USPSPriority", "shippingCost": map[string]any{"value": "4.99", "currency": "USD"},
			}}}}
		case "payment":
			p.data["immediatePay"], p.data["paymentMethods"] = false, []any{}
		case "return":
			p.data["returnsAccepted"], p.data["returnShippingCostPayer"] = true, "BUYER"
			p.data["returnPeriod"] = map[string]any{"value": 30.0, "unit": "DAY"}
		}
		s.policies[p.id] = p
	}
}

var (
	days        = object(shape{"value!": whole, "unit!": one("DAY", "BUSINESS_DAY", "HOUR", "MINUTE", "MONTH", "WEEK", "YEAR")})
	regions     = list(1000, object(shape{"regionName": text(100), "regionType": text(50)}))
	destined    = object(shape{"regionIncluded": regions, "regionExcluded": regions})
	policyShape = shape{
		"name!": full(64), "description": text(250), "marketplaceId!": one(marketplaces...),
		"categoryTypes!": some(2, object(shape{"name!": one("ALL_EXCLUDING_MOTORS_VEHICLES", "MOTORS_VEHICLES"), "default": boolean})),
	}
	policyShapes = map[string]shape{
		"payment": policyShape.with(shape{
			"immediatePay": boolean, "paymentMethods": list(10, object(shape{"paymentMethodType!": text(50), "brands": list(20, text(50)), "recipientAccountReference": anything})),
			"deposit": anything, "fullPaymentDueIn": days, "paymentInstructions": text(1000),
		}),
		"return": policyShape.with(shape{
			"returnsAccepted!": boolean, "returnPeriod": days, "returnShippingCostPayer": one("BUYER", "SELLER"), "refundMethod": one("MONEY_BACK"),
			"returnMethod": one("REPLACEMENT", "EXCHANGE"), "internationalOverride": anything, "returnInstructions": text(5000), "instructions": text(5000),
		}),
		"fulfillment": policyShape.with(shape{
			"handlingTime": days, "localPickup": boolean, "globalShipping": boolean, "pickupDropOff": boolean, "freightShipping": boolean, "shipToLocations": destined,
			"shippingOptions": list(2, object(shape{
				"optionType!": one("DOMESTIC", "INTERNATIONAL"), "costType!": one("FLAT_RATE", "CALCULATED", "NOT_SPECIFIED"), "rateTableId": text(50),
				"packageHandlingCost": amount, "insuranceFee": amount, "insuranceOffered": boolean,
				"shippingServices": list(9, object(shape{
					"sortOrder": whole, "shippingCarrierCode": text(50), "shippingServiceCode!": full(50), "shippingCost": amount, "additionalShippingCost": amount,
					"freeShipping": boolean, "buyerResponsibleForShipping": boolean, "shipToLocations": destined, "surcharge": amount,
				})),
			})),
		}),
	}
	policyReads = []string{accountScope, accountReadScope}
	policyWrite = []string{accountScope}
)

// unsound tells what of a policy is wrong beyond its shape.
func unsound(kind string, data map[string]any) *problem {
	if kind == "return" && data["returnsAccepted"] == true {
		for _, field := range []string{"returnPeriod", "returnShippingCostPayer"} {
			if data[field] == nil {
				return bad(20401, "%s is missing.", field).with("field", field)
			}
		}
	}
	for _, option := range objects(data["shippingOptions"]) {
		services, most := objects(option["shippingServices"]), 4
		if option["optionType"] == "INTERNATIONAL" {
			most = 5
		}
		if len(services) > most {
			return bad(20403, "There can be %d services of this type.", most).with("field", "shippingServices")
		}
		for _, x := range services {
			if parseCents(str(at(x, "additionalShippingCost", "value"))) > parseCents(str(at(x, "shippingCost", "value"))) {
				return bad(20403, "additionalShippingCost must not exceed shippingCost.").with("field", "additionalShippingCost")
			}
		}
	}
	return nil
}

func (s *Simulator) accountOperations() (all []operation) {
	for _, kind := range kinds {
		all = append(all, s.policyOperations(kind)...)
	}
	all = append(all,
		operation{name: "optIn", method: "POST", path: "/program/opt_in", scopes: policyWrite, body: shape{"programType!": one("SELLING_POLICY_MANAGEMENT")}, do: func(call) (answer, *problem) {
			if !s.optedIn.IsZero() {
				return answer{}, conflict(25803, "The seller is opted in already.")
			}
			s.optedIn = s.Clock.Now().Add(s.o.OptInLag)
			return ok(map[string]any{}), nil
		}},
		operation{name: "getPrograms", method: "GET", path: "/program/get_opted_in_programs", scopes: policyReads, do: func(call) (answer, *problem) {
			programs := []any{}
			if s.isOptedIn() {
				programs = append(programs, map[string]any{"programType": "SELLING_POLICY_MANAGEMENT"})
			}
			return ok(map[string]any{"programs": programs}), nil
		}},
		operation{name: "getPrivilege", method: "GET", path: "/privilege", scopes: policyReads, do: func(call) (answer, *problem) {
			return ok(map[string]any{"sellerRegistrationCompleted": true, "sellingLimit": map[string]any{
				"amount": map[string]any{"value": "100000000.00", "currency": "USD"}, "quantity": s.o.SellingLimit,
			}}), nil
		}},
	)
	for i := range all {
		all[i].api = accountAPI
	}
	return all
}

func (s *Simulator) isOptedIn() bool {
	return !s.optedIn.IsZero() && !s.Clock.Now().Before(s.optedIn)
}

func (s *Simulator) policyOperations(kind string) []operation {
	path, title := "/"+kind+"_policy", strings.ToUpper(kind[:1])+kind[1:]+"Policy"
	of := func(do func(call, *policy) (answer, *problem)) func(call) (answer, *problem) {
		return func(c call) (answer, *problem) {
			p := s.policies[c.path("id")]
			if p == nil || p.kind != kind {
				return answer{}, absent(20404, "The policy could not be found.").with("policyId", c.path("id"))
			}
			return do(c, p)
		}
	}
	// free tells whether a name is not another policy's.
	free := func(id string, data map[string]any) *problem {
		for _, p := range s.policies {
			if p.id != id && p.kind == kind && p.name() == data["name"] && p.marketplace() == data["marketplaceId"] {
				return bad(20400, "A policy of this name exists.").with("duplicatePolicyId", p.id)
			}
		}
		return nil
	}
	create := func(c call) (answer, *problem) {
		if !s.isOptedIn() {
			return answer{}, bad(20403, "The seller is not opted in to business policies.")
		}
		if p := unsound(kind, c.body); p != nil {
			return answer{}, p
		}
		if p := free("", c.body); p != nil {
			return answer{}, p
		}
		p := &policy{id: s.next(), kind: kind, data: c.body}
		s.policies[p.id] = p
		out := p.view()
		out["warnings"] = []any{}
		return answer{status: http.StatusCreated, body: out, header: map[string]string{"Location": accountAPI.path + path + "/" + p.id}}, nil
	}
	operations := []operation{
		{name: "get" + kind + "Policies", method: "GET", path: path, scopes: policyReads, do: func(c call) (answer, *problem) {
			site, p := siteOf(c)
			if p != nil {
				return answer{}, p
			}
			found := s.policiesOf(kind, site)
			out, from, to, p := page(c, 100, 100, len(found), true, 20402)
			if p != nil {
				return answer{}, p
			}
			all := []any{}
			for _, p := range found[from:to] {
				all = append(all, p.view())
			}
			out[kind+"Policies"] = all
			return ok(out), nil
		}},
		{name: "get" + kind + "PolicyByName", method: "GET", path: path + "/get_by_policy_name", scopes: policyReads, do: func(c call) (answer, *problem) {
			site, p := siteOf(c)
			if p != nil {
				return answer{}, p
			}
			name := c.r.URL.Query().Get("name")
			if name == "" {
				return answer{}, bad(20401, "name is missing.").with("field", "name")
			}
			for _, p := range s.policiesOf(kind, site) {
				if p.name() == name {
					return ok(p.view()), nil
				}
			}
			return answer{}, absent(20404, "The policy could not be found.").with("name", name)
		}},
		{name: "get" + kind + "Policy", method: "GET", path: path + "/{id}", scopes: policyReads, do: of(func(_ call, p *policy) (answer, *problem) { return ok(p.view()), nil })},
		{name: "put" + kind + "Policy", method: "PUT", path: path + "/{id}", scopes: policyWrite, body: policyShapes[kind], do: of(func(c call, old *policy) (answer, *problem) {
			if p := unsound(kind, c.body); p != nil {
				return answer{}, p
			}
			if p := free(old.id, c.body); p != nil {
				return answer{}, p
			}
			changed := &policy{old.id, kind, c.body}
			s.policies[old.id] = changed
			out := changed.view()
			out["warnings"] = []any{}
			return ok(out), nil
		})},
		{name: "delete" + kind + "Policy", method: "DELETE", path: path + "/{id}", scopes: policyWrite, do: of(func(_ call, p *policy) (answer, *problem) {
			used := p.standard()
			for _, o := range s.offers {
				used = used || o.live() && at(o.data, "listingPolicies", kind+"PolicyId") == p.id
			}
			if used {
				return answer{}, conflict(map[string]int{"fulfillment": 20409, "payment": 21409, "return": 22409}[kind], "The policy is a default, or in use.")
			}
			delete(s.policies, p.id)
			return done, nil
		})},
		{name: "create" + title, method: "POST", path: path, scopes: policyWrite, body: policyShapes[kind], do: create},
	}
	// The document has one of the paths with a slash at its end.
	return append(operations, operation{name: "create" + title, method: "POST", path: path + "/{$}", scopes: policyWrite, body: policyShapes[kind], do: create})
}

// policiesOf returns the policies of a kind, in order of ids.
func (s *Simulator) policiesOf(kind, site string) (all []*policy) {
	for _, id := range slices.Sorted(maps.Keys(s.policies)) {
		if p := s.policies[id]; p.kind == kind && p.marketplace() == site {
			all = append(all, p)
		}
	}
	return all
}

// siteOf returns the marketplace that a query must name.
func siteOf(c call) (string, *problem) {
	switch site := c.r.URL.Query().Get("marketplace_id"); {
	case site == "":
		return "", bad(20401, "marketplace_id is missing.").with("field", "marketplace_id")
	case !slices.Contains(marketplaces, site):
		return "", bad(20402, "Invalid value for marketplace_id.").with("field", "marketplace_id")
	default:
		return site, nil
	}
}
