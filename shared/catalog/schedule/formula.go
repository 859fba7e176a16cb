package schedule

import (
	"fmt"
	"strings"

	"github.com/rackless/rackless/shared/perlnum"
)

// Formula is a parsed price formula: numbers, the variables BASE, COST, SHIP
// and MSRP, + - * / and parentheses (CommerceRack cart specification, §3.1).
type Formula struct {
	nodes []node // in the order of evaluation (postfix)
}

type node struct {
	op    byte   // '#' number, '$' variable, '~' negation, or + - * /
	value string // of a number or variable
}

const maxDepth = 50 // nesting of parentheses

// ParseFormula reads a formula. The error gives the position of the fault, the
// first character being 1.
func ParseFormula(text string) (Formula, error) {
	p := parser{text: text}
	if err := p.sum(0); err != nil {
		return Formula{}, err
	}
	if p.skip(); p.pos < len(text) {
		return Formula{}, p.fault("is not expected here")
	}
	return Formula{p.nodes}, nil
}

// Variables returns the variables in the formula.
func (f Formula) Variables() []string {
	var names []string
	for _, n := range f.nodes {
		if n.op == '$' {
			names = append(names, n.value)
		}
	}
	return names
}

// Eval calculates the formula. Unknown variables are 0, and so is a division
// by zero.
func (f Formula) Eval(a *perlnum.Arith, variable func(name string) (perlnum.Num, bool)) perlnum.Num {
	var stack []perlnum.Num
	pop := func() perlnum.Num {
		x := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return x
	}
	for _, n := range f.nodes {
		switch n.op {
		case '#':
			stack = append(stack, a.Parse(n.value))
			continue
		case '$':
			x, ok := variable(n.value)
			if !ok {
				x = a.Int(0)
			}
			stack = append(stack, x)
			continue
		case '~':
			stack = append(stack, pop().Neg())
			continue
		}
		y, x := pop(), pop()
		switch n.op {
		case '+':
			x = x.Add(y)
		case '-':
			x = x.Sub(y)
		case '*':
			x = x.Mul(y)
		case '/':
			x = x.Div(y)
		}
		stack = append(stack, x)
	}
	return pop()
}

type parser struct {
	text  string
	pos   int
	nodes []node
}

func (p *parser) skip() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) peek() byte {
	p.skip()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) fault(what string) error {
	if p.pos >= len(p.text) {
		return fmt.Errorf("the formula ends at position %d where a number, a variable or ) is needed", p.pos+1)
	}
	return fmt.Errorf("%q at position %d %s", p.text[p.pos:p.pos+1], p.pos+1, what)
}

func (p *parser) sum(depth int) error { return p.chain("+-", depth, p.product) }

func (p *parser) product(depth int) error { return p.chain("*/", depth, p.factor) }

// chain reads operands joined by operators of one precedence, left to right.
func (p *parser) chain(operators string, depth int, operand func(int) error) error {
	if err := operand(depth); err != nil {
		return err
	}
	for {
		op := p.peek()
		if op == 0 || strings.IndexByte(operators, op) < 0 {
			return nil
		}
		p.pos++
		if err := operand(depth); err != nil {
			return err
		}
		p.nodes = append(p.nodes, node{op: op})
	}
}

func (p *parser) factor(depth int) error {
	c := p.peek()
	switch {
	case depth > maxDepth:
		return p.fault("is nested too deeply")
	case c == '-' || c == '+':
		p.pos++
		if err := p.factor(depth + 1); err != nil {
			return err
		}
		if c == '-' {
			p.nodes = append(p.nodes, node{op: '~'})
		}
		return nil
	case c == '(':
		p.pos++
		if err := p.sum(depth + 1); err != nil {
			return err
		}
		if p.peek() != ')' {
			return p.fault("stands where ) is needed")
		}
		p.pos++
		return nil
	case letter(c):
		p.nodes = append(p.nodes, node{'$', p.take(func(c byte) bool { return letter(c) || digit(c) })})
		return nil
	case digit(c) || c == '.':
		start := p.pos
		n := p.take(func(c byte) bool { return digit(c) || c == '.' })
		if strings.Count(n, ".") > 1 || n == "." {
			p.pos = start
			return p.fault("begins no number")
		}
		p.nodes = append(p.nodes, node{'#', n})
		return nil
	}
	return p.fault("stands where a number, a variable or ( is needed")
}

func (p *parser) take(ok func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.text) && ok(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func letter(c byte) bool { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// Sanitize repairs what merchants commonly get wrong in a formula: case, stray
// characters, missing leading zeros, operators at the ends, parentheses.
func Sanitize(text string) string {
	var b strings.Builder
	for _, c := range []byte(strings.ToUpper(text)) {
		if (c >= 'A' && c <= 'Z') || digit(c) || strings.IndexByte("*/+.-()", c) >= 0 {
			b.WriteByte(c)
		}
	}
	f := b.String()
	for _, op := range []string{"*", "+", "-", "/"} {
		f = strings.ReplaceAll(f, op+".", op+"0.")
	}
	if strings.HasPrefix(f, ".") {
		f = "0" + f
	}
	if f != "" && strings.IndexByte("*+-/.", f[0]) >= 0 {
		f = f[1:]
	}
	if f != "" && strings.IndexByte("*+-/.", f[len(f)-1]) >= 0 {
		f = f[:len(f)-1]
	}
	open, closed := strings.Count(f, "("), strings.Count(f, ")")
	return strings.Repeat("(", max(0, closed-open)) + f + strings.Repeat(")", max(0, open-closed))
}
