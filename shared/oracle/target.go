package oracle

import (
	"encoding/json"
	"fmt"
)

// targetOf finds out which target a record belongs to.
func targetOf(input json.RawMessage) (string, runner, error) {
	var in struct {
		Fn      string          `json:"fn"`
		Store   json.RawMessage `json:"store"`
		Product json.RawMessage `json:"product"`
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return "", nil, err
	}
	switch {
	case in.Fn != "":
		if t, ok := functions[in.Fn]; ok {
			return t.name, t.run, nil
		}
		return "", nil, fmt.Errorf("unknown function %q", in.Fn)
	case in.Store != nil:
		return "cart", runCart, nil
	}
	return "", nil, fmt.Errorf("the record fits no target")
}

type target struct {
	name string
	run  runner
}

var functions = map[string]target{}
