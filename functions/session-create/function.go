// Package sessioncreate logs a customer in, or begins the session of a guest.
package sessioncreate

import (
	"net/http"

	"github.com/rackless/rackless/shared/customer"
	"github.com/rackless/rackless/shared/runtime"
)

// New returns an instance of the function.
func New() *runtime.Function {
	return runtime.New("session-create", runtime.Write(http.StatusCreated, customer.Login))
}
