// Package page is keyset paging: a list is read in order of a unique key, and a
// cursor says after which key the next page begins. Pages stay stable while
// rows are added, and the hundredth costs as much as the first.
package page

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/rackless/rackless/shared/fault"
)

// The bounds of a page's size.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// Query is what a caller asks of a list.
type Query struct {
	Limit  int    `json:"-" query:"limit"`  // rows per page, 1 to 100, 20 if not given
	Cursor string `json:"-" query:"cursor"` // as given by the page before, empty for the first
}

// Page is one page of a list. Next is empty on the last one.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Validate refuses a limit or a cursor that no page has.
func (q Query) Validate() error {
	var f fault.Fields
	f.Check(q.Limit >= 0 && q.Limit <= MaxLimit, "/limit", "must be between 1 and %d", MaxLimit)
	_, err := decode(q.Cursor)
	f.Check(err == nil, "/cursor", "must be the next value of an earlier page")
	return f.Err()
}

// After returns the key after which the page begins, empty for the first.
func (q Query) After() string {
	key, _ := decode(q.Cursor)
	return key
}

// Rows returns how many rows to read: one more than the page shows, which tells
// whether there is a next page.
func (q Query) Rows() int { return q.size() + 1 }

func (q Query) size() int {
	if q.Limit == 0 {
		return DefaultLimit
	}
	return q.Limit
}

// Of makes a page of up to Rows() rows, in order; key returns the key of one.
func Of[T any](q Query, rows []T, key func(T) string) Page[T] {
	p := Page[T]{Items: rows}
	if n := q.size(); len(rows) > n {
		p.Items = rows[:n]
		p.Next = base64.RawURLEncoding.EncodeToString([]byte(key(rows[n-1])))
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

func decode(cursor string) (string, error) {
	key, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || !utf8.Valid(key) || len(key) > 200 {
		return "", fault.New(fault.Invalid, "cursor is not valid")
	}
	return string(key), nil
}
