package authorizenet

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const namespace = "AnetApi/xml/v1/schema/AnetApiSchema.xsd"

// An element is one place of a sequence of the vendor's schema.
type element struct {
	name string
	// required and max are minOccurs and maxOccurs.
	required bool
	max      int
	typ      typ
	// choice is, if set, a choice of elements at this place, in which case
	// the fields above but required are not used.
	choice []element
}

// A typ is a simple type or a sequence.
type typ interface{ isType() }

type sequence []element

// A simple type has a name as the vendor's messages give it, and check, which
// returns what is wrong with a text, "" if nothing is.
type simple struct {
	name  string
	check func(string) string
}

func (sequence) isType() {}
func (simple) isType()   {}

const (
	tooLong    = "The actual length is greater than the MaxLength value."
	tooShort   = "The actual length is less than the MinLength value."
	noPattern  = "The Pattern constraint failed."
	noneOf     = "The Enumeration constraint failed."
	underrun   = "The MinInclusive constraint failed."
	overrun    = "The MaxInclusive constraint failed."
	fractional = "The FractionDigits constraint failed."
)

// text is a string of at least least and at most most characters; most 0 is no
// limit.
func text(least, most int) simple {
	return simple{"String", func(s string) string {
		n := utf8.RuneCountInString(s)
		switch {
		case n < least:
			return tooShort
		case most > 0 && n > most:
			return tooLong
		}
		return ""
	}}
}

func upTo(most int) simple { return text(0, most) }

func pattern(name, expression string, most int) simple {
	re := regexp.MustCompile("^(?:" + expression + ")$")
	return simple{namespace + ":" + name, func(s string) string {
		switch {
		case utf8.RuneCountInString(s) > most:
			return tooLong
		case !re.MatchString(s):
			return noPattern
		}
		return ""
	}}
}

func enum(name string, values ...string) simple {
	return simple{namespace + ":" + name, func(s string) string {
		if !slices.Contains(values, s) {
			return noneOf
		}
		return ""
	}}
}

func integer(least, most int) simple {
	return simple{"http://www.w3.org/2001/XMLSchema:int", func(s string) string {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil:
			return fmt.Sprintf("The string '%s' is not a valid Int32 value.", s)
		case n < least:
			return underrun
		case n > most:
			return overrun
		}
		return ""
	}}
}

var (
	anyText   = upTo(0)
	decimalRE = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)$`)
	boolean   = simple{"http://www.w3.org/2001/XMLSchema:boolean", func(s string) string {
		if !slices.Contains([]string{"true", "false", "1", "0"}, s) {
			return fmt.Sprintf("The string '%s' is not a valid Boolean value.", s)
		}
		return ""
	}}
	// money is an amount of dollars that is not negative, with four digits of
	// fraction at most.
	money = simple{"http://www.w3.org/2001/XMLSchema:decimal", func(s string) string {
		if !decimalRE.MatchString(s) {
			return fmt.Sprintf("The string '%s' is not a valid Decimal value.", s)
		}
		if strings.HasPrefix(s, "-") {
			return underrun
		}
		if _, fraction, _ := strings.Cut(s, "."); len(fraction) > 4 {
			return fractional
		}
		return ""
	}}
	numeric  = pattern("numericString", `[0-9]+`, 20)
	cardCode = pattern("cardCode", `[0-9]{3,4}`, 4)
	dateTime = pattern("dateTime", `\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?`, 40)
)

func opt(name string, t typ) element  { return element{name: name, max: 1, typ: t} }
func must(name string, t typ) element { return element{name: name, required: true, max: 1, typ: t} }
func many(name string, most int, t typ) element {
	return element{name: name, max: most, typ: t}
}
func oneOf(elements ...element) element { return element{required: true, choice: elements} }

// request is the schema of a method: the common head and the method's own.
func request(own ...element) sequence {
	return append(sequence{
		must("merchantAuthentication", sequence{
			opt("name", upTo(25)),
			oneOf(opt("transactionKey", upTo(16)), opt("sessionToken", anyText), opt("password", upTo(40)),
				opt("impersonationAuthentication", anyText), opt("fingerPrint", anyText), opt("clientKey", anyText), opt("accessToken", anyText)),
			opt("mobileDeviceId", upTo(60)),
		}),
		opt("clientId", upTo(30)),
		opt("refId", upTo(20)),
	}, own...)
}

var (
	nameAndAddress = []element{
		opt("firstName", upTo(50)), opt("lastName", upTo(50)), opt("company", upTo(50)), opt("address", upTo(60)),
		opt("city", upTo(40)), opt("state", upTo(40)), opt("zip", upTo(20)), opt("country", upTo(60)),
	}
	shipTo = sequence(nameAndAddress)
	phones = []element{opt("phoneNumber", upTo(25)), opt("faxNumber", upTo(25))}
	billTo = sequence(slices.Concat(nameAndAddress, phones, []element{opt("email", upTo(255))}))
	// customerAddress is an address that is kept in a profile.
	customerAddress = sequence(slices.Concat(nameAndAddress, phones, []element{opt("email", upTo(255))}))

	creditCard = sequence{
		must("cardNumber", text(4, 16)), must("expirationDate", text(4, 7)), opt("cardCode", cardCode), opt("isPaymentToken", boolean),
		opt("cryptogram", anyText), opt("tokenRequestorName", anyText), opt("tokenRequestorId", anyText), opt("tokenRequestorEci", anyText),
	}
	bankAccount = sequence{
		opt("accountType", enum("bankAccountTypeEnum", "checking", "savings", "businessChecking")), must("routingNumber", upTo(9)),
		must("accountNumber", upTo(17)), must("nameOnAccount", upTo(22)), opt("echeckType", enum("echeckTypeEnum", "PPD", "WEB", "CCD", "TEL", "ARC", "BOC")),
		opt("bankName", upTo(50)), opt("checkNumber", upTo(15)),
	}
	payment = sequence{
		oneOf(opt("creditCard", creditCard), opt("bankAccount", bankAccount), opt("trackData", anyText), opt("encryptedTrackData", anyText),
			opt("payPal", anyText), opt("opaqueData", sequence{
				must("dataDescriptor", anyText), must("dataValue", anyText), opt("dataKey", anyText), opt("expirationTimeStamp", dateTime),
			}), opt("emv", anyText)),
		opt("dataSource", anyText),
	}
	driversLicense = sequence{must("number", text(5, 20)), must("state", text(2, 2)), must("dateOfBirth", text(8, 10))}
	extended       = sequence{must("amount", money), opt("name", upTo(31)), opt("description", upTo(255))}
	lineItem       = sequence{
		must("itemId", text(1, 31)), must("name", text(1, 31)), opt("description", upTo(255)), must("quantity", money), must("unitPrice", money),
		opt("taxable", boolean), opt("unitOfMeasure", upTo(12)), opt("typeOfSupply", upTo(2)), opt("taxRate", money), opt("taxAmount", money),
		opt("nationalTax", money), opt("localTax", money), opt("vatRate", money), opt("alternateTaxId", upTo(20)), opt("alternateTaxType", upTo(4)),
		opt("alternateTaxTypeApplied", upTo(4)), opt("alternateTaxRate", money), opt("alternateTaxAmount", money), opt("totalAmount", money),
		opt("commodityCode", upTo(15)), opt("productCode", upTo(30)), opt("productSKU", upTo(30)), opt("discountRate", money),
		opt("discountAmount", money), opt("taxIncludedInTotal", boolean), opt("taxIsAfterDiscount", boolean),
	}
	order = sequence{
		opt("invoiceNumber", upTo(20)), opt("description", upTo(255)), opt("discountAmount", money), opt("taxIsAfterDiscount", boolean),
		opt("totalTaxTypeCode", upTo(3)), opt("purchaserVATRegistrationNumber", upTo(21)), opt("merchantVATRegistrationNumber", upTo(21)),
		opt("vatInvoiceReferenceNumber", upTo(15)), opt("purchaserCode", upTo(17)), opt("summaryCommodityCode", upTo(4)),
		opt("purchaseOrderDateUTC", dateTime), opt("supplierOrderReference", upTo(25)), opt("authorizedContactName", upTo(36)),
		opt("cardAcceptorRefNumber", upTo(25)), opt("amexDataTAA1", upTo(40)), opt("amexDataTAA2", upTo(40)), opt("amexDataTAA3", upTo(40)), opt("amexDataTAA4", upTo(40)),
	}
	subsequentAuth = sequence{
		opt("originalNetworkTransId", anyText), opt("originalAuthAmount", money),
		opt("reason", enum("merchantInitTransReasonEnum", "resubmission", "delayedCharge", "reauthorization", "noShow")),
	}
	settingNames = []string{
		"allowPartialAuth", "duplicateWindow", "testRequest", "recurringBilling", "emailCustomer", "merchantEmail",
		"headerEmailReceipt", "footerEmailReceipt", "typeEmailReceipt",
	}
	transactionRequest = sequence{
		must("transactionType", enum("transactionTypeEnum", "authOnlyTransaction", "authCaptureTransaction", "captureOnlyTransaction", "refundTransaction",
			"priorAuthCaptureTransaction", "voidTransaction", "getDetailsTransaction", "authOnlyContinueTransaction", "authCaptureContinueTransaction")),
		opt("amount", money), opt("currencyCode", text(3, 3)), opt("payment", payment),
		opt("profile", sequence{
			opt("createProfile", boolean), opt("customerProfileId", numeric),
			opt("paymentProfile", sequence{must("paymentProfileId", numeric), opt("cardCode", cardCode)}), opt("shippingProfileId", numeric),
		}),
		opt("solution", sequence{must("id", upTo(50)), opt("name", upTo(255)), opt("vendorName", upTo(255))}),
		opt("callId", anyText), opt("terminalNumber", anyText), opt("authCode", upTo(6)), opt("refTransId", anyText), opt("splitTenderId", anyText),
		opt("order", order), opt("lineItems", sequence{many("lineItem", 1000, lineItem)}), opt("tax", extended), opt("duty", extended),
		opt("shipping", extended), opt("taxExempt", boolean), opt("poNumber", upTo(25)),
		opt("customer", sequence{
			opt("type", enum("customerTypeEnum", "individual", "business")), opt("id", upTo(20)), opt("email", upTo(255)),
			opt("driversLicense", driversLicense), opt("taxId", text(8, 9)),
		}),
		opt("billTo", billTo), opt("shipTo", shipTo), opt("customerIP", upTo(39)),
		opt("cardholderAuthentication", sequence{opt("authenticationIndicator", anyText), opt("cardholderAuthenticationValue", anyText)}),
		opt("retail", sequence{opt("marketType", anyText), opt("deviceType", anyText), opt("customerSignature", anyText), opt("terminalNumber", anyText)}),
		opt("employeeId", anyText),
		opt("transactionSettings", sequence{many("setting", 1000, sequence{opt("settingName", enum("settingNameEnum", settingNames...)), opt("settingValue", anyText)})}),
		opt("userFields", sequence{many("userField", 20, sequence{opt("name", anyText), opt("value", anyText)})}),
		opt("surcharge", extended), opt("merchantDescriptor", anyText), opt("subMerchant", anyText), opt("tip", extended),
		opt("processingOptions", sequence{
			opt("isFirstRecurringPayment", boolean), opt("isFirstSubsequentAuth", boolean), opt("isSubsequentAuth", boolean), opt("isStoredCredentials", boolean),
		}),
		opt("subsequentAuthInformation", subsequentAuth),
		opt("otherTax", sequence{
			opt("nationalTaxAmount", money), opt("localTaxAmount", money), opt("alternateTaxAmount", money), opt("alternateTaxId", upTo(15)),
			opt("vatTaxRate", money), opt("vatTaxAmount", money),
		}),
		opt("shipFrom", shipTo),
		opt("authorizationIndicatorType", sequence{opt("authorizationIndicator", enum("authIndicatorEnum", "pre", "final"))}),
	}
	sorting        = sequence{must("orderBy", enum("orderFieldEnum", "id", "submitTimeUTC")), must("orderDescending", boolean)}
	paging         = sequence{must("limit", integer(1, 1000)), must("offset", integer(1, 100000))}
	validationMode = enum("validationModeEnum", "none", "testMode", "liveMode", "oldLiveMode")
	profileType    = enum("customerProfileTypeEnum", "regular", "guest")
	paymentProfile = sequence{
		opt("customerType", enum("customerTypeEnum", "individual", "business")), opt("billTo", customerAddress), opt("payment", payment),
		opt("driversLicense", driversLicense), opt("taxId", text(8, 9)), opt("defaultPaymentProfile", boolean),
		opt("subsequentAuthInformation", subsequentAuth), opt("excludeFromAccountUpdater", boolean),
	}
	customerBase = []element{opt("merchantCustomerId", upTo(20)), opt("description", upTo(255)), opt("email", upTo(255))}

	// methods are the methods that are simulated.
	methods = map[string]sequence{
		"authenticateTestRequest":            request(),
		"createTransactionRequest":           request(must("transactionRequest", transactionRequest)),
		"getTransactionDetailsRequest":       request(must("transId", numeric)),
		"getUnsettledTransactionListRequest": request(opt("status", enum("TransactionGroupStatusEnum", "any", "pendingApproval")), opt("sorting", sorting), opt("paging", paging)),
		"getSettledBatchListRequest":         request(opt("includeStatistics", boolean), opt("firstSettlementDate", dateTime), opt("lastSettlementDate", dateTime)),
		"getTransactionListRequest":          request(opt("batchId", numeric), opt("sorting", sorting), opt("paging", paging)),
		"getTransactionListForCustomerRequest": request(must("customerProfileId", numeric), opt("customerPaymentProfileId", numeric),
			opt("sorting", sorting), opt("paging", paging)),
		"updateHeldTransactionRequest": request(must("heldTransactionRequest", sequence{
			must("action", enum("afdsTransactionEnum", "approve", "decline")), must("refTransId", anyText),
		})),
		"updateSplitTenderGroupRequest": request(must("splitTenderId", anyText), must("splitTenderStatus", enum("splitTenderStatusEnum", "completed", "held", "voided"))),
		"createCustomerProfileRequest": request(must("profile", sequence(slices.Concat(customerBase, []element{
			many("paymentProfiles", 1000, paymentProfile), many("shipToList", 1000, customerAddress), opt("profileType", profileType),
		}))), opt("validationMode", validationMode)),
		"createCustomerPaymentProfileRequest":  request(must("customerProfileId", numeric), must("paymentProfile", paymentProfile), opt("validationMode", validationMode)),
		"createCustomerShippingAddressRequest": request(must("customerProfileId", numeric), must("address", customerAddress), opt("defaultShippingAddress", boolean)),
		"createCustomerProfileFromTransactionRequest": request(must("transId", numeric), opt("customer", sequence(customerBase)), opt("customerProfileId", numeric),
			opt("defaultPaymentProfile", boolean), opt("defaultShippingAddress", boolean), opt("profileType", profileType)),
		"getCustomerProfileRequest": request(opt("customerProfileId", numeric), opt("merchantCustomerId", upTo(20)), opt("email", upTo(255)),
			opt("unmaskExpirationDate", boolean), opt("includeIssuerInfo", boolean)),
		"validateCustomerPaymentProfileRequest": request(must("customerProfileId", numeric), must("customerPaymentProfileId", numeric),
			opt("customerShippingAddressId", numeric), opt("cardCode", cardCode), must("validationMode", validationMode)),
		"deleteCustomerPaymentProfileRequest": request(must("customerProfileId", numeric), must("customerPaymentProfileId", numeric)),
	}
)

// validate checks an element against its type and returns what is wrong in the
// words of a validating XML parser, "" if nothing is.
func validate(n *node, t typ) string {
	switch t := t.(type) {
	case simple:
		if n.object {
			return fmt.Sprintf("The element '%s' in namespace '%s' cannot contain child element because the parent element's content model is text only.", n.name, namespace)
		}
		if wrong := t.check(n.text); wrong != "" {
			return fmt.Sprintf("The '%s:%s' element is invalid - The value '%s' is invalid according to its datatype '%s' - %s", namespace, n.name, n.text, t.name, wrong)
		}
		return ""
	case sequence:
		return validateSequence(n, t)
	}
	panic("authorizenet: a type that is neither simple nor a sequence")
}

// validateSequence walks through the places of a sequence along the children.
func validateSequence(n *node, places sequence) string {
	if n.text != "" {
		return fmt.Sprintf("The element '%s' in namespace '%s' cannot contain text. List of possible elements expected: %s.", n.name, namespace, expected(places))
	}
	place, count := 0, 0
	for _, c := range n.children {
		from := place
		if count > 0 && places[place].max < 2 {
			from++ // it was there already
		}
		var e element
		for ; ; place, count = place+1, 0 {
			if place == len(places) {
				return invalidChild(n, c, places[from:])
			}
			var ok bool
			if e, ok = places[place].admits(c.name); ok && count < e.max {
				break
			}
			if places[place].required && count == 0 {
				return invalidChild(n, c, places[from:])
			}
		}
		count++
		if wrong := validate(c, e.typ); wrong != "" {
			return wrong
		}
	}
	for i, p := range places[place:] {
		if p.required && !(i == 0 && count > 0) {
			return fmt.Sprintf("The element '%s' in namespace '%s' has incomplete content. List of possible elements expected: %s.", n.name, namespace, expected(places[place+min(count, 1):]))
		}
	}
	return ""
}

// admits returns the element of that name at a place.
func (e element) admits(name string) (element, bool) {
	for _, c := range e.choice {
		if c.name == name {
			return c, true
		}
	}
	return e, e.choice == nil && e.name == name
}

func invalidChild(parent, child *node, rest sequence) string {
	s := fmt.Sprintf("The element '%s' in namespace '%s' has invalid child element '%s' in namespace '%s'.", parent.name, namespace, child.name, namespace)
	if e := expected(rest); e != "" {
		s += " List of possible elements expected: " + e + "."
	}
	return s
}

// expected lists the elements that may come next: up to the first that must.
func expected(rest sequence) string {
	var names []string
	for _, e := range rest {
		if e.choice == nil {
			names = append(names, e.name)
		}
		for _, c := range e.choice {
			names = append(names, c.name)
		}
		if e.required {
			break
		}
	}
	if names == nil {
		return ""
	}
	return fmt.Sprintf("'%s' in namespace '%s'", strings.Join(names, ", "), namespace)
}
