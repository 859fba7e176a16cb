package httpapi

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// unknownField returns where in a body the first field is that a type does not
// have, as a JSON pointer: encoding/json tells only the field's own name.
func unknownField(body []byte, t reflect.Type) string {
	var value any
	if json.Unmarshal(body, &value) != nil {
		return ""
	}
	return findUnknown(value, t, "")
}

func findUnknown(value any, t reflect.Type, path string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case map[string]any:
		var known map[string]reflect.Type
		if t.Kind() == reflect.Struct {
			known = map[string]reflect.Type{}
			bodyFields(t, known)
		} else if t.Kind() != reflect.Map {
			return ""
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
			below := known[strings.ToLower(key)] // encoding/json ignores case
			if t.Kind() == reflect.Map {
				below = t.Elem()
			}
			if below == nil {
				return at
			}
			if found := findUnknown(v[key], below, at); found != "" {
				return found
			}
		}
	case []any:
		if t.Kind() != reflect.Slice {
			return ""
		}
		for i, element := range v {
			if found := findUnknown(element, t.Elem(), path+"/"+strconv.Itoa(i)); found != "" {
				return found
			}
		}
	}
	return ""
}

// bodyFields collects the fields that a struct type takes from a body, those of
// embedded structs included, by their names in lower case.
func bodyFields(t reflect.Type, into map[string]reflect.Type) {
	for f := range fields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			bodyFields(f.Type, into)
		case f.IsExported() && name != "-":
			if name == "" {
				name = f.Name
			}
			into[strings.ToLower(name)] = f.Type
		}
	}
}
