package events

import "time"

// Registered is a type of event, as the contracts tell of it.
type Registered struct {
	Example    Event  // what one may hold; every field is set
	NoConsumer string // why no function acts on it, empty if one does
}

// Registry returns every type of event that a function may emit, by aggregate.
func Registry() []Registered {
	const (
		order    = "ord_06h0c6qbx9w99f2zvw3zq827qw"
		payment  = "pay_06h0c6qbx9wkbcgg39a0tjaqq0"
		customer = "cus_06h0c6qbx9wx1cz4yj7chn4py0"
		cart     = "crt_06h0c6qbx9x05e73seysdj4z5r"
		number   = "2026-11-1001"
		email    = "ada@example.com"
		account  = "eba_06h0c6qbx9x05e73seysdj4z5r"
		shop     = "shp_06h0c6qbx9x05e73seysdj4z5r"
		currency = "USD"
		total    = 4498
	)
	payments := func(status string) []Payment {
		return []Payment{{PaymentID: payment, Tender: "CREDIT", Status: status}}
	}
	return []Registered{
		{Example: CatalogChanged{ShopID: shop, Products: []string{"TEE"}}},
		{Example: CheckoutStarted{CartID: cart}},
		{Example: CustomerCreated{CustomerID: customer, Email: email}},
		{Example: CustomerErased{CustomerID: customer, Email: email}},
		{Example: EbayImportDue{AccountID: account, Run: "run"}},
		{Example: EbayPublishDue{AccountID: account, Run: "run"}},
		{Example: EbayReconcileDue{AccountID: account, Run: "run"}},
		{Example: EbaySyncDue{AccountID: account, Run: "run"}},
		{Example: InventoryChanged{ShopID: shop, SKUs: []string{"TEE:A001"}}},
		{Example: InventoryRejected{OrderID: order, Lines: []Shortage{{SKU: "TEE:A001", Wanted: 2, Available: 1}}}},
		{Example: InventoryReserved{OrderID: order}},
		{Example: OrderCancelled{OrderID: order, Number: number, Email: email, Reason: "buyer"}},
		{Example: OrderCompleted{OrderID: order, Number: number, Email: email}},
		{Example: OrderConfirmed{OrderID: order, Number: number, Email: email, Currency: currency, TotalCents: total}},
		{Example: OrderDue{OrderID: order}},
		{Example: OrderExpired{OrderID: order, Number: number, Email: email}},
		{Example: OrderImported{OrderID: order, Number: number, Channel: "ebay", Reference: "12-34567-89012", Currency: currency, TotalCents: total}},
		{Example: OrderPaid{OrderID: order, Number: number, Email: email, Currency: currency, TotalCents: total}},
		{Example: OrderPlaced{
			OrderID: order, CartID: cart, Number: number, Currency: currency, TotalCents: total,
			Lines: []OrderLine{{SKU: "TEE:A001", Qty: 2}}, ExpiresAt: time.Date(2026, time.November, 23, 12, 30, 0, 0, time.UTC),
		}},
		{Example: OrderRevised{OrderID: order, Number: number, Email: email, Currency: currency, WasCents: 6497, TotalCents: total}},
		{Example: OrderShipped{
			OrderID: order, Number: number, Email: "ada@example.com", ShipmentID: "shi_06h0c6qbx9x05e73seysdj4z5r", Carrier: "UGND", Tracking: "1Z999AA10123456784",
			Lines: []OrderLine{{SKU: "TEE:A001", Qty: 2}}, Complete: true, DueCents: total,
		}},
		{Example: PaymentAuthorized{OrderID: order, Payments: payments("130")}},
		{Example: PaymentCaptured{OrderID: order, PaymentID: payment, AmountCents: total}},
		{Example: PaymentDeclined{OrderID: order, Payments: payments("230")}},
		{Example: PaymentHeld{OrderID: order, Payments: payments("430")}},
		{Example: PaymentNoticed{OrderID: order, PaymentID: payment, Gateway: "stripe", NoticeID: "evt_1QX"}},
		{Example: PaymentOverpaid{OrderID: order, PaymentID: payment, Attempts: 1}},
		{Example: PaymentRefunded{OrderID: order, PaymentID: payment, AmountCents: total}},
		{Example: PaymentRetried{OrderID: order}},
		{Example: PaymentReturnDue{OrderID: order, Attempts: 1}},
		{Example: PaymentSuspected{OrderID: order, PaymentID: payment}},
		{Example: PaymentVoided{OrderID: order, PaymentID: payment}},
		{Example: WebhookDue{DeliveryID: "whd_06h0c6qbx9x05e73seysdj4z5r"}},
	}
}
