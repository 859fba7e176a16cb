package stripe

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/rackless/rackless/infra/simulators/sim"
)

// An object is a JSON object.
type object = map[string]any

// An apiError is a refusal.
type apiError struct {
	status      int
	kind        string
	code        string
	declineCode string
	message     string
	param       string
	charge      string
	intent      object
	method      object
	// executed is whether the request got as far as being executed: only then
	// does an idempotency key keep the reply.
	executed bool
}

// invalid refuses a parameter.
func invalid(code, param, format string, a ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: "invalid_request_error", code: code, param: param, message: fmt.Sprintf(format, a...)}
}

// unexpected refuses what the state of an object does not allow.
func unexpected(code, format string, a ...any) *apiError {
	err := invalid(code, "", format, a...)
	err.executed = true
	return err
}

// missing refuses the id of an object that does not exist: in the path (param
// "") or in a parameter.
func missing(what, id, param string) *apiError {
	err := invalid("resource_missing", param, "No such %s: '%s'", what, id)
	if param == "" {
		err.status, err.param = http.StatusNotFound, "id"
	}
	return err
}

func unauthorized(format string, a ...any) *apiError {
	return &apiError{status: http.StatusUnauthorized, kind: "invalid_request_error", message: fmt.Sprintf(format, a...)}
}

// cardError refuses a payment. A decline code that is also an error code, like
// expired_card, is both.
func cardError(code, declineCode, message string) *apiError {
	return &apiError{status: http.StatusPaymentRequired, kind: "card_error", code: code, declineCode: declineCode, message: message, executed: true}
}

func (e *apiError) object() object {
	o := object{"type": e.kind, "message": e.message, "request_log_url": "https://dashboard.stripe.com/test/logs"}
	for name, value := range map[string]string{"code": e.code, "decline_code": e.declineCode, "param": e.param, "charge": e.charge} {
		if value != "" {
			o[name] = value
		}
	}
	if e.code != "" {
		o["doc_url"] = "https://stripe.com/docs/error-codes/" + e.code
	}
	if e.intent != nil {
		o["payment_intent"] = e.intent
	}
	if e.method != nil {
		o["payment_method"] = e.method
	}
	return o
}

func (e *apiError) reply() sim.Reply { return reply(e.status, object{"error": e.object()}) }

// reply makes a reply of a JSON object.
func reply(status int, o object) sim.Reply {
	body, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		panic(err) // everything in a reply can be marshalled
	}
	return sim.Reply{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// refuse is the reply of a fault.
func refuse(status int, f sim.Fault) sim.Reply {
	err := &apiError{status: status, kind: "api_error", message: http.StatusText(status)}
	if status == http.StatusTooManyRequests {
		err.kind, err.code = "invalid_request_error", "rate_limit"
	}
	r := err.reply()
	if f.ShouldRetry != "" {
		r.Header.Set("Stripe-Should-Retry", f.ShouldRetry)
	}
	return r
}
