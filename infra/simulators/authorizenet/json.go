package authorizenet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A node is an element of a request as XML would have it: a name, and either
// text or children in the order in which they were sent. The vendor turns JSON
// into XML: an array is the same element several times, null an empty one.
type node struct {
	name     string
	text     string
	children []*node
	object   bool
}

// child returns the first child of that name. It and the other accessors may be
// called on nil, so that paths of optional elements need no checks.
func (n *node) child(name string) *node {
	if n != nil {
		for _, c := range n.children {
			if c.name == name {
				return c
			}
		}
	}
	return nil
}

// all returns the children of that name.
func (n *node) all(name string) []*node {
	var found []*node
	if n != nil {
		for _, c := range n.children {
			if c.name == name {
				found = append(found, c)
			}
		}
	}
	return found
}

// at returns the text at the end of a path, "" if there is none.
func (n *node) at(path ...string) string {
	for _, name := range path {
		n = n.child(name)
	}
	if n == nil {
		return ""
	}
	return n.text
}

// maxDepth is how deep a request may be nested; the schema needs seven.
const maxDepth = 32

var errDepth = errors.New("nested too deeply")

// parse reads a request: an object with one member, whose order it keeps.
func parse(body []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, bom)))
	d.UseNumber()
	root := &node{}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if token != json.Delim('{') {
		return nil, errors.New("the request is not an object")
	}
	if err := root.readObject(d, 0); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is text after the request")
	}
	if len(root.children) != 1 {
		return nil, fmt.Errorf("the request has %d root elements", len(root.children))
	}
	return root.children[0], nil
}

// readObject reads the members of an object, whose brace is read, and the brace
// at its end.
func (n *node) readObject(d *json.Decoder, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	n.object = true
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if err := n.readMember(d, token.(string), depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// readMember reads the value of the member called name.
func (n *node) readMember(d *json.Decoder, name string, depth int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token == json.Delim('[') {
		if depth > maxDepth {
			return errDepth
		}
		for d.More() {
			if err := n.readMember(d, name, depth+1); err != nil {
				return err
			}
		}
		_, err := d.Token()
		return err
	}
	c := &node{name: name}
	n.children = append(n.children, c)
	switch v := token.(type) {
	case json.Delim:
		return c.readObject(d, depth+1)
	case string:
		c.text = v
	case json.Number:
		c.text = v.String()
	case bool:
		c.text = fmt.Sprint(v)
	}
	return nil
}
