package authorizenet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// The requests. The gateway turns JSON into XML and holds it against an
// xs:sequence: the order of the fields is the vendor's and must stay.

type authentication struct {
	Name           string `json:"name"`
	TransactionKey string `json:"transactionKey"`
}

// head begins every request.
type head struct {
	MerchantAuthentication authentication `json:"merchantAuthentication"`
	RefID                  string         `json:"refId,omitempty"` // at most 20 characters
}

type createTransaction struct {
	head
	TransactionRequest transactionRequest `json:"transactionRequest"`
}

type updateHeldTransaction struct {
	head
	HeldTransactionRequest struct {
		Action     string `json:"action"` // approve or decline
		RefTransID string `json:"refTransId"`
	} `json:"heldTransactionRequest"`
}

type getTransactionDetails struct {
	head
	TransID string `json:"transId"`
}

type getUnsettledTransactionList struct {
	head
	Sorting sorting `json:"sorting"`
	Paging  paging  `json:"paging"`
}

type getSettledBatchList struct {
	head
	FirstSettlementDate string `json:"firstSettlementDate"`
	LastSettlementDate  string `json:"lastSettlementDate"`
}

type getTransactionList struct {
	head
	BatchID string  `json:"batchId"`
	Sorting sorting `json:"sorting"`
	Paging  paging  `json:"paging"`
}

type sorting struct {
	OrderBy         string `json:"orderBy"`
	OrderDescending bool   `json:"orderDescending"`
}

type paging struct {
	Limit  int `json:"limit"`
	Offset int `json:"offset"` // the number of the page, from 1
}

type transactionRequest struct {
	TransactionType     string    `json:"transactionType"`
	Amount              string    `json:"amount,omitempty"` // decimal
	CurrencyCode        string    `json:"currencyCode,omitempty"`
	Payment             *source   `json:"payment,omitempty"`
	Profile             *profile  `json:"profile,omitempty"`
	RefTransID          string    `json:"refTransId,omitempty"`
	Order               *order    `json:"order,omitempty"`
	BillTo              *billTo   `json:"billTo,omitempty"`
	CustomerIP          string    `json:"customerIP,omitempty"`
	TransactionSettings *settings `json:"transactionSettings,omitempty"`
}

// source is what the money comes from: exactly one of its fields.
type source struct {
	CreditCard *creditCard `json:"creditCard,omitempty"`
	OpaqueData *opaqueData `json:"opaqueData,omitempty"`
}

// creditCard names the card of a refund: the last four digits, as the gateway
// gave them, and no date.
type creditCard struct {
	CardNumber     string `json:"cardNumber"`
	ExpirationDate string `json:"expirationDate"`
}

type opaqueData struct {
	DataDescriptor string `json:"dataDescriptor"`
	DataValue      string `json:"dataValue"`
}

type profile struct {
	CustomerProfileID string `json:"customerProfileId"`
	PaymentProfile    struct {
		PaymentProfileID string `json:"paymentProfileId"`
	} `json:"paymentProfile"`
}

type order struct {
	InvoiceNumber string `json:"invoiceNumber"` // at most 20 characters
	Description   string `json:"description"`
}

type billTo struct {
	FirstName string `json:"firstName,omitempty"`
	LastName  string `json:"lastName,omitempty"`
	Company   string `json:"company,omitempty"`
	Address   string `json:"address,omitempty"`
	City      string `json:"city,omitempty"`
	State     string `json:"state,omitempty"`
	Zip       string `json:"zip,omitempty"`
	Country   string `json:"country,omitempty"`
}

type settings struct {
	Setting []setting `json:"setting"`
}

type setting struct {
	SettingName  string `json:"settingName"`
	SettingValue string `json:"settingValue"`
}

// The replies. Fields that the gateway adds are ignored.

type reply struct {
	TransactionResponse *transactionResponse `json:"transactionResponse"`
	Transaction         *transaction         `json:"transaction"`
	Transactions        []summary            `json:"transactions"`
	BatchList           []struct {
		BatchID text `json:"batchId"`
	} `json:"batchList"`
	Messages struct {
		ResultCode string    `json:"resultCode"`
		Message    []message `json:"message"`
	} `json:"messages"`
}

// message of an envelope: codes are like I00001 and E00007.
type message struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// code returns the envelope's first code.
func (r reply) code() string {
	if len(r.Messages.Message) == 0 {
		return ""
	}
	return r.Messages.Message[0].Code
}

type transactionResponse struct {
	ResponseCode  text   `json:"responseCode"` // 1 approved, 2 declined, 3 error, 4 held
	AuthCode      string `json:"authCode"`
	AVSResultCode string `json:"avsResultCode"`
	CVVResultCode string `json:"cvvResultCode"`
	AccountType   string `json:"accountType"` // the card's brand
	TransID       text   `json:"transId"`
	PrePaidCard   *struct {
		ApprovedAmount text `json:"approvedAmount"`
	} `json:"prePaidCard"`
	Messages []struct {
		Code        text   `json:"code"`
		Description string `json:"description"`
	} `json:"messages"`
	Errors []struct {
		ErrorCode text   `json:"errorCode"`
		ErrorText string `json:"errorText"`
	} `json:"errors"`
}

// reason returns the reason code and its words.
func (t transactionResponse) reason() (code, words string) {
	switch {
	case len(t.Errors) > 0:
		return string(t.Errors[0].ErrorCode), t.Errors[0].ErrorText
	case len(t.Messages) > 0:
		return string(t.Messages[0].Code), t.Messages[0].Description
	}
	return "", ""
}

// transaction is what the gateway's books say of a transaction now.
type transaction struct {
	TransID                   text   `json:"transId"`
	RefTransID                text   `json:"refTransId"`
	TransactionStatus         string `json:"transactionStatus"`
	ResponseCode              text   `json:"responseCode"`
	ResponseReasonCode        text   `json:"responseReasonCode"`
	ResponseReasonDescription string `json:"responseReasonDescription"`
	AuthCode                  string `json:"authCode"`
	AVSResponse               string `json:"AVSResponse"`
	CardCodeResponse          string `json:"cardCodeResponse"`
	Order                     struct {
		InvoiceNumber string `json:"invoiceNumber"`
	} `json:"order"`
	AuthAmount   text `json:"authAmount"`
	SettleAmount text `json:"settleAmount"`
	Payment      struct {
		CreditCard struct {
			CardNumber string `json:"cardNumber"` // XXXX1111
		} `json:"creditCard"`
	} `json:"payment"`
}

// summary is a row of a list.
type summary struct {
	TransID       text   `json:"transId"`
	SubmitTimeUTC string `json:"submitTimeUTC"`
	InvoiceNumber string `json:"invoiceNumber"`
}

// text reads what the gateway writes now as a string, now as a number.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if b[0] != '"' {
		*t = text(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// maxReply bounds a reply: a page of a list is 1,000 rows of some 500 bytes.
const maxReply = 4 << 20

var errReply = errors.New("the reply cannot be read")

// call sends one request and reads the reply. An error means that it is not
// known whether the gateway did what it was asked.
func (g *Gateway) call(ctx context.Context, method string, request any) (reply, error) {
	r, err := g.roundTrip(ctx, method, request)
	if err != nil {
		return reply{}, fmt.Errorf("authorize.net %s: %w", method, err)
	}
	return r, nil
}

func (g *Gateway) roundTrip(ctx context.Context, method string, request any) (r reply, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return r, err
	}
	body = fmt.Appendf(nil, `{"%sRequest":%s}`, method, body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url, bytes.NewReader(body))
	if err != nil {
		return r, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := g.client.Do(req)
	if err != nil {
		return r, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK { // refusals have status 200, too
		return r, fmt.Errorf("status %d", res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil {
		return r, err
	}
	if len(data) > maxReply {
		return r, errReply
	}
	return decode(data)
}

// decode reads a reply, which may begin with a byte order mark.
func decode(data []byte) (r reply, err error) {
	if json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &r) != nil || r.Messages.ResultCode == "" {
		return reply{}, errReply
	}
	return r, nil
}

// cut shortens a text to what the schema allows.
func cut(s string, limit int) string {
	runes := []rune(strings.TrimSpace(s))
	return string(runes[:min(limit, len(runes))])
}
