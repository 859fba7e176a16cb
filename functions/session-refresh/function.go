// Package sessionrefresh renews a session. A refresh token that comes a second
// time ends the session for both who hold it.
package sessionrefresh

import (
	"net/http"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/session"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("session-refresh", runtime.Write(http.StatusOK, session.Refresh))
}
