package events

// CustomerCreated says that a customer was registered.
type CustomerCreated struct {
	CustomerID string `json:"customer_id"`
	Email      string `json:"email"`
}

// Type names the fact.
func (CustomerCreated) Type() string { return Prefix + "customer.created.v1" }

// Subject is the customer.
func (e CustomerCreated) Subject() string { return e.CustomerID }
