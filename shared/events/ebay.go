package events

// EbayPublishDue says that an account at eBay has listings to put up, revise or
// end.
type EbayPublishDue struct {
	AccountID string `json:"account_id"`
	Run       string `json:"run,omitempty"` // set by a timer that watches over that run: nothing is due if it has ended
}

// Type names the fact.
func (EbayPublishDue) Type() string { return Prefix + "ebay.publish_due.v1" }

// Subject is the account.
func (e EbayPublishDue) Subject() string { return e.AccountID }

// EbaySyncDue says that eBay is to be told of quantities and prices.
type EbaySyncDue struct {
	AccountID string `json:"account_id"`
	Run       string `json:"run,omitempty"` // set by a timer that watches over that run: nothing is due if it has ended
}

// Type names the fact.
func (EbaySyncDue) Type() string { return Prefix + "ebay.sync_due.v1" }

// Subject is the account.
func (e EbaySyncDue) Subject() string { return e.AccountID }

// EbayImportDue says that the orders of an account at eBay are to be read.
type EbayImportDue struct {
	AccountID string `json:"account_id"`
	Run       string `json:"run,omitempty"` // set by a timer that watches over that run: nothing is due if it has ended
}

// Type names the fact.
func (EbayImportDue) Type() string { return Prefix + "ebay.import_due.v1" }

// Subject is the account.
func (e EbayImportDue) Subject() string { return e.AccountID }

// EbayReconcileDue says that the listings of an account are to be compared with
// eBay's.
type EbayReconcileDue struct {
	AccountID string `json:"account_id"`
	Run       string `json:"run,omitempty"` // set by a timer that watches over that run: nothing is due if it has ended
}

// Type names the fact.
func (EbayReconcileDue) Type() string { return Prefix + "ebay.reconcile_due.v1" }

// Subject is the account.
func (e EbayReconcileDue) Subject() string { return e.AccountID }
