// Package term writes to people at a terminal: colours where they are shown,
// plain text everywhere else.
package term

import (
	"os"

	"golang.org/x/term"
)

// Paint colours text, or leaves it as it is.
type Paint bool

// Of returns how to write to a file: in colours if it is a terminal that has
// them and nobody set NO_COLOR (no-color.org).
func Of(f *os.File) Paint {
	return Paint(IsTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

// IsTerminal reports whether a person looks at what is written to the file.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

func (p Paint) in(code, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold, Dim, Red, Green and Yellow return text in that style.
func (p Paint) Bold(text string) string   { return p.in("1", text) }
func (p Paint) Dim(text string) string    { return p.in("2", text) }
func (p Paint) Red(text string) string    { return p.in("31", text) }
func (p Paint) Green(text string) string  { return p.in("32", text) }
func (p Paint) Yellow(text string) string { return p.in("33", text) }
