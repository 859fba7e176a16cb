package stripe

import "slices"

// The schemas of the parameters. Names that the facts leave out are left out.
var (
	address = fields(map[string]param{"line1": aText, "line2": aText, "city": aText, "state": aText, "postal_code": aText, "country": aText})

	shipping = fields(map[string]param{"name": must(aText), "address": must(address), "phone": aText, "carrier": aText, "tracking_number": aText})

	card = fields(map[string]param{"token": aText, "number": aText, "exp_month": anInteger, "exp_year": anInteger, "cvc": aText})

	methodData = map[string]param{
		"type": must(oneOf("card")), "card": card, "metadata": aMap,
		"billing_details": fields(map[string]param{"name": aText, "email": anEmail, "phone": aText, "address": address}),
	}

	cardOptions = fields(map[string]param{
		"request_three_d_secure": oneOf("automatic", "any", "challenge"), "request_multicapture": oneOf("if_available", "never"),
		"capture_method": oneOf("manual"), "setup_future_usage": oneOf("on_session", "off_session", "none"),
		"statement_descriptor_suffix_kana": aText, "statement_descriptor_suffix_kanji": aText,
	})

	captureMethod = oneOf("automatic", "automatic_async", "manual")
	futureUsage   = oneOf("on_session", "off_session")
	mandate       = fields(map[string]param{"customer_acceptance": fields(map[string]param{
		"type": must(oneOf("online", "offline")), "accepted_at": anInteger,
		"online": fields(map[string]param{"ip_address": aText, "user_agent": aText}),
	})})

	// whenConfirmed are the parameters that confirming takes, also at creation.
	whenConfirmed = map[string]param{
		"payment_method": aText, "payment_method_data": fields(methodData), "payment_method_types": aList, "return_url": aLink, "off_session": aBoolean,
		"capture_method": captureMethod, "mandate_data": mandate, "payment_method_options": fields(map[string]param{"card": cardOptions}),
		"error_on_requires_action": aBoolean, "setup_future_usage": futureUsage, "receipt_email": anEmail, "shipping": shipping, "use_stripe_sdk": aBoolean,
	}

	whenUpdated = with(map[string]param{
		"amount": anInteger, "currency": aText, "customer": aText, "description": upTo(1000), "metadata": aMap, "capture_method": captureMethod,
		"statement_descriptor": upTo(22), "statement_descriptor_suffix": upTo(22), "transfer_group": aText,
	}, pick(whenConfirmed, "payment_method", "payment_method_data", "payment_method_types", "payment_method_options", "setup_future_usage", "receipt_email", "shipping"))

	whenCreated = with(whenUpdated, whenConfirmed, map[string]param{
		"amount": must(anInteger), "currency": must(aText), "confirm": aBoolean, "confirmation_method": oneOf("automatic", "manual"),
		"automatic_payment_methods": fields(map[string]param{"enabled": must(aBoolean), "allow_redirects": oneOf("always", "never")}),
	})

	refundReason = oneOf("duplicate", "fraudulent", "requested_by_customer")
	customerData = map[string]param{"email": upTo(512), "name": upTo(256), "description": aText, "phone": upTo(20), "metadata": aMap, "address": address, "shipping": shipping}
)

// with joins schemas; a later one wins.
func with(schemas ...map[string]param) map[string]param {
	all := map[string]param{}
	for _, s := range schemas {
		for name, p := range s {
			all[name] = p
		}
	}
	return all
}

// pick returns a part of a schema.
func pick(schema map[string]param, names ...string) map[string]param {
	part := map[string]param{}
	for name, p := range schema {
		if slices.Contains(names, name) {
			part[name] = p
		}
	}
	return part
}

const (
	get  = "GET"
	post = "POST"
	del  = "DELETE"
)

// routes are the operations that are simulated. Their names are what faults
// are bound to.
var routes = []route{
	{name: "payment_intents.create", method: post, path: "/v1/payment_intents", do: (*call).createIntent, params: whenCreated},
	{name: "payment_intents.list", method: get, path: "/v1/payment_intents", do: (*call).listIntents, params: with(someLimits, map[string]param{"customer": aText, "created": someTimes})},
	{name: "payment_intents.search", method: get, path: "/v1/payment_intents/search", do: (*call).searchIntents, params: map[string]param{"query": must(aText), "limit": anInteger, "page": aText}},
	{name: "payment_intents.retrieve", method: get, path: "/v1/payment_intents/{id}", do: (*call).retrieveIntent, params: map[string]param{"client_secret": aText}},
	{name: "payment_intents.update", method: post, path: "/v1/payment_intents/{id}", do: (*call).updateIntent, params: whenUpdated},
	{name: "payment_intents.confirm", method: post, path: "/v1/payment_intents/{id}/confirm", do: (*call).confirmIntent, params: whenConfirmed},
	{name: "payment_intents.capture", method: post, path: "/v1/payment_intents/{id}/capture", do: (*call).captureIntent, params: map[string]param{
		"amount_to_capture": anInteger, "final_capture": aBoolean, "statement_descriptor": upTo(22), "statement_descriptor_suffix": upTo(22), "metadata": aMap,
	}},
	{name: "payment_intents.cancel", method: post, path: "/v1/payment_intents/{id}/cancel", do: (*call).cancelIntent, params: map[string]param{
		"cancellation_reason": oneOf("duplicate", "fraudulent", "requested_by_customer", "abandoned"),
	}},

	{name: "charges.retrieve", method: get, path: "/v1/charges/{id}", do: (*call).retrieveCharge},

	{name: "refunds.create", method: post, path: "/v1/refunds", do: (*call).createRefund, params: map[string]param{
		"payment_intent": aText, "charge": aText, "amount": anInteger, "reason": refundReason, "metadata": aMap,
	}},
	{name: "refunds.list", method: get, path: "/v1/refunds", do: (*call).listRefunds, params: with(someLimits, map[string]param{"payment_intent": aText, "charge": aText, "created": someTimes})},
	{name: "refunds.retrieve", method: get, path: "/v1/refunds/{id}", do: (*call).retrieveRefund},
	{name: "refunds.cancel", method: post, path: "/v1/refunds/{id}/cancel", do: (*call).cancelRefund},

	{name: "payment_methods.create", method: post, path: "/v1/payment_methods", do: (*call).createMethod, params: methodData, public: true},
	{name: "payment_methods.retrieve", method: get, path: "/v1/payment_methods/{id}", do: (*call).retrieveMethod},
	{name: "payment_methods.list", method: get, path: "/v1/payment_methods", do: (*call).listMethods, params: with(someLimits, map[string]param{"customer": aText, "type": oneOf("card")})},
	{name: "payment_methods.attach", method: post, path: "/v1/payment_methods/{id}/attach", do: (*call).attachMethod, params: map[string]param{"customer": must(aText)}},
	{name: "payment_methods.detach", method: post, path: "/v1/payment_methods/{id}/detach", do: (*call).detachMethod},

	{name: "customers.create", method: post, path: "/v1/customers", do: (*call).createCustomer, params: customerData},
	{name: "customers.retrieve", method: get, path: "/v1/customers/{id}", do: (*call).retrieveCustomer},
	{name: "customers.update", method: post, path: "/v1/customers/{id}", do: (*call).updateCustomer, params: customerData},
	{name: "customers.delete", method: del, path: "/v1/customers/{id}", do: (*call).deleteCustomer},

	{name: "webhook_endpoints.create", method: post, path: "/v1/webhook_endpoints", do: (*call).createEndpoint, params: map[string]param{
		"url": must(aLink), "enabled_events": must(aList), "api_version": aText, "description": aText, "metadata": aMap,
	}},
	{name: "webhook_endpoints.list", method: get, path: "/v1/webhook_endpoints", do: (*call).listEndpoints, params: someLimits},
	{name: "webhook_endpoints.delete", method: del, path: "/v1/webhook_endpoints/{id}", do: (*call).deleteEndpoint},

	{name: "events.list", method: get, path: "/v1/events", do: (*call).listEvents, params: with(someLimits, map[string]param{
		"type": aText, "types": aList, "created": someTimes, "delivery_success": aBoolean,
	})},
	{name: "events.retrieve", method: get, path: "/v1/events/{id}", do: (*call).retrieveEvent},
}
