// Package ident makes identifiers: a short prefix that names the kind of thing,
// an underscore and a UUID version 7 in lower-case base 32. They sort by time of
// creation, cannot be guessed (74 random bits) and read the same in a URL, a log
// line and a column.
package ident

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/google/uuid"
)

// The prefixes in use. One kind of thing has one prefix.
const (
	Shop        = "shp"
	Customer    = "cus"
	Address     = "adr"
	Session     = "ses"
	Key         = "key"
	Cart        = "crt"
	Line        = "lin"
	Order       = "ord"
	Payment     = "pay"
	Shipment    = "shi"
	Operation   = "pop"
	GiftCard    = "gft"
	Notice      = "ntc"
	Endpoint    = "whe"
	Delivery    = "whd"
	EbayAccount = "eba"
	EbayListing = "ebl"
	// Verification is what a payment has in place of an order when an instrument is
	// only verified.
	Verification = "ver"
)

// Crockford's alphabet in lower case: digits sort before letters, and no
// letter is mistaken for a digit.
var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// New returns a fresh identifier of a kind. It panics only when the system has
// no randomness left, in which case nothing safe can be done.
func New(prefix string) string {
	return join(prefix, uuid.Must(uuid.NewV7()))
}

// Derive returns the identifier of a kind that belongs to name: the same name
// gives the same identifier, so that a step which is repeated after a crash
// finds what it began. name must be unguessable where the identifier has to be.
func Derive(prefix, name string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + name))
	return join(prefix, uuid.UUID(sum[:16]))
}

// Valid reports whether id is an identifier of the kind.
func Valid(prefix, id string) bool {
	rest, ok := strings.CutPrefix(id, prefix+"_")
	if !ok || len(rest) != 26 {
		return false
	}
	_, err := encoding.DecodeString(rest)
	return err == nil
}

func join(prefix string, id uuid.UUID) string {
	return prefix + "_" + encoding.EncodeToString(id[:])
}
