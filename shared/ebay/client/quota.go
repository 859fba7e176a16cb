package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Quota is how many calls of an API eBay lets the application make for the seller
// in a window of time.
type Quota struct {
	Resource string        `json:"resource"`
	Limit    int64         `json:"limit"`
	Left     int64         `json:"left"`
	Reset    time.Time     `json:"reset"`  // when Left is Limit again
	Window   time.Duration `json:"window"` // such as a day, in nanoseconds
}

// Quotas returns the quotas of one of the APIs for sellers, such as "inventory" or
// "fulfillment"; none if eBay reports none.
func (s *Seller) Quotas(ctx context.Context, api string) ([]Quota, error) {
	var reply struct {
		Limits []struct {
			Resources []struct {
				Name  string `json:"name"`
				Rates []struct {
					Limit  int64     `json:"limit"`
					Left   int64     `json:"remaining"`
					Reset  time.Time `json:"reset"`
					Window int64     `json:"timeWindow"` // seconds
				} `json:"rates"`
			} `json:"resources"`
		} `json:"rateLimits"`
	}
	_, err := s.do(ctx, call{
		method: http.MethodGet, path: "/developer/analytics/v1_beta/user_rate_limit/", repeatable: true,
		query: url.Values{"api_context": {"sell"}, "api_name": {api}},
	}, &reply)
	if err != nil {
		return nil, err
	}
	var quotas []Quota
	for _, l := range reply.Limits {
		for _, r := range l.Resources {
			for _, rate := range r.Rates {
				quotas = append(quotas, Quota{r.Name, rate.Limit, rate.Left, rate.Reset, time.Duration(rate.Window) * time.Second})
			}
		}
	}
	return quotas, nil
}
