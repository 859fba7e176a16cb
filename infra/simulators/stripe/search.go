package stripe

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A clause of a search.
type clause struct {
	not        bool
	field, key string // key is that of metadata
	op         string // ":", ">", "<", ">=" or "<="
	value      string
}

// A query is clauses, of which all or any must hold.
type query struct {
	clauses []clause
	any     bool
}

// maxClauses is how many clauses a query may have.
const maxClauses = 10

var (
	clauseRE = regexp.MustCompile(`^(-?)([a-z_]+)(?:\[(?:'([^'\]]*)'|"([^"\]]*)")\])?(:|>=|<=|>|<)(?:'([^']*)'|"([^"]*)"|([^\s'"]+))`)
	joinRE   = regexp.MustCompile(`^\s+(AND|OR|and|or)\s+`)
)

// parseQuery reads a search like metadata['order_id']:'42' AND amount>1000.
func parseQuery(s string) (query, error) {
	var q query
	join := ""
	for rest := strings.TrimSpace(s); ; {
		m := clauseRE.FindStringSubmatch(rest)
		if m == nil {
			return q, fmt.Errorf("cannot read %q", rest)
		}
		c := clause{not: m[1] == "-", field: m[2], key: m[3] + m[4], op: m[5], value: m[6] + m[7] + m[8]}
		if err := c.check(strings.Contains(m[0], "[")); err != nil {
			return q, err
		}
		q.clauses = append(q.clauses, c)
		if len(q.clauses) > maxClauses {
			return q, fmt.Errorf("there are more than %d clauses", maxClauses)
		}
		rest = rest[len(m[0]):]
		if rest == "" {
			return q, nil
		}
		j := joinRE.FindStringSubmatch(rest)
		if j == nil {
			return q, fmt.Errorf("cannot read %q", rest)
		}
		word := strings.ToUpper(j[1])
		if join != "" && join != word {
			return q, fmt.Errorf("AND and OR cannot be combined")
		}
		join, q.any = word, word == "OR"
		rest = rest[len(j[0]):]
	}
}

func (c clause) check(keyed bool) error {
	switch c.field {
	case "amount", "created":
		if _, err := strconv.ParseInt(c.value, 10, 64); err != nil {
			return fmt.Errorf("%s is compared with %q, which is no number", c.field, c.value)
		}
	case "currency", "customer", "status", "metadata":
		if c.op != ":" {
			return fmt.Errorf("%s cannot be compared with %s", c.field, c.op)
		}
	default:
		return fmt.Errorf("field %s cannot be searched", c.field)
	}
	if keyed != (c.field == "metadata") {
		return fmt.Errorf("field %s is used the wrong way", c.field)
	}
	return nil
}

func (c clause) holds(p *intent) bool {
	var ok bool
	switch c.field {
	case "amount":
		ok = c.compares(p.amount)
	case "created":
		ok = c.compares(p.created.Unix())
	case "currency":
		ok = p.currency == strings.ToLower(c.value)
	case "customer":
		ok = p.customer == c.value
	case "status":
		ok = p.status == c.value
	case "metadata":
		value, has := p.metadata[c.key]
		ok = has && value == c.value || !has && c.value == "null"
	}
	return ok != c.not
}

func (c clause) compares(n int64) bool {
	v, _ := strconv.ParseInt(c.value, 10, 64) // check saw that it is a number
	switch c.op {
	case ">":
		return n > v
	case "<":
		return n < v
	case ">=":
		return n >= v
	case "<=":
		return n <= v
	}
	return n == v
}

func (q query) holds(p *intent) bool {
	for _, c := range q.clauses {
		if c.holds(p) == q.any {
			return q.any
		}
	}
	return !q.any
}

// searchIntents finds what is old enough to be in the index.
func (c *call) searchIntents() (object, *apiError) {
	q, err := parseQuery(c.form.get("query"))
	if err != nil {
		return nil, invalid("", "query", "Invalid search query: %v.", err)
	}
	limit, skip := int64(10), int64(0)
	if c.form.has("limit") {
		limit = c.form.integer("limit")
	}
	if limit < 1 || limit > 100 {
		return nil, invalid("parameter_invalid_integer", "limit", "This value must be between 1 and 100: limit.")
	}
	if page := c.form.get("page"); page != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(page, "page_"), 36, 31)
		if err != nil || !strings.HasPrefix(page, "page_") {
			return nil, invalid("", "page", "Invalid page: %s.", page)
		}
		skip = int64(n)
	}
	data := []object{}
	more := false
	for i := len(c.s.intents.ids) - 1; i >= 0; i-- {
		p := c.s.intents.byID[c.s.intents.ids[i]]
		if p.created.Add(c.s.o.SearchLag).After(c.now) || !q.holds(p) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		if int64(len(data)) == limit {
			more = true
			break
		}
		data = append(data, p.object())
	}
	o := object{"object": "search_result", "data": data, "has_more": more, "next_page": nil, "url": "/v1/payment_intents/search"}
	if more {
		n, _ := strconv.ParseInt(strings.TrimPrefix(c.form.get("page"), "page_"), 36, 64) // 0 on the first page
		o["next_page"] = "page_" + strconv.FormatInt(n+limit, 36)
	}
	return o, nil
}
