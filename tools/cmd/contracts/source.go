package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

const module = "github.com/rackless/rackless"

// source is what the Go files say and reflection does not know.
type source struct {
	packages map[string]string   // import path → package comment
	comments map[string]string   // import path.Type or import path.Type.Field → comment
	values   map[string][]string // import path.Type → its string constants, in order
}

// readSource reads the comments and constants of the packages in functions and
// shared.
func readSource(root string) (*source, error) {
	s := &source{map[string]string{}, map[string]string{}, map[string][]string{}}
	for _, dir := range []string{"functions", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			in, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			s.read(module+"/"+filepath.ToSlash(in), file)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *source) read(pkg string, file *ast.File) {
	if file.Doc != nil {
		s.packages[pkg] = prose(file.Doc.Text())
	}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.readType(pkg+"."+spec.Name.Name, spec, group)
			case *ast.ValueSpec:
				typ, ok := spec.Type.(*ast.Ident)
				if !ok || group.Tok != token.CONST {
					continue
				}
				for _, v := range spec.Values {
					if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						text, _ := strconv.Unquote(lit.Value) // it was parsed
						s.values[pkg+"."+typ.Name] = append(s.values[pkg+"."+typ.Name], text)
					}
				}
			}
		}
	}
}

func (s *source) readType(name string, spec *ast.TypeSpec, group *ast.GenDecl) {
	doc := spec.Doc
	if doc == nil && !group.Lparen.IsValid() {
		doc = group.Doc
	}
	s.comments[name] = prose(doc.Text())
	object, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range object.Fields.List {
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		for _, n := range f.Names {
			s.comments[name+"."+n.Name] = prose(text)
		}
	}
}

// prose joins the lines of a comment.
func prose(comment string) string { return strings.Join(strings.Fields(comment), " ") }

// sentence makes a comment beside a field one of its own.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimRight(text[1:], ".;") + "."
}

// ofType returns the comment on a type, without its Go name in front.
func (s *source) ofType(t reflect.Type) string {
	return withoutName(strings.TrimPrefix(s.comments[typeKey(t)], strings.SplitN(t.Name(), "[", 2)[0]+" "))
}

// withoutName makes a sentence of a comment whose subject, the Go name, is cut
// off.
func withoutName(text string) string {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "is "), "are ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func (s *source) ofField(t reflect.Type, field string) string {
	text := s.comments[typeKey(t)+"."+field]
	if rest, ok := strings.CutPrefix(text, field+" "); ok {
		return withoutName(rest)
	}
	return text
}

func (s *source) constants(t reflect.Type) []string { return s.values[typeKey(t)] }

// typeKey names a type as the source does; an instance of a generic type by its
// origin.
func typeKey(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return t.PkgPath() + "." + name
}
