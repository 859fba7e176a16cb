package events

// WebhookDue says that a merchant's own program is to be told something.
type WebhookDue struct {
	DeliveryID string `json:"delivery_id"`
}

// Type names the fact.
func (WebhookDue) Type() string { return Prefix + "webhook.due.v1" }

// Subject is the delivery.
func (e WebhookDue) Subject() string { return e.DeliveryID }
