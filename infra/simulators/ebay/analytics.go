package ebay

import (
	"net/http"
	"time"
)

func (s *Simulator) analyticsOperations() (all []operation) {
	// The document has the paths with a slash at their end, and without.
	for _, slash := range []string{"", "/{$}"} {
		all = append(all,
			operation{api: analyticsAPI, name: "getRateLimits", method: "GET", path: "/rate_limit" + slash, application: true, do: s.rateLimits},
			operation{api: analyticsAPI, name: "getUserRateLimits", method: "GET", path: "/user_rate_limit" + slash, do: func(c call) (answer, *problem) {
				if c.token.application {
					return answer{}, access(http.StatusForbidden, 1100, "Insufficient permissions to fulfill the request.")
				}
				return s.rateLimits(c)
			}},
		)
	}
	return all
}

// rateLimits tells the quotas of the APIs that the query asks for: all, if it names
// none. They begin again at the vendor's midnight.
func (s *Simulator) rateLimits(c call) (answer, *problem) {
	q := c.r.URL.Query()
	now := s.Clock.Now().In(s.pacific)
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, s.pacific)
	all := []any{}
	for _, a := range apis {
		if name := q.Get("api_name"); name != "" && name != a.name {
			continue
		}
		if context := q.Get("api_context"); context != "" && context != a.context {
			continue
		}
		all = append(all, map[string]any{"apiContext": a.context, "apiName": a.name, "apiVersion": a.version, "resources": []any{
			map[string]any{"name": a.context + "." + a.name, "rates": []any{map[string]any{
				"limit": s.quota(a), "remaining": s.quota(a) - s.used[a.name], "reset": stamp(midnight), "timeWindow": 86400,
			}}},
		}})
	}
	if len(all) == 0 {
		return done, nil
	}
	return ok(map[string]any{"rateLimits": all}), nil
}
