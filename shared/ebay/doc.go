// Package ebay sells at eBay: it lists products, keeps quantities and prices in
// step, imports orders and reports shipments. It owns the tables ebay_… and
// listing_commands; the rules are CommerceRack's (eBay specification), the calls
// those of eBay's present REST APIs.
//
// # Nothing is sold twice
//
// What eBay may sell of a SKU is set aside in the stock, as goods of an order are:
// a buyer in the shop cannot get it. So a sale at eBay finds its goods, however
// late it is imported.
//
// A quantity that eBay is told replaces what it has, whatever it has sold
// meanwhile. So when a new one is told, the pieces of the old one may be sold as
// well: both are set aside until every order of before the call is imported; then
// the old ones are free again. If the stock does not suffice for both, eBay is
// told less, at worst nothing, and the rest a little later.
//
// How much of the stock is eBay's the account says as a share, which is moved only
// when one side has used up half of its part: that spares calls. CommerceRack
// offered all there was in both places and sold the last piece twice.
//
// # Work
//
// Each account has four kinds of work: publish, sync, import and reconcile. An
// event says that one is due; one run at a time does it, in bounded steps, each
// with its own transaction before and after the call. A run that dies is taken up
// by the timer that it set before it began.
package ebay
