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

// CustomerErased says that a customer was erased: whoever holds something about
// the person forgets it. The address is the one by which others know the person.
type CustomerErased struct {
	CustomerID string `json:"customer_id"`
	Email      string `json:"email"`
}

// Type names the fact.
func (CustomerErased) Type() string { return Prefix + "customer.erased.v1" }

// Subject is the customer.
func (e CustomerErased) Subject() string { return e.CustomerID }
