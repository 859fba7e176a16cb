package client

import (
	_ "embed"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class says what is to be done about an error of eBay. A larger class is the
// worse one: of several errors in a reply, the worst decides.
type Class int

// The classes, from the mildest to the worst.
const (
	Retry    Class = iota // the same again, later
	Fix                   // a person must change the product, profile or policy
	NotFound              // read back: create it, or take it as ended
	Conflict              // read the present state and decide; repeat once at most
	Account               // the account can do nothing until a person acts
)

var classNames = [...]string{"retry", "fix", "notfound", "conflict", "account"}

// String returns the name of the class in the table of errors.
func (c Class) String() string { return classNames[c] }

// errorTable has the columns id, API, class and meaning; source: the error ids in
// eBay's OpenAPI documents of the Sell and Commerce APIs.
//
//go:embed errors.tsv
var errorTable string

type known struct {
	class   Class
	meaning string
}

var errorsByID = parseTable(errorTable)

func parseTable(table string) map[int]known {
	byID := map[int]known{}
	for line := range strings.Lines(table) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		id, err := strconv.Atoi(f[0])
		class, ok := classNamed(f[2])
		if err != nil || !ok || len(f) != 4 {
			panic(fmt.Sprintf("errors.tsv: %q", line))
		}
		byID[id] = known{class, f[3]}
	}
	return byID
}

func classNamed(name string) (Class, bool) {
	for i, n := range classNames {
		if n == name {
			return Class(i), true
		}
	}
	return 0, false
}

// Detail is one error or warning of a reply.
type Detail struct {
	ID          int         `json:"errorId"`
	Domain      string      `json:"domain"`
	Message     string      `json:"message"`
	LongMessage string      `json:"longMessage"`
	Parameters  []Parameter `json:"parameters"`
	Parameter   []Parameter `json:"parameter"` // the spelling of some services
}

// Parameter names what an error is about.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Hint tells a person what is wrong and what to do about it.
func (d Detail) Hint() string {
	k, ok := errorsByID[d.ID]
	if !ok {
		return fmt.Sprintf("eBay error %d: %s", d.ID, d.text())
	}
	todo := map[Class]string{
		Retry:    "It is tried again by itself.",
		Fix:      "Change it in the product, its profile or the policy; it is then sent again.",
		NotFound: "It is read again from eBay, and made or ended here.",
		Conflict: "It is compared with eBay and tried once more.",
		Account:  "Settle it in the account at eBay, then connect the account again.",
	}[k.class]
	return fmt.Sprintf("eBay error %d, %s: %s. %s", d.ID, k.meaning, strings.TrimSuffix(d.text(), "."), todo)
}

func (d Detail) text() string {
	text := d.Message
	if d.LongMessage != "" {
		text = d.LongMessage
	}
	for _, p := range append(d.Parameters, d.Parameter...) {
		text += fmt.Sprintf(" (%s: %s)", p.Name, p.Value)
	}
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}

// maxText bounds what is kept of eBay's words, in bytes.
const maxText = 500

// Error is a refusal of eBay, or that no reply came.
type Error struct {
	Status   int // of HTTP; 0 if no reply came
	Class    Class
	Details  []Detail
	Wait     time.Duration // what eBay asked for with Retry-After, 0 if nothing
	Doubtful bool          // it may have taken effect: read back before a repetition
	cause    error
}

// Error returns what eBay said.
func (e *Error) Error() string {
	if len(e.Details) > 0 {
		return fmt.Sprintf("ebay: %s: %d %s", e.Class, e.Details[0].ID, e.Details[0].text())
	}
	if e.cause != nil {
		return fmt.Sprintf("ebay: %s: %v", e.Class, e.cause)
	}
	return fmt.Sprintf("ebay: %s: status %d", e.Class, e.Status)
}

// Unwrap returns why no reply came.
func (e *Error) Unwrap() error { return e.cause }

// Hint tells a person about the worst of the errors.
func (e *Error) Hint() string {
	for _, d := range e.Details {
		if classify(e.Status, []Detail{d}) == e.Class {
			return d.Hint()
		}
	}
	if e.Class == Account {
		return "eBay no longer accepts this account: connect it again."
	}
	return "eBay gave no reason; it is tried again by itself."
}

// Parameter returns the value of a named parameter of the errors, "" if there is
// none, such as the offerId of an offer that exists.
func (e *Error) Parameter(name string) string {
	for _, d := range e.Details {
		for _, p := range append(d.Parameters, d.Parameter...) {
			if p.Name == name {
				return p.Value
			}
		}
	}
	return ""
}

// classify returns the worst class of errors. An id that is not in the table has
// the class of the status.
func classify(status int, details []Detail) Class {
	worst := Class(-1)
	for _, d := range details {
		class := byStatus(status)
		if k, ok := errorsByID[d.ID]; ok {
			class = k.class
		}
		worst = max(worst, class)
	}
	if worst < 0 {
		return byStatus(status)
	}
	return worst
}

func byStatus(status int) Class {
	switch {
	case status == 0, status == http.StatusTooManyRequests, status >= 500:
		return Retry
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Account
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusConflict:
		return Conflict
	}
	return Fix
}
