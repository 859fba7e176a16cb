package card

import (
	"maps"
	"slices"
	"strings"
)

// Unpack reads a packed account: |KK:value|KK:value… (payments specification,
// §1.3). Text of another form has no fields.
func Unpack(text string) map[string]string {
	fields := make(map[string]string)
	if !strings.HasPrefix(text, "|") {
		return fields
	}
	for part := range strings.SplitSeq(text[1:], "|") {
		if key, value, ok := strings.Cut(part, ":"); ok && len(key) == 2 {
			fields[key] = value
		}
	}
	return fields
}

// Pack writes the fields whose keys have two characters, in the order of the
// keys. A separator inside a value becomes a space.
func Pack(fields map[string]string) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if len(key) == 2 && !strings.Contains(key, "|") && !strings.Contains(key, ":") {
			b.WriteString("|" + key + ":" + strings.ReplaceAll(fields[key], "|", " "))
		}
	}
	return b.String()
}
