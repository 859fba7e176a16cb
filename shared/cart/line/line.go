// Package line is a priced cart line and the sums over lines. It is a pure
// core: the promotion, shipping and pricing cores share it.
package line

import (
	"strings"

	"github.com/rackless/rackless/shared/perlnum"
)

// Line is a line of a cart: goods, a component of a kit, or a promotion.
type Line struct {
	STID        string // identifies the line; a promotion's begins with %
	SKU         string
	Product     string
	Name        string
	Description string
	Qty         int64
	Price       perlnum.Num // per unit
	Weight      perlnum.Num // ounces per unit
	NotTaxable  bool
	TaxRate     *perlnum.Num // percent, instead of the destination's
	Master      string       // stid of the kit this is a component of
	Promotion   bool
	Virtual     string
	VirtualShip string
	Attributes  map[string]string // product attributes that rules and shipping read
}

// Claimed reports whether the line belongs to a sale outside the shop: its stid
// is claim*product.
func (l *Line) Claimed() bool { return strings.IndexByte(l.STID, '*') > 0 }

// Key returns the stid without claim number and without options that are not
// kept in inventory: what product filters are matched with.
func (l *Line) Key() string {
	_, key, found := strings.Cut(l.STID, "*")
	if !found {
		key = l.STID
	}
	key, _, _ = strings.Cut(key, "/")
	return key
}

// Discount reports whether the line is a promotion.
func (l *Line) Discount() bool { return l.Promotion || strings.HasPrefix(l.STID, "%") }

// Real reports whether the line is not a promotion.
func Real(l *Line) bool { return !l.Discount() }

// RealNoGift reports whether the line is neither promotion nor gift card.
func RealNoGift(l *Line) bool { return !l.Discount() && l.Virtual != "GIFTCARD" }

// RealNoAssembly reports whether the line is neither promotion nor component.
func RealNoAssembly(l *Line) bool { return !l.Discount() && l.Master == "" }

// All accepts every line.
func All(*Line) bool { return true }

// Count returns the number of lines, not pieces, that filter accepts.
func Count(lines []Line, filter func(*Line) bool) int64 {
	n := int64(0)
	for i := range lines {
		if filter(&lines[i]) {
			n++
		}
	}
	return n
}
