package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/rackless/rackless/shared/ebay"
	"github.com/rackless/rackless/shared/page"
)

// selling is the page about eBay.
type selling struct {
	Accounts []ebay.AccountStatus
	Listings []ebay.Listing
	Troubled bool   // only listings of which eBay refused something are shown
	Next     string // the cursor of the next page
	Product  string // whose description is previewed
	Profile  string
	Frame    string // address of that description
}

// ebay shows how selling at eBay goes: accounts, queues and quotas, listings with
// their last error and what to do about it, and what the description of a product
// would look like.
func (c *console) ebay(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s := selling{Troubled: q.Get("troubled") != "", Product: q.Get("product"), Profile: q.Get("profile")}
	var status ebay.Status
	if err := c.get(r.Context(), "/v1/ebay", &status); err != nil {
		c.refuse(w, "eBay", err)
		return
	}
	s.Accounts = status.Accounts
	list := url.Values{"limit": {"50"}}
	if s.Troubled {
		list.Set("troubled", "true")
	}
	if cursor := q.Get("cursor"); cursor != "" {
		list.Set("cursor", cursor)
	}
	var listings page.Page[ebay.Listing]
	if err := c.get(r.Context(), "/v1/ebay/listings?"+list.Encode(), &listings); err != nil {
		c.refuse(w, "eBay", err)
		return
	}
	s.Listings, s.Next = listings.Items, listings.Next
	if s.Product != "" {
		s.Frame = "/console/ebay/description?" + url.Values{"product": {s.Product}, "profile": {s.Profile}}.Encode()
	}
	w.Header().Set("Content-Security-Policy", w.Header().Get("Content-Security-Policy")+"; frame-src 'self'")
	c.render(w, http.StatusOK, "ebay.html", s)
}

// description shows what the description of a product would be, in a frame: it is
// the merchant's own HTML, may show images and styles, and do nothing.
func (c *console) description(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src https:; style-src 'unsafe-inline'; frame-ancestors 'self'")
	html, err := c.preview(r.Context(), r.URL.Query().Get("profile"), r.URL.Query().Get("product"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(html)) // the client has gone
}

// preview returns what the description of a product would be with a profile.
func (c *console) preview(ctx context.Context, profile, product string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body, err := json.Marshal(ebay.ProfileInput{Preview: product})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://gateway/v1/ebay/profiles/"+url.PathEscape(profile), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Shop.Transport().RoundTrip(req)
	if err != nil {
		return "", fmt.Errorf("ask the shop: %w", err)
	}
	defer res.Body.Close()
	var out struct {
		HTML, Detail string
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return "", fmt.Errorf("the shop replied %s", res.Status)
	}
	if res.StatusCode != http.StatusOK {
		return "", problem{Detail: out.Detail}
	}
	return out.HTML, nil
}
