package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

const eventPrefix = "dev.rackless."

// funcYAML is the part of a func.yaml (specVersion 0.36.0) that we use; anything
// else in the file is refused, because it would have no effect.
type funcYAML struct {
	SpecVersion string `json:"specVersion"`
	Name        string `json:"name"`
	Runtime     string `json:"runtime"`
	Created     string `json:"created"`
	Invoke      string `json:"invoke"`
	Run         struct {
		Envs []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"envs"`
	} `json:"run"`
	Build struct {
		BuildEnvs []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"buildEnvs"`
	} `json:"build"`
	Deploy struct {
		Annotations   map[string]string `json:"annotations"`
		Subscriptions []struct {
			Source  string            `json:"source"`
			Filters map[string]string `json:"filters"`
		} `json:"subscriptions"`
		Options struct {
			Scale struct {
				Min, Max int
				Metric   string
				Target   int
			} `json:"scale"`
			Resources struct {
				Requests struct{ CPU, Memory string } `json:"requests"`
				Limits   struct {
					CPU, Memory string
					Concurrency int
				} `json:"limits"`
			} `json:"resources"`
		} `json:"options"`
		HealthEndpoints struct{ Liveness, Readiness string } `json:"healthEndpoints"`
	} `json:"deploy"`
}

// function is what the templates see.
type function struct {
	funcYAML
	Dir         string // folder below functions
	Package     string // Go package
	Role        string // database login
	Summary     string
	Route       string
	Access      string
	Scope       string
	Idempotency string
	Burst       int
	Period      time.Duration
	Consumes    []string
	Told        []string
	Warms       []string
	Emits       []string
	Schedule    string // of a PingSource, UTC
	Sweeper     bool
	Sink        string // dead-letters: what the broker gives up on comes here
	Egress      []int  // TCP ports on the internet that it may reach
	Grants      []grant
	Calls       []string // functions of the database that it may call, each with the types of its arguments
	Env         []env
}

type grant struct{ Table, Privileges string }

type env struct{ Name, Value, Secret, Key string }

var (
	nameShape   = regexp.MustCompile(`^[a-z]+-[a-z]+(-[a-z]+)?$|^gateway$`)
	secretShape = regexp.MustCompile(`^\{\{ secret:([a-z0-9-]+):([a-z0-9-]+) \}\}$`)
	rateShape   = regexp.MustCompile(`^(\d+)/(\d+[smh])$`)
)

func load(root string) ([]function, error) {
	paths, err := filepath.Glob(filepath.Join(root, "functions", "*", "func.yaml"))
	if err != nil {
		return nil, err
	}
	var functions []function
	var problems []error
	for _, path := range paths {
		f, err := loadOne(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", path, err))
			continue
		}
		functions = append(functions, f)
	}
	slices.SortFunc(functions, func(a, b function) int { return strings.Compare(a.Name, b.Name) })
	return functions, errors.Join(problems...)
}

func loadOne(path string) (f function, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	if err := yaml.UnmarshalStrict(data, &f.funcYAML); err != nil {
		return f, err
	}
	f.Dir = filepath.Base(filepath.Dir(path))
	switch {
	case f.SpecVersion != "0.36.0" || f.Runtime != "go" || f.Invoke != "http":
		return f, errors.New("specVersion must be 0.36.0, runtime go and invoke http")
	case f.Created == "":
		return f, errors.New("created must be set, or func sees no function")
	case f.Name != f.Dir || !nameShape.MatchString(f.Name):
		return f, fmt.Errorf("name must be that of the folder, <domain>-<verb>, not %q", f.Name)
	}
	f.Package = strings.ReplaceAll(f.Name, "-", "")
	f.Role = "rackless_" + strings.ReplaceAll(f.Name, "-", "_")
	if f.Summary, err = summary(filepath.Dir(path), f.Package); err != nil {
		return f, err
	}
	for _, e := range f.Run.Envs {
		v := env{Name: e.Name, Value: e.Value}
		if m := secretShape.FindStringSubmatch(e.Value); m != nil {
			v = env{Name: e.Name, Secret: m[1], Key: m[2]}
		}
		f.Env = append(f.Env, v)
	}
	for _, s := range f.Deploy.Subscriptions {
		t := s.Filters["type"]
		told, only := s.Filters["told"]
		if s.Source != "rackless" || t == "" || only != (len(s.Filters) == 2) || only && told != "true" {
			return f, errors.New(`a subscription must be {source: rackless, filters: {type: …}}, perhaps with told: "true" among the filters`)
		}
		f.Consumes = append(f.Consumes, t)
		if only {
			f.Told = append(f.Told, t)
		}
	}
	return f, f.annotate()
}

// annotate reads the rackless.dev annotations.
func (f *function) annotate() error {
	tables := ""
	for key, value := range f.Deploy.Annotations {
		switch name, _ := strings.CutPrefix(key, "rackless.dev/"); name {
		case "route":
			f.Route = value
		case "access":
			f.Access = value
		case "scope":
			f.Scope = value
		case "idempotency":
			f.Idempotency = value
		case "rate":
			m := rateShape.FindStringSubmatch(value)
			if m == nil {
				return fmt.Errorf("rate must be like 20/1m, not %q", value)
			}
			f.Burst, _ = strconv.Atoi(m[1])
			f.Period, _ = time.ParseDuration(m[2])
		case "emits":
			f.Emits = types(value)
		case "warms":
			f.Warms = types(value)
		case "tables":
			tables = value
		case "calls":
			f.Calls = strings.Fields(value)
		case "schedule":
			f.Schedule = value
		case "sink":
			if value != "dead-letters" {
				return fmt.Errorf("sink must be dead-letters, not %q", value)
			}
			f.Sink = value
		case "egress":
			for _, service := range strings.Fields(value) {
				ports, ok := map[string][]int{"https": {443}, "smtp": {465, 587}}[service]
				if !ok {
					return fmt.Errorf("egress must be https or smtp, not %q", service)
				}
				f.Egress = append(f.Egress, ports...)
			}
		case "sweeper":
			f.Sweeper = value == "true"
		default:
			return fmt.Errorf("annotation %s is unknown", key)
		}
	}
	for _, t := range f.Warms {
		f.Consumes = slices.DeleteFunc(f.Consumes, func(c string) bool { return c == t })
	}
	method, _, _ := strings.Cut(f.Route, " ")
	has := func(name string) bool { return slices.ContainsFunc(f.Env, func(e env) bool { return e.Name == name }) }
	switch {
	case (len(f.Emits) > 0 || f.Sweeper) && !has("K_SINK"):
		return errors.New("it sends events, so run.envs must say where: K_SINK")
	case f.Route != "" && f.Name != "gateway" && (!slices.Contains([]string{"anyone", "buyer", "staff"}, f.Access) || !strings.Contains(f.Scope, ":")):
		return errors.New("a route needs access (anyone, buyer or staff) and a scope (resource:action)")
	case f.Route != "" && f.Name != "gateway" && method != "GET" && f.Idempotency != "required" && f.Idempotency != "optional":
		return errors.New("a write needs idempotency: required or optional")
	case f.Route == "" && len(f.Consumes) == 0 && f.Schedule == "" && f.Sink == "":
		return errors.New("it has neither a route nor a subscription nor a schedule, and is no sink: nothing can call it")
	}
	return f.grant(tables)
}

func types(list string) []string {
	var out []string
	for _, t := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		out = append(out, eventPrefix+t)
	}
	return out
}

// grant adds to the declared tables what the shape of the function implies.
func (f *function) grant(tables string) error {
	rights := map[string][]string{}
	for _, item := range strings.FieldsFunc(tables, func(r rune) bool { return r == ' ' || r == ';' || r == '\n' }) {
		table, privileges, ok := strings.Cut(item, "=")
		if !ok {
			return fmt.Errorf("tables must be like customers=SELECT,INSERT orders=SELECT, not %q", item)
		}
		for _, p := range strings.Split(privileges, ",") {
			if !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, p) {
				return fmt.Errorf("tables: %q is not a privilege", p)
			}
			rights[table] = append(rights[table], p)
		}
	}
	if len(f.Emits) > 0 {
		rights["outbox"] = append(rights["outbox"], "INSERT", "SELECT (told)")
	}
	if len(f.Consumes) > 0 {
		rights["outbox"] = append(rights["outbox"], "SELECT")
		rights["inbox"] = append(rights["inbox"], "SELECT", "INSERT")
	}
	if f.Idempotency != "" {
		rights["idempotency"] = append(rights["idempotency"], "SELECT", "INSERT", "UPDATE", "DELETE")
	}
	if f.Burst > 0 {
		rights["rate_limits"] = append(rights["rate_limits"], "SELECT", "INSERT", "UPDATE")
	}
	for table, privileges := range rights {
		slices.Sort(privileges)
		f.Grants = append(f.Grants, grant{table, strings.Join(slices.Compact(privileges), ", ")})
	}
	slices.SortFunc(f.Grants, func(a, b grant) int { return strings.Compare(a.Table, b.Table) })
	return nil
}

// summary returns the first sentence of the package comment, without the
// package's name.
func summary(dir, pkg string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "function.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		return "", err
	}
	if file.Name.Name != pkg {
		return "", fmt.Errorf("package must be named %s, not %s", pkg, file.Name.Name)
	}
	text := strings.Join(strings.Fields(file.Doc.Text()), " ")
	text, ok := strings.CutPrefix(text, "Package "+pkg+" ")
	if !ok {
		return "", fmt.Errorf("function.go needs a package comment: Package %s …", pkg)
	}
	first, _, _ := strings.Cut(text, ". ")
	return strings.ToUpper(first[:1]) + strings.TrimSuffix(first[1:], "."), nil
}
