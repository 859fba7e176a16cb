package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi-validator/schema_validation"

	"github.com/rackless/rackless/shared/contract"
)

const root = "../../.."

func TestCommittedContractsAreTheGenerated(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if err := run(root, out); err != nil {
		t.Fatal(err)
	}
	compare(t, out, root, "shared/contract", ".yaml")
	compare(t, out, root, schemaDir, ".json")
}

// compare fails the test unless the files with the suffix are the same in a
// folder of two trees.
func compare(t *testing.T, made, committed, dir, suffix string) {
	t.Helper()
	want, got := read(t, filepath.Join(committed, dir), suffix), read(t, filepath.Join(made, dir), suffix)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not what make generate makes; run it (-committed +made):\n%s", dir, diff)
	}
	if len(got) == 0 {
		t.Errorf("no %s was made in %s", suffix, dir)
	}
}

func read(t *testing.T, dir, suffix string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestOpenAPIObeysItsSpecification(t *testing.T) {
	t.Parallel()
	validate := func(text []byte) []string {
		document, err := libopenapi.NewDocument(text)
		if err != nil {
			t.Fatal(err)
		}
		ok, problems := schema_validation.ValidateOpenAPIDocument(document)
		var texts []string
		for _, p := range problems {
			texts = append(texts, p.Error())
			for _, s := range p.SchemaValidationErrors {
				texts = append(texts, s.Reason)
			}
		}
		if ok != (len(texts) == 0) {
			t.Errorf("valid %v, but problems %q", ok, texts)
		}
		return texts
	}
	if problems := validate(contract.OpenAPI); len(problems) > 0 {
		t.Errorf("openapi.yaml breaks OpenAPI 3.1: %s", strings.Join(problems, "\n"))
	}
	broken := strings.Replace(string(contract.OpenAPI), "in: path", "in: trail", 1)
	if problems := validate([]byte(broken)); len(problems) == 0 {
		t.Error("a parameter in a trail is taken")
	}
}

func TestSchemasOnlyGrow(t *testing.T) {
	t.Parallel()
	types := func(names ...string) contract.Types { return names }
	property := func(name string, typ ...string) contract.Member[*contract.Schema] {
		return contract.Member[*contract.Schema]{Name: name, Value: &contract.Schema{Type: types(typ...)}}
	}
	object := func(required []string, properties ...contract.Member[*contract.Schema]) *contract.Schema {
		return &contract.Schema{Type: types("object"), Properties: properties, Required: required}
	}
	list := func(of *contract.Schema) contract.Member[*contract.Schema] {
		return contract.Member[*contract.Schema]{Name: "lines", Value: &contract.Schema{Type: types("array"), Items: of}}
	}
	released := object([]string{"a"}, property("a", "string"), property("b", "integer"), list(object([]string{"c"}, property("c", "string"))))
	for name, test := range map[string]struct {
		now  *contract.Schema
		want string // part of the error, empty for none
	}{
		"same":                 {released, ""},
		"gains_a_field":        {object([]string{"a"}, append(released.Properties[:3:3], property("d", "string"))...), ""},
		"loses_a_field":        {object([]string{"a"}, property("a", "string"), released.Properties[2]), "/b is gone"},
		"changes_a_type":       {object([]string{"a"}, property("a", "string"), property("b", "string"), released.Properties[2]), "/b was [integer]"},
		"allows_null":          {object([]string{"a"}, property("a", "string"), property("b", "integer", "null"), released.Properties[2]), "/b was [integer]"},
		"requires_a_field":     {object([]string{"a", "b"}, released.Properties...), "/b has become required"},
		"no_longer_requires":   {object(nil, released.Properties...), "/a is not required any more"},
		"loses_one_in_a_list":  {object([]string{"a"}, append(released.Properties[:2:2], list(object(nil)))...), "lines/items/c is gone"},
		"type_is_not_an_event": {nil, "is not registered any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var now contract.Members[*contract.Schema]
			if test.now != nil {
				now.Set("order.placed.v1", test.now)
			}
			err := onlyGrown(contract.Members[*contract.Schema]{{Name: "order.placed.v1", Value: released}}, now)
			if test.want == "" && err != nil {
				t.Errorf("refused: %v", err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
}

// What is released is compared before anything is written.
func TestRunRefusesToBreakAnEvent(t *testing.T) {
	t.Parallel()
	tree := t.TempDir()
	for _, dir := range []string{"functions", "shared"} {
		if err := os.CopyFS(filepath.Join(tree, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(tree, schemaDir, "order.placed.v1.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), `"cart_id": {`, `"basket_id": {`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := run(tree, out); err == nil || !strings.Contains(err.Error(), "order.placed.v1/basket_id is gone") {
		t.Errorf("error %v, want one that says what is gone", err)
	}
	if entries, _ := os.ReadDir(out); len(entries) > 0 {
		t.Errorf("%v was written all the same", entries)
	}
}
