package authorizenet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rackless/rackless/infra/simulators/authorizenet"
	"github.com/rackless/rackless/infra/simulators/sim"
	"github.com/rackless/rackless/shared/clock"
)

var start = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

// shop is a simulator behind real HTTP and what a merchant needs to talk to it.
type shop struct {
	*authorizenet.Simulator
	url    string
	client *http.Client
}

func newShop(t *testing.T, o authorizenet.Options) *shop {
	t.Helper()
	o.LoginID, o.TransactionKey = "login", "key"
	if o.Clock == nil {
		o.Clock = clock.NewManual(start)
	}
	s := authorizenet.New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &shop{s, server.URL, server.Client()}
}

type code struct {
	Code        string `json:"code"`
	Text        string `json:"text"`
	Description string `json:"description"`
	ErrorCode   string `json:"errorCode"`
}

type transactionReply struct {
	ResponseCode  string            `json:"responseCode"`
	AuthCode      string            `json:"authCode"`
	AVS           string            `json:"avsResultCode"`
	CVV           string            `json:"cvvResultCode"`
	TransID       string            `json:"transId"`
	RefTransID    string            `json:"refTransID"`
	Test          string            `json:"testRequest"`
	Account       string            `json:"accountNumber"`
	AccountType   string            `json:"accountType"`
	SplitTenderID string            `json:"splitTenderId"`
	Prepaid       map[string]string `json:"prePaidCard"`
	Messages      []code            `json:"messages"`
	Errors        []code            `json:"errors"`
	NetworkID     string            `json:"networkTransId"`
	Profile       map[string]string `json:"profile"`
}

type apiReply struct {
	RefID    string `json:"refId"`
	Messages struct {
		ResultCode string `json:"resultCode"`
		Message    []code `json:"message"`
	} `json:"messages"`
	Transaction  *transactionReply `json:"transactionResponse"`
	Details      map[string]any    `json:"transaction"`
	Transactions []map[string]any  `json:"transactions"`
	Batches      []map[string]any  `json:"batchList"`
	Total        int               `json:"totalNumInResultSet"`
	ProfileID    string            `json:"customerProfileId"`
	WalletID     string            `json:"customerPaymentProfileId"`
	Wallets      []string          `json:"customerPaymentProfileIdList"`
	AddressID    string            `json:"customerAddressId"`
	Direct       string            `json:"validationDirectResponse"`
	Profile      map[string]any    `json:"profile"`
	ProfileReply map[string]any    `json:"profileResponse"`
}

// reason is the response code and the reason code in one, "1/1" for approved.
func (r apiReply) reason() string {
	if r.Transaction == nil {
		return r.Messages.Message[0].Code
	}
	t := r.Transaction
	if len(t.Messages) > 0 {
		return t.ResponseCode + "/" + t.Messages[0].Code
	}
	return t.ResponseCode + "/" + t.Errors[0].ErrorCode
}

// send posts a body as it is and returns the reply, the error of the exchange
// and the status.
func (s *shop) send(ctx context.Context, body string) (apiReply, int, error) {
	var out apiReply
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+authorizenet.Path, strings.NewReader(body))
	if err != nil {
		return out, 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := s.client.Do(r)
	if err != nil {
		return out, 0, err
	}
	defer reply.Body.Close()
	raw, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		return out, reply.StatusCode, err
	}
	raw, ok := bytes.CutPrefix(raw, []byte("\xef\xbb\xbf"))
	if !ok {
		return out, reply.StatusCode, fmt.Errorf("the reply does not start with a byte-order mark")
	}
	return out, reply.StatusCode, json.Unmarshal(raw, &out)
}

const head = `"merchantAuthentication":{"name":"login","transactionKey":"key"},"refId":"ref-1"`

// call calls a method whose own elements are given.
func (s *shop) call(t *testing.T, method, elements string) apiReply {
	t.Helper()
	if elements != "" {
		elements = "," + elements
	}
	out, status, err := s.send(t.Context(), `{"`+method+`":{`+head+elements+`}}`)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: status %d, error %v", method, status, err)
	}
	return out
}

// run runs a transaction of a type with the elements after it.
func (s *shop) run(t *testing.T, kind, elements string) apiReply {
	t.Helper()
	if elements != "" {
		elements = "," + elements
	}
	return s.call(t, "createTransactionRequest", `"transactionRequest":{"transactionType":"`+kind+`"`+elements+`}`)
}

// details returns the details of a transaction.
func (s *shop) details(t *testing.T, id string) map[string]any {
	t.Helper()
	return s.call(t, "getTransactionDetailsRequest", `"transId":"`+id+`"`).Details
}

const visa = `"payment":{"creditCard":{"cardNumber":"4111111111111111","expirationDate":"2030-12","cardCode":"900"}}`

func card(number, cardCode string) string {
	if cardCode != "" {
		cardCode = `,"cardCode":"` + cardCode + `"`
	}
	return `"payment":{"creditCard":{"cardNumber":"` + number + `","expirationDate":"1230"` + cardCode + `}}`
}

func zip(z string) string { return `"billTo":{"zip":"` + z + `"}` }

func invoice(n string) string { return `"order":{"invoiceNumber":"` + n + `"}` }

const (
	auth    = "authOnlyTransaction"
	sale    = "authCaptureTransaction"
	capture = "priorAuthCaptureTransaction"
	void    = "voidTransaction"
	refund  = "refundTransaction"
)

func TestEnvelope(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	r := s.call(t, "authenticateTestRequest", "")
	if r.RefID != "ref-1" || r.Messages.ResultCode != "Ok" || r.reason() != "I00001" {
		t.Errorf("reply %+v", r)
	}
	for name, tc := range map[string]struct{ body, code string }{
		"wrong_key":      {`{"authenticateTestRequest":{"merchantAuthentication":{"name":"login","transactionKey":"other"}}}`, "E00007"},
		"wrong_login":    {`{"authenticateTestRequest":{"merchantAuthentication":{"name":"other","transactionKey":"key"}}}`, "E00007"},
		"no_login":       {`{"authenticateTestRequest":{"merchantAuthentication":{"transactionKey":"key"}}}`, "E00006"},
		"no_key":         {`{"authenticateTestRequest":{"merchantAuthentication":{"name":"login","password":"key"}}}`, "E00005"},
		"unknown_method": {`{"noSuchRequest":{}}`, "E00004"},
		"two_methods":    {`{"authenticateTestRequest":{` + head + `},"noSuchRequest":{}}`, "E00003"},
		"no_json":        {`<xml/>`, "E00003"},
		"text_after":     {`{"authenticateTestRequest":{` + head + `}} x`, "E00003"},
		"with_bom":       {"\xef\xbb\xbf" + `{"authenticateTestRequest":{` + head + `}}`, "I00001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, err := s.send(t.Context(), tc.body)
			if err != nil || r.reason() != tc.code {
				t.Errorf("reply %+v, error %v, want code %s", r, err, tc.code)
			}
		})
	}
}

func TestTransportRefusals(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	for name, tc := range map[string]struct {
		method, path, media string
		status              int
		code                string
	}{
		"get":        {http.MethodGet, authorizenet.Path, "application/json", http.StatusMethodNotAllowed, ""},
		"other_path": {http.MethodPost, "/other", "application/json", http.StatusNotFound, ""},
		"xml":        {http.MethodPost, authorizenet.Path, "text/xml", http.StatusOK, "E00002"},
		"charset":    {http.MethodPost, authorizenet.Path, "application/json; charset=utf-8", http.StatusOK, "I00001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := http.NewRequestWithContext(t.Context(), tc.method, s.url+tc.path, strings.NewReader(`{"authenticateTestRequest":{`+head+`}}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", tc.media)
			reply, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			body, _ := io.ReadAll(reply.Body)
			if reply.StatusCode != tc.status || !bytes.Contains(body, []byte(tc.code)) {
				t.Errorf("status %d, body %s", reply.StatusCode, body)
			}
		})
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	const ns = "AnetApi/xml/v1/schema/AnetApiSchema.xsd"
	full := func(inner string) string {
		return `{"createTransactionRequest":{"merchantAuthentication":{"name":"login","transactionKey":"key"},` + inner + `}}`
	}
	tr := func(inner string) string { return full(`"transactionRequest":{` + inner + `}`) }
	for name, tc := range map[string]struct{ body, text string }{
		"order_of_the_head": {
			`{"createTransactionRequest":{"refId":"1","merchantAuthentication":{"name":"login","transactionKey":"key"}}}`,
			`The element 'createTransactionRequest' in namespace '` + ns + `' has invalid child element 'refId' in namespace '` + ns + `'. List of possible elements expected: 'merchantAuthentication' in namespace '` + ns + `'.`,
		},
		"body_before_ref_id": {
			full(`"transactionRequest":{"transactionType":"voidTransaction"},"refId":"1"`),
			`The element 'createTransactionRequest' in namespace '` + ns + `' has invalid child element 'refId' in namespace '` + ns + `'.`,
		},
		"unknown_element": {
			full(`"colour":"red"`),
			`The element 'createTransactionRequest' in namespace '` + ns + `' has invalid child element 'colour' in namespace '` + ns + `'. List of possible elements expected: 'clientId, refId, transactionRequest' in namespace '` + ns + `'.`,
		},
		"nothing_more": {
			full(`"refId":"1"`),
			`The element 'createTransactionRequest' in namespace '` + ns + `' has incomplete content. List of possible elements expected: 'transactionRequest' in namespace '` + ns + `'.`,
		},
		"order_of_the_transaction": {
			tr(`"amount":"1.00","transactionType":"authOnlyTransaction"`),
			`The element 'transactionRequest' in namespace '` + ns + `' has invalid child element 'amount' in namespace '` + ns + `'. List of possible elements expected: 'transactionType' in namespace '` + ns + `'.`,
		},
		"twice": {
			full(`"refId":"1","refId":"2","transactionRequest":{"transactionType":"voidTransaction"}`),
			`The element 'createTransactionRequest' in namespace '` + ns + `' has invalid child element 'refId' in namespace '` + ns + `'. List of possible elements expected: 'transactionRequest' in namespace '` + ns + `'.`,
		},
		"too_long": {
			tr(`"transactionType":"authOnlyTransaction",` + invoice(strings.Repeat("9", 21))),
			`The '` + ns + `:invoiceNumber' element is invalid - The value '` + strings.Repeat("9", 21) + `' is invalid according to its datatype 'String' - The actual length is greater than the MaxLength value.`,
		},
		"too_short": {
			tr(`"transactionType":"authOnlyTransaction","payment":{"creditCard":{"cardNumber":"411","expirationDate":"1230"}}`),
			`The '` + ns + `:cardNumber' element is invalid - The value '411' is invalid according to its datatype 'String' - The actual length is less than the MinLength value.`,
		},
		"no_decimal": {
			tr(`"transactionType":"authOnlyTransaction","amount":"1,00"`),
			`The '` + ns + `:amount' element is invalid - The value '1,00' is invalid according to its datatype 'http://www.w3.org/2001/XMLSchema:decimal' - The string '1,00' is not a valid Decimal value.`,
		},
		"exponent": {
			tr(`"transactionType":"authOnlyTransaction","amount":1e2`),
			`The string '1e2' is not a valid Decimal value.`,
		},
		"negative":      {tr(`"transactionType":"authOnlyTransaction","amount":-1`), "The MinInclusive constraint failed."},
		"five_fraction": {tr(`"transactionType":"authOnlyTransaction","amount":"1.00001"`), "The FractionDigits constraint failed."},
		"card_code": {
			tr(`"transactionType":"authOnlyTransaction",` + card("4111111111111111", "12a")),
			`The '` + ns + `:cardCode' element is invalid - The value '12a' is invalid according to its datatype '` + ns + `:cardCode' - The Pattern constraint failed.`,
		},
		"unknown_type": {tr(`"transactionType":"sale"`), "The Enumeration constraint failed."},
		"two_instruments": {
			tr(`"transactionType":"authOnlyTransaction","payment":{"creditCard":{"cardNumber":"4111111111111111","expirationDate":"1230"},"opaqueData":{"dataDescriptor":"a","dataValue":"b"}}`),
			`has invalid child element 'opaqueData'`,
		},
		"no_instrument": {
			tr(`"transactionType":"authOnlyTransaction","payment":{}`),
			`The element 'payment' in namespace '` + ns + `' has incomplete content. List of possible elements expected: 'creditCard, bankAccount, trackData`,
		},
		"text_for_a_sequence": {tr(`"transactionType":"authOnlyTransaction","payment":"4111111111111111"`), `The element 'payment' in namespace '` + ns + `' cannot contain text.`},
		"object_for_a_text":   {tr(`"transactionType":{"a":"b"}`), "content model is text only"},
		"unknown_setting": {
			tr(`"transactionType":"authOnlyTransaction","transactionSettings":{"setting":[{"settingName":"fast","settingValue":"1"}]}`),
			`The '` + ns + `:settingName' element is invalid`,
		},
		"settings_as_a_list": {
			tr(`"transactionType":"authOnlyTransaction","transactionSettings":[{"settingName":"testRequest","settingValue":"true"}]`),
			`The element 'transactionSettings' in namespace '` + ns + `' has invalid child element 'settingName'`,
		},
		"many_user_fields": {
			tr(`"transactionType":"authOnlyTransaction","userFields":{"userField":[` + strings.TrimSuffix(strings.Repeat(`{"name":"a","value":"b"},`, 21), ",") + `]}`),
			`has invalid child element 'userField'`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, err := s.send(t.Context(), tc.body)
			if err != nil {
				t.Fatal(err)
			}
			if m := r.Messages.Message[0]; r.Messages.ResultCode != "Error" || m.Code != "E00003" || !strings.Contains(m.Text, tc.text) {
				t.Errorf("message %+v\nwant text %s", m, tc.text)
			}
		})
	}
}

// TestEveryElement sends the elements of a transaction in the order of the
// vendor's schema.
func TestEveryElement(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	r := s.run(t, sale, `"amount":"19.99","currencyCode":"USD",`+visa+`,"solution":{"id":"AAA100302"},"terminalNumber":"1",
		"order":{"invoiceNumber":"INV-1","description":"Goods"},
		"lineItems":{"lineItem":[{"itemId":"1","name":"vase","quantity":"2","unitPrice":"9.99","taxable":true},{"itemId":"2","name":"cup","quantity":1,"unitPrice":0.01}]},
		"tax":{"amount":"0.55","name":"VAT"},"duty":{"amount":0},"shipping":{"amount":"4.2500","name":"post"},"taxExempt":false,"poNumber":"PO",
		"customer":{"type":"individual","id":"c-1","email":"a@example.com"},
		"billTo":{"firstName":"A","lastName":"B","address":"1 Street","city":"C","state":"TX","zip":"44628","country":"US","phoneNumber":"1","email":"a@example.com"},
		"shipTo":{"firstName":"A","zip":"44628"},"customerIP":"192.168.1.1",
		"cardholderAuthentication":{"authenticationIndicator":"5","cardholderAuthenticationValue":"x"},"retail":{"marketType":"0","deviceType":"8"},
		"transactionSettings":{"setting":[{"settingName":"duplicateWindow","settingValue":"600"},{"settingName":"emailCustomer","settingValue":"false"}]},
		"userFields":{"userField":[{"name":"order","value":"1"}]},
		"processingOptions":{"isStoredCredentials":true},"subsequentAuthInformation":{"reason":"resubmission"},
		"shipFrom":{"zip":"1"},"authorizationIndicatorType":{"authorizationIndicator":"final"}`)
	tr := r.Transaction
	if r.reason() != "1/1" || tr.AVS != "Y" || tr.CVV != "M" || tr.Account != "XXXX1111" || tr.AccountType != "Visa" || len(tr.NetworkID) != 15 || len(tr.AuthCode) != 6 || tr.TransID != "60000000001" {
		t.Errorf("reply %+v", tr)
	}
	d := s.details(t, tr.TransID)
	if got := d["order"].(map[string]any)["invoiceNumber"]; got != "INV-1" {
		t.Errorf("invoice number %v", got)
	}
	if d["settleAmount"] != 19.99 || d["transactionStatus"] != "capturedPendingSettlement" {
		t.Errorf("details %v", d)
	}
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	const amex = "370000000000002"
	tests := []struct {
		name, number, code, zip string
		want, avs, cvv, brand   string
	}{
		{"decline", "4111111111111111", "", "46282", "2/2", "Y", "", "Visa"},
		{"avs_a", "4111111111111111", "", "46201", "1/1", "A", "", "Visa"},
		{"avs_e", "4111111111111111", "", "46203", "1/1", "E", "", "Visa"},
		{"avs_g", "4111111111111111", "", "46204", "1/1", "G", "", "Visa"},
		{"avs_g_amex", amex, "", "46204", "1/1", "Y", "", "AmericanExpress"},
		{"avs_n", "4111111111111111", "", "46205", "1/1", "N", "", "Visa"},
		{"avs_p", "4111111111111111", "", "46206", "1/1", "P", "", "Visa"},
		{"avs_r", "4111111111111111", "", "46207", "1/1", "R", "", "Visa"},
		{"avs_s", "4111111111111111", "", "46208", "1/1", "S", "", "Visa"},
		{"avs_u", "4111111111111111", "", "46209", "1/1", "U", "", "Visa"},
		{"avs_w", "4111111111111111", "", "46211", "1/1", "W", "", "Visa"},
		{"avs_w_amex", amex, "", "46211", "1/1", "Y", "", "AmericanExpress"},
		{"avs_x_visa", "4111111111111111", "", "46214", "1/1", "Y", "", "Visa"},
		{"avs_x", "5424000000000015", "", "46214", "1/1", "X", "", "MasterCard"},
		{"avs_z", "4111111111111111", "", "46217", "1/1", "Z", "", "Visa"},
		{"avs_none", "4111111111111111", "", "", "1/1", "P", "", "Visa"},
		{"cvv_m", "4007000000027", "900", "1", "1/1", "Y", "M", "Visa"},
		{"cvv_n", "4012888818888", "901", "1", "1/1", "Y", "N", "Visa"},
		{"cvv_s", "2223000010309703", "902", "1", "1/1", "Y", "S", "MasterCard"},
		{"cvv_u", "2223000010309711", "903", "1", "1/1", "Y", "U", "MasterCard"},
		{"cvv_p", "6011000000000012", "904", "1", "1/1", "Y", "P", "Discover"},
		{"jcb", "3088000000000017", "123", "1", "1/1", "Y", "P", "JCB"},
		{"diners", "38000000000006", "123", "1", "1/1", "Y", "P", "DinersClub"},
		{"amex_four", amex, "1234", "1", "1/1", "Y", "P", "AmericanExpress"},
		{"held_before", "4111111111111111", "", "46252", "4/252", "Y", "", "Visa"},
		{"held_after", "4111111111111111", "", "46253", "4/253", "Y", "", "Visa"},
		{"luhn", "4111111111111112", "", "", "3/6", "P", "", "Visa"},
		{"brand", "9999999999999995", "", "", "3/17", "P", "", ""},
	}
	s := newShop(t, authorizenet.Options{})
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := s.run(t, auth, `"amount":"10.00",`+card(tc.number, tc.code)+","+invoice(tc.name)+","+zip(tc.zip))
			got := []string{r.reason(), r.Transaction.AVS, r.Transaction.CVV, r.Transaction.AccountType}
			if diff := cmp.Diff([]string{tc.want, tc.avs, tc.cvv, tc.brand}, got); diff != "" {
				t.Error(diff)
			}
			if stored := r.Transaction.TransID != "0"; stored != !strings.HasPrefix(tc.want, "3") {
				t.Errorf("transaction id %s", r.Transaction.TransID)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	item := `{"itemId":"1","name":"a","quantity":1,"unitPrice":1}`
	for name, tc := range map[string]struct{ kind, elements, want string }{
		"no_amount":        {auth, visa, "3/5"},
		"three_digits":     {auth, `"amount":"1.001",` + visa, "3/5"},
		"zero_sale":        {sale, `"amount":"0.00",` + visa, "3/5"},
		"zero_auth":        {auth, `"amount":"0.00",` + visa, "1/1"},
		"zero_auth_jcb":    {auth, `"amount":"0.00",` + card("3088000000000017", ""), "3/289"},
		"too_much":         {auth, `"amount":"100000000.00",` + visa, "3/49"},
		"currency":         {auth, `"amount":"1","currencyCode":"EUR",` + visa, "3/39"},
		"no_card":          {auth, `"amount":"1"`, "3/6"},
		"expired":          {auth, `"amount":"1","payment":{"creditCard":{"cardNumber":"4111111111111111","expirationDate":"2026-02"}}`, "3/8"},
		"this_month":       {auth, `"amount":"1","payment":{"creditCard":{"cardNumber":"4111111111111111","expirationDate":"03/2026"}}`, "1/1"},
		"month_13":         {auth, `"amount":"1","payment":{"creditCard":{"cardNumber":"4111111111111111","expirationDate":"1330"}}`, "3/7"},
		"line_items":       {auth, `"amount":"1",` + visa + `,"lineItems":{"lineItem":[` + strings.Repeat(item+",", 30) + item + `]}`, "3/271"},
		"no_auth_code":     {"captureOnlyTransaction", `"amount":"1",` + visa, "3/12"},
		"voice_approval":   {"captureOnlyTransaction", `"amount":"1",` + visa + `,"authCode":"ABC123"`, "1/1"},
		"split_unknown":    {auth, `"amount":"1",` + visa + `,"splitTenderId":"77"`, "3/296"},
		"paypal":           {"authOnlyContinueTransaction", `"amount":"1"`, "3/69"},
		"capture_no_id":    {capture, `"amount":"1"`, "3/15"},
		"capture_unknown":  {capture, `"amount":"1","refTransId":"1"`, "3/16"},
		"void_unknown":     {void, `"refTransId":"1"`, "3/16"},
		"refund_unknown":   {refund, `"amount":"1",` + visa + `,"refTransId":"1"`, "3/16"},
		"refund_no_amount": {refund, visa + `,"refTransId":"1"`, "3/5"},
		"unlinked":         {refund, `"amount":"1",` + visa, "3/54"},
		"profile_and_card": {auth, `"amount":"1",` + visa + `,"profile":{"customerProfileId":"1"}`, "E00090"},
		"wallet_and_card":  {auth, `"amount":"1",` + visa + `,"profile":{"customerProfileId":"1","paymentProfile":{"paymentProfileId":"1"}}`, "E00091"},
		"profile_billing":  {auth, `"amount":"1","profile":{"customerProfileId":"1"},` + zip("1"), "E00093"},
		"profile_shipping": {auth, `"amount":"1","profile":{"customerProfileId":"1","shippingProfileId":"2"},"shipTo":{"zip":"1"}`, "E00092"},
		"create_with_ids":  {auth, `"amount":"1",` + visa + `,"profile":{"createProfile":true,"customerProfileId":"1"}`, "E00088"},
		"create_no_data":   {auth, `"amount":"1","profile":{"createProfile":true}`, "E00089"},
		"unknown_profile":  {auth, `"amount":"1","profile":{"customerProfileId":"1"}`, "E00040"},
		"unknown_token":    {auth, `"amount":"1","payment":{"opaqueData":{"dataDescriptor":"COMMON.ACCEPT.INAPP.PAYMENT","dataValue":"x"}}`, "E00114"},
		"other_descriptor": {auth, `"amount":"1","payment":{"opaqueData":{"dataDescriptor":"OTHER","dataValue":"x"}}`, "E00113"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, authorizenet.Options{})
			if r := s.run(t, tc.kind, tc.elements); r.reason() != tc.want {
				t.Errorf("reason %s, want %s: %+v", r.reason(), tc.want, r)
			}
		})
	}
}

func TestPartialApproval(t *testing.T) {
	t.Parallel()
	const allow = `"transactionSettings":{"setting":{"settingName":"allowPartialAuth","settingValue":"true"}}`
	for name, tc := range map[string]struct {
		zip, settings             string
		o                         authorizenet.Options
		want, approved, remaining string
	}{
		"part":               {"46225", "," + allow, authorizenet.Options{}, "1/1", "1.23", ""},
		"part_as_held":       {"46225", "," + allow, authorizenet.Options{PartialHeld: true}, "4/295", "1.23", ""},
		"part_not_allowed":   {"46225", "", authorizenet.Options{}, "2/2", "", ""},
		"all":                {"46226", "," + allow, authorizenet.Options{}, "1/1", "10.00", "1.23"},
		"all_overdrawn":      {"46227", "," + allow, authorizenet.Options{}, "1/1", "10.00", "-1.23"},
		"all_and_empty":      {"46228", "," + allow, authorizenet.Options{}, "1/1", "10.00", "0.00"},
		"all_without_switch": {"46226", "", authorizenet.Options{}, "1/1", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, tc.o)
			r := s.run(t, auth, `"amount":"10.00",`+visa+","+zip(tc.zip)+tc.settings)
			p := r.Transaction.Prepaid
			if r.reason() != tc.want || p["approvedAmount"] != tc.approved || p["balanceOnCard"] != tc.remaining {
				t.Errorf("reason %s, card %v", r.reason(), p)
			}
		})
	}

	t.Run("group", func(t *testing.T) {
		t.Parallel()
		for _, status := range []string{"completed", "voided"} {
			s := newShop(t, authorizenet.Options{})
			first := s.run(t, sale, `"amount":"10.00",`+visa+","+zip("46225")+","+allow).Transaction
			second := s.run(t, sale, `"amount":"8.77",`+visa+`,"splitTenderId":"`+first.SplitTenderID+`"`).Transaction
			if first.SplitTenderID == "" || second.SplitTenderID != first.SplitTenderID {
				t.Fatalf("groups %q and %q", first.SplitTenderID, second.SplitTenderID)
			}
			if got := s.details(t, first.TransID)["transactionStatus"]; got != "authorizedPendingRelease" {
				t.Errorf("status %v", got)
			}
			update := `"splitTenderId":"` + first.SplitTenderID + `","splitTenderStatus":"` + status + `"`
			if r := s.call(t, "updateSplitTenderGroupRequest", update); r.Messages.ResultCode != "Ok" {
				t.Fatalf("update: %+v", r)
			}
			want := map[string]string{"completed": "capturedPendingSettlement", "voided": "voided"}[status]
			for _, id := range []string{first.TransID, second.TransID} {
				if got := s.details(t, id)["transactionStatus"]; got != want {
					t.Errorf("after %s transaction %s is %v, want %s", status, id, got, want)
				}
			}
			if r := s.run(t, sale, `"amount":"1.00",`+visa+`,"splitTenderId":"`+first.SplitTenderID+`"`); r.reason() != "3/298" {
				t.Errorf("a closed group: %s", r.reason())
			}
		}
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{RejectAVS: "N", RejectCVV: "NS"})
	for name, tc := range map[string]struct{ zip, code, want string }{
		"address": {"46205", "900", "2/27"},
		"code":    {"1", "901", "2/65"},
		"both":    {"46205", "902", "2/45"},
		"none":    {"1", "900", "1/1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := s.run(t, auth, `"amount":"1",`+card("4111111111111111", tc.code)+","+invoice(name)+","+zip(tc.zip)); r.reason() != tc.want {
				t.Errorf("reason %s, want %s", r.reason(), tc.want)
			}
		})
	}
}

func TestECheck(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	bank := func(routing, account string) string {
		return `"payment":{"bankAccount":{"accountType":"checking","routingNumber":"` + routing + `","accountNumber":"` + account + `","nameOnAccount":"A B"}}`
	}
	for name, tc := range map[string]struct{ kind, amount, routing, account, want string }{
		"approved": {sale, "100.00", "121042882", "123456789", "1/1"},
		"declined": {sale, "100.01", "121042882", "123456789", "2/2"},
		"routing":  {sale, "1.00", "121042881", "123456789", "3/9"},
		"account":  {sale, "1.00", "121042882", "12A", "3/10"},
		"auth":     {auth, "1.00", "121042882", "123456789", "3/53"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := s.run(t, tc.kind, `"amount":"`+tc.amount+`",`+bank(tc.routing, tc.account)+","+invoice(name))
			if r.reason() != tc.want || r.Transaction.AccountType != "eCheck" {
				t.Errorf("reason %s, want %s, account type %s", r.reason(), tc.want, r.Transaction.AccountType)
			}
		})
	}
}

func TestTestMode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ amount, settings, want string }{
		"setting": {"19.00", `,"transactionSettings":{"setting":[{"settingName":"testRequest","settingValue":"true"}]}`, "3/19"},
		"decline": {"2.00", `,"transactionSettings":{"setting":[{"settingName":"testRequest","settingValue":"true"}]}`, "2/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, authorizenet.Options{})
			r := s.run(t, auth, `"amount":"`+tc.amount+`",`+card("4222222222222", "")+tc.settings)
			if r.reason() != tc.want || r.Transaction.TransID != "0" || r.Transaction.Test != "1" || len(s.Ledger.Accounts()) != 0 {
				t.Errorf("reply %+v, ledger %v", r.Transaction, s.Ledger.Accounts())
			}
		})
	}
	t.Run("account", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, authorizenet.Options{TestMode: true})
		if r := s.run(t, auth, `"amount":"7.00",`+visa); r.reason() != "1/1" || r.Transaction.TransID != "0" || r.Transaction.Test != "1" {
			t.Errorf("reply %+v", r.Transaction)
		}
	})
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	window := func(n string) string {
		return `,"transactionSettings":{"setting":[{"settingName":"duplicateWindow","settingValue":"` + n + `"}]}`
	}
	for name, tc := range map[string]struct {
		settings string
		after    time.Duration
		want     string
		firstID  bool
	}{
		"default":          {"", 119 * time.Second, "3/11", false},
		"default_over":     {"", 120 * time.Second, "1/1", false},
		"window":           {window("600"), 599 * time.Second, "3/11", true},
		"window_over":      {window("600"), 600 * time.Second, "1/1", false},
		"window_off":       {window("0"), 0, "1/1", false},
		"window_too_large": {window("90000"), 8*time.Hour - time.Second, "3/11", true},
		"window_max_over":  {window("90000"), 8 * time.Hour, "1/1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clock.NewManual(start)
			s := newShop(t, authorizenet.Options{Options: sim.Options{Clock: c}})
			body := `"amount":"10.00",` + visa + "," + invoice("I1") + tc.settings
			first := s.run(t, auth, body)
			c.Advance(tc.after)
			r := s.run(t, auth, body)
			if r.reason() != tc.want || (r.Transaction.TransID == first.Transaction.TransID) != tc.firstID {
				t.Errorf("reason %s, id %s after %s", r.reason(), r.Transaction.TransID, first.Transaction.TransID)
			}
		})
	}
	t.Run("fields", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, authorizenet.Options{})
		s.run(t, auth, `"amount":"10.00",`+visa+","+invoice("I1"))
		for name, tc := range map[string]struct{ kind, body, want string }{
			"same":    {auth, `"amount":10,` + card("4111111111111111", "901") + "," + invoice("I1"), "1/1"}, // the expiry is written differently
			"code":    {auth, `"amount":10,"payment":{"creditCard":{"cardNumber":"4111111111111111","expirationDate":"2030-12"}},` + invoice("I1"), "3/11"},
			"amount":  {auth, `"amount":"10.01",` + visa + "," + invoice("I1"), "1/1"},
			"invoice": {auth, `"amount":"10.00",` + visa + "," + invoice("I2"), "1/1"},
			"type":    {sale, `"amount":"10.00",` + visa + "," + invoice("I1"), "1/1"},
			"zip":     {auth, `"amount":"10.00",` + visa + "," + invoice("I1") + "," + zip("1"), "1/1"},
		} {
			if r := s.run(t, tc.kind, tc.body); r.reason() != tc.want {
				t.Errorf("%s: reason %s, want %s", name, r.reason(), tc.want)
			}
		}
	})
}

func TestLifeOfAPayment(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{CutOff: 20 * time.Hour})
	id := s.run(t, auth, `"amount":"100.00",`+visa+","+invoice("I1")).Transaction.TransID
	refundOf := func(id, amount string) string {
		return `"amount":"` + amount + `","payment":{"creditCard":{"cardNumber":"1111","expirationDate":"XXXX"}},"refTransId":"` + id + `"`
	}
	step := func(name, want string, r apiReply) string {
		t.Helper()
		if r.reason() != want {
			t.Errorf("%s: reason %s, want %s", name, r.reason(), want)
		}
		return r.Transaction.TransID
	}
	step("refund too early", "3/54", s.run(t, refund, refundOf(id, "1.00")))
	step("capture too much", "3/47", s.run(t, capture, `"amount":"100.01","refTransId":"`+id+`"`))
	if got := step("capture", "1/1", s.run(t, capture, `"amount":"60.00","refTransId":"`+id+`"`)); got != id {
		t.Errorf("the capture has id %s, not %s", got, id)
	}
	step("second capture", "1/311", s.run(t, capture, `"amount":"40.00","refTransId":"`+id+`"`))
	step("refund before settlement", "3/54", s.run(t, refund, refundOf(id, "1.00")))
	if list := s.call(t, "getUnsettledTransactionListRequest", "").Transactions; len(list) != 1 || list[0]["settleAmount"] != 60.0 || list[0]["invoiceNumber"] != "I1" {
		t.Errorf("unsettled: %v", list)
	}

	s.Advance(24 * time.Hour)
	if got := s.details(t, id)["transactionStatus"]; got != "settledSuccessfully" {
		t.Errorf("status %v", got)
	}
	if r := s.call(t, "getUnsettledTransactionListRequest", ""); r.reason() != "I00004" || r.Transactions != nil {
		t.Errorf("unsettled after settlement: %+v", r)
	}
	batches := s.call(t, "getSettledBatchListRequest", `"includeStatistics":true`).Batches
	if len(batches) != 1 || batches[0]["settlementTimeUTC"] != "2026-03-02T20:00:00Z" {
		t.Fatalf("batches: %v", batches)
	}
	if list := s.call(t, "getTransactionListRequest", `"batchId":"`+batches[0]["batchId"].(string)+`"`).Transactions; len(list) != 1 || list[0]["transId"] != id {
		t.Errorf("batch: %v", list)
	}

	step("void after settlement", "3/16", s.run(t, void, `"refTransId":"`+id+`"`))
	part := step("refund", "1/1", s.run(t, refund, refundOf(id, "25.00")))
	step("the same refund", "3/11", s.run(t, refund, refundOf(id, "25.00")))
	step("refund too much", "3/55", s.run(t, refund, refundOf(id, "35.01")))
	step("void the refund", "1/1", s.run(t, void, `"refTransId":"`+part+`"`))
	step("void it again", "1/310", s.run(t, void, `"refTransId":"`+part+`"`))
	rest := step("refund all", "1/1", s.run(t, refund, refundOf(id, "60.00")))
	other := strings.Replace(refundOf(id, "1.00"), `"1111"`, `"2222"`, 1)
	step("refund to another card", "3/54", s.run(t, refund, other))
	if d := s.details(t, rest); d["refTransId"] != id || d["transactionStatus"] != "refundPendingSettlement" {
		t.Errorf("refund: %v", d)
	}
	s.Settle()
	if d := s.details(t, rest); d["transactionStatus"] != "refundSettledSuccessfully" {
		t.Errorf("refund: %v", d)
	}

	a, _ := s.Ledger.Account(id)
	got := []int64{a.Authorized, a.Captured, a.Voided, a.Refunded, a.Net}
	if diff := cmp.Diff([]int64{10000, 6000, 4000, 6000, 0}, got); diff != "" || a.Reference != "I1" || a.Currency != "usd" {
		t.Errorf("account %+v\n%s", a, diff)
	}
}

func TestVoidOfACapture(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	id := s.run(t, sale, `"amount":"5.00",`+visa).Transaction.TransID
	if r := s.run(t, void, `"refTransId":"`+id+`"`); r.reason() != "1/1" {
		t.Errorf("void: %s", r.reason())
	}
	if r := s.run(t, capture, `"refTransId":"`+id+`"`); r.reason() != "3/16" {
		t.Errorf("capture of what was voided: %s", r.reason())
	}
	a, _ := s.Ledger.Account(id)
	if diff := cmp.Diff([]int64{500, 500, 500, 0}, []int64{a.Authorized, a.Captured, a.Voided, a.Net}); diff != "" {
		t.Error(diff)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	id := s.run(t, auth, `"amount":"5.00",`+visa).Transaction.TransID
	s.Advance(30 * 24 * time.Hour)
	if got := s.details(t, id)["transactionStatus"]; got != "expired" {
		t.Errorf("status %v", got)
	}
	if r := s.run(t, capture, `"refTransId":"`+id+`"`); r.reason() != "3/16" {
		t.Errorf("capture: %s", r.reason())
	}
	if a, _ := s.Ledger.Account(id); a.Voided != 500 {
		t.Errorf("account %+v", a)
	}
}

func TestRefundAge(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{ExpandedCredits: true})
	id := s.run(t, sale, `"amount":"5.00",`+visa).Transaction.TransID
	s.Settle()
	s.Advance(120*24*time.Hour + time.Second)
	if r := s.run(t, refund, `"amount":"1.00",`+visa+`,"refTransId":"`+id+`"`); r.reason() != "3/54" {
		t.Errorf("refund: %s", r.reason())
	}
	if r := s.run(t, refund, `"amount":"1.01",`+visa); r.reason() != "1/1" {
		t.Errorf("unlinked credit: %s", r.reason())
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	update := func(action, id string) string {
		return `"heldTransactionRequest":{"action":"` + action + `","refTransId":"` + id + `"}`
	}
	for name, tc := range map[string]struct{ kind, zip, action, before, want, after string }{
		"approve_unauthorized": {auth, "46252", "approve", "FDSPendingReview", "1/1", "authorizedPendingCapture"},
		"approve_authorized":   {sale, "46253", "approve", "FDSAuthorizedPendingReview", "1/1", "capturedPendingSettlement"},
		"decline_unauthorized": {auth, "46252", "decline", "FDSPendingReview", "2/254", "declined"},
		"decline_authorized":   {auth, "46253", "decline", "FDSAuthorizedPendingReview", "2/254", "voided"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, authorizenet.Options{})
			id := s.run(t, tc.kind, `"amount":"5.00",`+visa+","+zip(tc.zip)).Transaction.TransID
			s.run(t, auth, `"amount":"6.00",`+visa)
			if list := s.call(t, "getUnsettledTransactionListRequest", `"status":"pendingApproval"`).Transactions; len(list) != 1 || list[0]["transactionStatus"] != tc.before {
				t.Errorf("held: %v", list)
			}
			if r := s.run(t, capture, `"refTransId":"`+id+`"`); r.reason() != "3/64" {
				t.Errorf("capture while held: %s", r.reason())
			}
			if r := s.call(t, "updateHeldTransactionRequest", update(tc.action, id)); r.reason() != tc.want {
				t.Errorf("%s: %s", tc.action, r.reason())
			}
			if got := s.details(t, id)["transactionStatus"]; got != tc.after {
				t.Errorf("status %v, want %s", got, tc.after)
			}
			if r := s.call(t, "updateHeldTransactionRequest", update(tc.action, id)); r.reason() != "3/16" {
				t.Errorf("again: %s", r.reason())
			}
		})
	}
	t.Run("approved_and_refused_by_the_issuer", func(t *testing.T) {
		t.Parallel()
		s := newShop(t, authorizenet.Options{})
		id := s.run(t, auth, `"amount":"5.00",`+visa+","+zip("46252")).Transaction.TransID
		s.faults(t, `{"kind":"outcome","operation":"updateHeld","code":"2"}`)
		if r := s.call(t, "updateHeldTransactionRequest", update("approve", id)); r.reason() != "2/2" {
			t.Errorf("approve: %s", r.reason())
		}
		if a, _ := s.Ledger.Account(id); a.Authorized != 0 {
			t.Errorf("account %+v", a)
		}
	})
}

func TestLists(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	s := newShop(t, authorizenet.Options{Options: sim.Options{Clock: c}, ListLag: 10 * time.Second})
	for i := range 5 {
		s.run(t, auth, fmt.Sprintf(`"amount":"%d.00",%s,%s`, i+1, visa, invoice(fmt.Sprint("I", i))))
		c.Advance(4 * time.Second)
	}
	page := func(elements string) string {
		var found []string
		for _, row := range s.call(t, "getUnsettledTransactionListRequest", elements).Transactions {
			found = append(found, row["invoiceNumber"].(string))
		}
		return strings.Join(found, " ")
	}
	for elements, want := range map[string]string{
		"": "I0 I1 I2", // the others are too young
		`"sorting":{"orderBy":"submitTimeUTC","orderDescending":true}`:                                      "I2 I1 I0",
		`"sorting":{"orderBy":"id","orderDescending":false},"paging":{"limit":2,"offset":1}`:                "I0 I1",
		`"sorting":{"orderBy":"id","orderDescending":false},"paging":{"limit":2,"offset":2}`:                "I2",
		`"status":"any","sorting":{"orderBy":"id","orderDescending":false},"paging":{"limit":2,"offset":3}`: "",
	} {
		if got := page(elements); got != want {
			t.Errorf("list of %q: %s, want %s", elements, got, want)
		}
	}
	if r := s.call(t, "getUnsettledTransactionListRequest", `"paging":{"limit":1001,"offset":1}`); r.reason() != "E00003" {
		t.Errorf("limit 1001: %s", r.reason())
	}
	if r := s.call(t, "getTransactionDetailsRequest", `"transId":"1"`); r.reason() != "E00040" {
		t.Errorf("unknown id: %s", r.reason())
	}
	if r := s.call(t, "getSettledBatchListRequest", `"firstSettlementDate":"2026-01-01T00:00:00Z","lastSettlementDate":"2026-02-02T00:00:00Z"`); r.reason() != "E00013" {
		t.Errorf("32 days: %s", r.reason())
	}
	off := newShop(t, authorizenet.Options{NoDetails: true})
	if r := off.call(t, "getTransactionDetailsRequest", `"transId":"1"`); r.reason() != "E00011" {
		t.Errorf("without the Transaction Details API: %s", r.reason())
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	s := newShop(t, authorizenet.Options{Options: sim.Options{Clock: c}})
	pay := func(token string) string {
		return `"amount":"1.00","payment":{"opaqueData":{"dataDescriptor":"COMMON.ACCEPT.INAPP.PAYMENT","dataValue":"` + token + `"}}`
	}
	var token struct{ DataDescriptor, DataValue string }
	s.admin(t, http.MethodPost, "/_sim/nonces", `{"cardNumber":"5424000000000015","expirationDate":"1230","cardCode":"901"}`, &token)
	r := s.run(t, auth, pay(token.DataValue))
	if r.reason() != "1/1" || r.Transaction.CVV != "N" || r.Transaction.AccountType != "MasterCard" || token.DataDescriptor != "COMMON.ACCEPT.INAPP.PAYMENT" {
		t.Errorf("reply %+v", r.Transaction)
	}
	if r := s.run(t, auth, pay(token.DataValue)); r.reason() != "E00114" {
		t.Errorf("second use: %s", r.reason())
	}
	old := s.Nonce(authorizenet.Card{Number: "4111111111111111", Expiry: "1230"})
	c.Advance(15*time.Minute + time.Second)
	if r := s.run(t, auth, pay(old)); r.reason() != "E00115" {
		t.Errorf("after its time: %s", r.reason())
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	wallet := `"billTo":{"firstName":"A","zip":"46205"},` + visa
	created := s.call(t, "createCustomerProfileRequest", `"profile":{"merchantCustomerId":"c1","email":"a@example.com","paymentProfiles":[{`+wallet+`}]},"validationMode":"testMode"`)
	if created.ProfileID == "" || len(created.Wallets) != 1 {
		t.Fatalf("profile: %+v", created)
	}
	by := `"profile":{"customerProfileId":"` + created.ProfileID + `","paymentProfile":{"paymentProfileId":"` + created.Wallets[0] + `","cardCode":"900"}}`
	r := s.run(t, auth, `"amount":"3.00",`+by)
	if r.reason() != "1/1" || r.Transaction.AVS != "N" || r.Transaction.CVV != "M" || r.Transaction.Profile["customerProfileId"] != created.ProfileID {
		t.Errorf("charge: %+v", r.Transaction)
	}
	if list := s.call(t, "getTransactionListForCustomerRequest", `"customerProfileId":"`+created.ProfileID+`"`).Transactions; len(list) != 1 {
		t.Errorf("transactions of the customer: %v", list)
	}

	for name, tc := range map[string]struct{ method, elements, want string }{
		"duplicate":         {"createCustomerProfileRequest", `"profile":{"merchantCustomerId":"c1","email":"a@example.com"}`, "E00039"},
		"empty":             {"createCustomerProfileRequest", `"profile":{}`, "E00041"},
		"duplicate_wallet":  {"createCustomerPaymentProfileRequest", `"customerProfileId":"` + created.ProfileID + `","paymentProfile":{` + wallet + `}`, "E00039"},
		"no_payment":        {"createCustomerPaymentProfileRequest", `"customerProfileId":"` + created.ProfileID + `","paymentProfile":{}`, "E00029"},
		"declined_wallet":   {"createCustomerPaymentProfileRequest", `"customerProfileId":"` + created.ProfileID + `","paymentProfile":{"billTo":{"zip":"46282"},` + visa + `},"validationMode":"liveMode"`, "E00027"},
		"second_wallet":     {"createCustomerPaymentProfileRequest", `"customerProfileId":"` + created.ProfileID + `","paymentProfile":{` + card("5424000000000015", "") + `},"validationMode":"liveMode"`, "I00001"},
		"validate":          {"validateCustomerPaymentProfileRequest", `"customerProfileId":"` + created.ProfileID + `","customerPaymentProfileId":"` + created.Wallets[0] + `","validationMode":"liveMode"`, "I00001"},
		"address":           {"createCustomerShippingAddressRequest", `"customerProfileId":"` + created.ProfileID + `","address":{"zip":"1"}`, "I00001"},
		"by_merchant_id":    {"getCustomerProfileRequest", `"merchantCustomerId":"c1"`, "I00001"},
		"unknown":           {"getCustomerProfileRequest", `"customerProfileId":"1"`, "E00040"},
		"from_transaction":  {"createCustomerProfileFromTransactionRequest", `"transId":"` + r.Transaction.TransID + `","customer":{"email":"b@example.com"}`, "I00001"},
		"from_unknown":      {"createCustomerProfileFromTransactionRequest", `"transId":"1"`, "E00040"},
		"wallet_of_another": {"deleteCustomerPaymentProfileRequest", `"customerProfileId":"` + created.ProfileID + `","customerPaymentProfileId":"1"`, "E00040"},
	} {
		if r := s.call(t, tc.method, tc.elements); r.reason() != tc.want {
			t.Errorf("%s: %s, want %s: %+v", name, r.reason(), tc.want, r)
		}
	}
	if p := s.call(t, "getCustomerProfileRequest", `"customerProfileId":"`+created.ProfileID+`"`).Profile; len(p["paymentProfiles"].([]any)) != 2 || len(p["shipToList"].([]any)) != 1 {
		t.Errorf("profile: %v", p)
	}
	if r := s.call(t, "deleteCustomerPaymentProfileRequest", `"customerProfileId":"`+created.ProfileID+`","customerPaymentProfileId":"`+created.Wallets[0]+`"`); r.reason() != "I00001" {
		t.Errorf("delete: %+v", r)
	}
	if r := s.run(t, auth, `"amount":"4.00",`+by); r.reason() != "E00040" {
		t.Errorf("charge of a deleted wallet: %s", r.reason())
	}

	with := s.run(t, auth, `"amount":"7.00",`+visa+`,"profile":{"createProfile":true},"customer":{"id":"c7"}`)
	if with.reason() != "1/1" || with.ProfileReply["customerProfileId"] == nil {
		t.Errorf("charge that makes a profile: %+v", with)
	}
	again := s.run(t, auth, `"amount":"8.00",`+visa+`,"profile":{"createProfile":true},"customer":{"id":"c7"}`)
	if again.reason() != "1/1" || again.ProfileReply["customerProfileId"] != nil {
		t.Errorf("charge whose profile exists: %+v", again)
	}
}

// TestOneCapture lets many capture and void one authorization at once.
func TestOneCapture(t *testing.T) {
	t.Parallel()
	s := newShop(t, authorizenet.Options{})
	id := s.run(t, auth, `"amount":"5.00",`+visa).Transaction.TransID
	var group sync.WaitGroup
	var mu sync.Mutex
	found := map[string]int{}
	for range 20 {
		group.Go(func() {
			out, _, err := s.send(context.Background(), `{"createTransactionRequest":{`+head+`,"transactionRequest":{"transactionType":"`+capture+`","refTransId":"`+id+`"}}}`)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			found[out.reason()]++
		})
	}
	group.Wait()
	if diff := cmp.Diff(map[string]int{"1/1": 1, "1/311": 19}, found); diff != "" {
		t.Error(diff)
	}
	if a, _ := s.Ledger.Account(id); a.Captured != 500 {
		t.Errorf("account %+v", a)
	}
}

// admin calls the administration.
func (s *shop) admin(t *testing.T, method, path, body string, out any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	raw, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode > 299 {
		t.Fatalf("%s %s: status %d, %s, error %v", method, path, reply.StatusCode, raw, err)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			t.Fatal(err)
		}
	}
}

// faults switches faults on.
func (s *shop) faults(t *testing.T, faults ...string) {
	t.Helper()
	s.admin(t, http.MethodPost, "/_sim/faults", `{"seed":7,"faults":[`+strings.Join(faults, ",")+`]}`, nil)
}
