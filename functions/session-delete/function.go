// Package sessiondelete ends the caller's session in every function at once.
package sessiondelete

import (
	"net/http"

	"github.com/rackless/rackless/shared/runtime"
	"github.com/rackless/rackless/shared/session"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("session-delete", runtime.Write(http.StatusNoContent, session.End))
}
