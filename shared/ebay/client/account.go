package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Policy is one of the account's business policies.
type Policy struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// PolicyChoice is what an account has to choose from, kind by kind.
type PolicyChoice struct {
	Fulfillment []Policy `json:"fulfillment"`
	Payment     []Policy `json:"payment"`
	Return      []Policy `json:"return"`
}

// Policies reads the business policies of the account on its marketplace.
func (s *Seller) Policies(ctx context.Context) (PolicyChoice, error) {
	var out PolicyChoice
	for kind, into := range map[string]*[]Policy{"fulfillment": &out.Fulfillment, "payment": &out.Payment, "return": &out.Return} {
		var reply map[string]any
		_, err := s.do(ctx, call{
			method: http.MethodGet, path: "/sell/account/v1/" + kind + "_policy", query: url.Values{"marketplace_id": {s.marketplace}}, repeatable: true,
		}, &reply)
		if err != nil {
			return PolicyChoice{}, err
		}
		list, _ := reply[kind+"Policies"].([]any)
		for _, entry := range list {
			p, _ := entry.(map[string]any)
			id, _ := p[kind+"PolicyId"].(string)
			name, _ := p["name"].(string)
			*into = append(*into, Policy{id, name})
		}
	}
	return out, nil
}

// Place is from where goods leave.
type Place struct {
	Line1   string `json:"addressLine1,omitempty"`
	City    string `json:"city,omitempty"`
	State   string `json:"stateOrProvince,omitempty"`
	Postal  string `json:"postalCode,omitempty"`
	Country string `json:"country"`
}

// PutLocation makes the place of a key known to eBay. One that is there already,
// and cannot be changed by this call, has succeeded.
func (s *Seller) PutLocation(ctx context.Context, key string, p Place) error {
	body := map[string]any{"location": map[string]any{"address": p}, "locationTypes": []string{"WAREHOUSE"}, "merchantLocationStatus": "ENABLED"}
	_, err := s.do(ctx, call{method: http.MethodPost, path: inventory + "/location/" + url.PathEscape(key), body: body, repeatable: true}, nil)
	if failed, ok := errors.AsType[*Error](err); ok && failed.Class == Conflict {
		return nil
	}
	return err
}
