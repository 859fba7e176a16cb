package topology

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	duckv1 "knative.dev/pkg/apis/duck/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Manifest is what a set of Knative objects says, in the order of the files.
type Manifest struct {
	Services    []Service
	Brokers     []Broker
	Triggers    []Trigger
	PingSources []PingSource
}

// Object is what all kinds have in common. A missing namespace means "default".
type Object struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Status     any      `json:"status,omitempty"`

	at string // file, document and name, for messages
}

// Metadata names an object.
type Metadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Service is a function (serving.knative.dev/v1).
type Service struct {
	Object
	Spec ServiceSpec `json:"spec"`
}

// ServiceSpec holds of a Service what matters here. The fields of type any are
// known, so that a misspelt one is found, but only a cluster acts on them.
type ServiceSpec struct {
	Template struct {
		Metadata Metadata `json:"metadata"`
		Spec     PodSpec  `json:"spec"`
	} `json:"template"`
	Traffic any `json:"traffic,omitempty"`
}

// PodSpec is the Service's pod.
type PodSpec struct {
	Containers []Container `json:"containers"`

	Affinity                     any `json:"affinity,omitempty"`
	AutomountServiceAccountToken any `json:"automountServiceAccountToken,omitempty"`
	ContainerConcurrency         any `json:"containerConcurrency,omitempty"`
	EnableServiceLinks           any `json:"enableServiceLinks,omitempty"`
	IdleTimeoutSeconds           any `json:"idleTimeoutSeconds,omitempty"`
	ImagePullSecrets             any `json:"imagePullSecrets,omitempty"`
	InitContainers               any `json:"initContainers,omitempty"`
	NodeSelector                 any `json:"nodeSelector,omitempty"`
	ResponseStartTimeoutSeconds  any `json:"responseStartTimeoutSeconds,omitempty"`
	SecurityContext              any `json:"securityContext,omitempty"`
	ServiceAccountName           any `json:"serviceAccountName,omitempty"`
	TimeoutSeconds               any `json:"timeoutSeconds,omitempty"`
	Tolerations                  any `json:"tolerations,omitempty"`
	TopologySpreadConstraints    any `json:"topologySpreadConstraints,omitempty"`
	Volumes                      any `json:"volumes,omitempty"`
}

// Container is the function's container.
type Container struct {
	Name  string `json:"name,omitempty"`
	Image string `json:"image,omitempty"`
	Env   []struct {
		Name      string `json:"name"`
		Value     string `json:"value,omitempty"`
		ValueFrom any    `json:"valueFrom,omitempty"`
	} `json:"env,omitempty"`

	Args            any `json:"args,omitempty"`
	Command         any `json:"command,omitempty"`
	EnvFrom         any `json:"envFrom,omitempty"`
	ImagePullPolicy any `json:"imagePullPolicy,omitempty"`
	LivenessProbe   any `json:"livenessProbe,omitempty"`
	Ports           any `json:"ports,omitempty"`
	ReadinessProbe  any `json:"readinessProbe,omitempty"`
	Resources       any `json:"resources,omitempty"`
	SecurityContext any `json:"securityContext,omitempty"`
	StartupProbe    any `json:"startupProbe,omitempty"`
	VolumeMounts    any `json:"volumeMounts,omitempty"`
	WorkingDir      any `json:"workingDir,omitempty"`
}

// Broker takes events and hands them to its triggers (eventing.knative.dev/v1).
type Broker struct {
	Object
	Spec BrokerSpec `json:"spec,omitempty"`
}

// BrokerSpec says how triggers that say nothing themselves deliver.
type BrokerSpec struct {
	Config   any       `json:"config,omitempty"`
	Delivery *Delivery `json:"delivery,omitempty"`
}

// Trigger sends the events of a broker that pass its filter to a subscriber
// (eventing.knative.dev/v1).
type Trigger struct {
	Object
	Spec TriggerSpec `json:"spec"`
}

// TriggerSpec is the subscription. Filters, if there are any, override Filter.
type TriggerSpec struct {
	Broker     string             `json:"broker"`
	Filter     *AttributesFilter  `json:"filter,omitempty"`
	Filters    []Filter           `json:"filters,omitempty"`
	Subscriber duckv1.Destination `json:"subscriber"`
	Delivery   *Delivery          `json:"delivery,omitempty"`
}

// AttributesFilter passes an event that has all these attributes with these
// values; an empty value stands for any that is not empty.
type AttributesFilter struct {
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Filter is an expression of the CloudEvents Subscriptions API: exactly one of
// its fields is set.
type Filter struct {
	Exact  map[string]string `json:"exact,omitempty"`
	Prefix map[string]string `json:"prefix,omitempty"`
	Suffix map[string]string `json:"suffix,omitempty"`
	All    []Filter          `json:"all,omitempty"`
	Any    []Filter          `json:"any,omitempty"`
	Not    *Filter           `json:"not,omitempty"`
	CESQL  string            `json:"cesql,omitempty"`
}

// Delivery says how often and how long delivery is tried, and what becomes of an
// event that cannot be delivered. Durations are ISO 8601, such as PT0.2S.
type Delivery struct {
	DeadLetterSink *duckv1.Destination `json:"deadLetterSink,omitempty"`
	Retry          *int                `json:"retry,omitempty"` // attempts after the first
	BackoffPolicy  string              `json:"backoffPolicy,omitempty"`
	BackoffDelay   string              `json:"backoffDelay,omitempty"`
	Timeout        string              `json:"timeout,omitempty"` // of one attempt
	RetryAfterMax  string              `json:"retryAfterMax,omitempty"`
}

// PingSource sends an event of type dev.knative.sources.ping on a schedule
// (sources.knative.dev/v1).
type PingSource struct {
	Object
	Spec PingSourceSpec `json:"spec"`
}

// PingSourceSpec is the schedule and what is sent. Schedule is a cron expression
// of five fields, every minute if empty; Timezone is a tz database name, UTC if
// empty.
type PingSourceSpec struct {
	Schedule    string             `json:"schedule,omitempty"`
	Timezone    string             `json:"timezone,omitempty"`
	ContentType string             `json:"contentType,omitempty"`
	Data        string             `json:"data,omitempty"`
	DataBase64  string             `json:"dataBase64,omitempty"`
	Sink        duckv1.Destination `json:"sink"`
	CEOverrides struct {
		Extensions map[string]string `json:"extensions,omitempty"`
	} `json:"ceOverrides,omitempty"`
}

// Load reads all .yaml and .yml files below the folders dirs of fsys, or below
// its root if there are none. Objects that no local runtime needs (other API
// groups, DomainMapping, EventType, SinkBinding) are passed over. The error
// joins everything that is wrong: each line names file, document and field, and
// says how to mend it.
func Load(fsys fs.FS, dirs ...string) (*Manifest, error) {
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	m := &Manifest{}
	var errs []error
	for _, dir := range dirs {
		err := fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" {
				return nil
			}
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				return err
			}
			for i, doc := range documents(text) {
				if err := m.add(doc, fmt.Sprintf("%s, document %d", name, i+1)); err != nil {
					errs = append(errs, err)
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read the manifest: %w", err)
		}
	}
	if len(errs) == 0 {
		errs = append(errs, m.validate())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return m, nil
}

// documents cuts a stream at its document markers. A line that begins with three
// hyphens or dots is a marker even within a block of text (YAML 1.2, §9.1).
func documents(text []byte) [][]byte {
	var docs [][]byte
	var doc []byte
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\uFEFF"))) {
		marker, rest := line[:min(3, len(line))], line[min(3, len(line)):]
		if isMarker := string(marker) == "---" || string(marker) == "..."; isMarker && (len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n")) {
			docs = append(docs, doc)
			doc = slices.Clone(rest)
			continue
		}
		doc = append(doc, line...)
	}
	docs = append(docs, doc)
	return slices.DeleteFunc(docs, func(doc []byte) bool {
		for line := range bytes.Lines(doc) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
				return false
			}
		}
		return true
	})
}

// add decodes one document.
func (m *Manifest) add(doc []byte, at string) error {
	text, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return fmt.Errorf("%s: %w; mend the YAML", at, err)
	}
	var head struct {
		APIVersion string                `json:"apiVersion"`
		Kind       string                `json:"kind"`
		Metadata   struct{ Name string } `json:"metadata"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("%s: it is not an object with apiVersion, kind and metadata; write one or remove it", at)
	}
	if head.Kind == "List" {
		return fmt.Errorf("%s: kind: a List is not read; write its items as documents of their own", at)
	}
	group, _, _ := strings.Cut(head.APIVersion, "/")
	if !strings.HasSuffix(group, ".knative.dev") {
		return nil
	}
	at = fmt.Sprintf("%s, %s %q", at, head.Kind, head.Metadata.Name)
	switch head.APIVersion + " " + head.Kind {
	case "serving.knative.dev/v1 Service":
		return decode(text, at, &m.Services, func(s *Service) *Object { return &s.Object })
	case "eventing.knative.dev/v1 Broker":
		return decode(text, at, &m.Brokers, func(b *Broker) *Object { return &b.Object })
	case "eventing.knative.dev/v1 Trigger":
		return decode(text, at, &m.Triggers, func(t *Trigger) *Object { return &t.Object })
	case "sources.knative.dev/v1 PingSource":
		return decode(text, at, &m.PingSources, func(p *PingSource) *Object { return &p.Object })
	}
	switch head.Kind {
	case "DomainMapping", "EventType", "SinkBinding":
		return nil
	case "Service", "Broker", "Trigger", "PingSource":
		return fmt.Errorf("%s: apiVersion: %q is not supported; write version v1 of its group", at, head.APIVersion)
	}
	return fmt.Errorf("%s: kind: the local runtime cannot run %s %s; use Service, Broker, Trigger or PingSource", at, head.APIVersion, head.Kind)
}

func decode[T any](text []byte, at string, to *[]T, object func(*T) *Object) error {
	var v T
	strict, err := kjson.UnmarshalStrict(text, &v)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%s: %s: a %s stands where a value of type %s belongs; correct it", at, wrong.Field, wrong.Value, wrong.Type)
	}
	if err != nil {
		return fmt.Errorf("%s: %s; correct the value", at, strings.TrimPrefix(err.Error(), "json: "))
	}
	if len(strict) > 0 {
		return fmt.Errorf("%s: %w; correct the spelling or remove the field", at, errors.Join(strict...))
	}
	o := object(&v)
	o.at = at
	if o.Metadata.Namespace == "" {
		o.Metadata.Namespace = "default"
	}
	*to = append(*to, v)
	return nil
}

// label is a DNS label, which names of objects that become host names must be
// (RFC 1123).
var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// validate reports what is wrong in an object by itself or in its references.
func (m *Manifest) validate() error {
	var errs []error
	names := map[string]string{}
	object := func(o Object) {
		switch id, at := o.Kind+" "+o.Metadata.Name, names[o.Kind+" "+o.Metadata.Name]; {
		case !label.MatchString(o.Metadata.Name):
			errs = append(errs, fmt.Errorf("%s: metadata.name: write lower-case letters, digits and hyphens, at most 63", o.at))
		case !label.MatchString(o.Metadata.Namespace):
			errs = append(errs, fmt.Errorf("%s: metadata.namespace: write lower-case letters, digits and hyphens, at most 63", o.at))
		case at != "":
			errs = append(errs, fmt.Errorf("%s: metadata.name: the name is taken by %s; rename or remove one", o.at, at))
		default:
			names[id] = o.at
		}
	}
	field := func(o Object, name string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s%w", o.at, name, err))
		}
	}
	for _, s := range m.Services {
		object(s.Object)
	}
	for _, b := range m.Brokers {
		object(b.Object)
		_, err := m.policy(b.Spec.Delivery, b.Metadata.Namespace)
		field(b.Object, "spec.delivery.", err)
	}
	for _, t := range m.Triggers {
		object(t.Object)
		if b := m.broker(t.Spec.Broker); b == nil || b.Metadata.Namespace != t.Metadata.Namespace {
			field(t.Object, "spec.broker: ", fmt.Errorf("there is no Broker %q in namespace %q; write the name of one", t.Spec.Broker, t.Metadata.Namespace))
		}
		_, err := newFilter(t.Spec)
		field(t.Object, "spec.", err)
		_, err = m.policy(t.Spec.Delivery, t.Metadata.Namespace)
		field(t.Object, "spec.delivery.", err)
		_, err = m.resolve(t.Spec.Subscriber, t.Metadata.Namespace)
		field(t.Object, "spec.subscriber", err)
	}
	for _, p := range m.PingSources {
		object(p.Object)
		_, err := p.schedule()
		field(p.Object, "spec.", err)
		_, err = p.event()
		field(p.Object, "spec.", err)
		_, err = m.resolve(p.Spec.Sink, p.Metadata.Namespace)
		field(p.Object, "spec.sink", err)
	}
	return errors.Join(errs...)
}

// service returns the Service of that name, or nil.
func (m *Manifest) service(name string) *Service {
	if i := slices.IndexFunc(m.Services, func(s Service) bool { return s.Metadata.Name == name }); i >= 0 {
		return &m.Services[i]
	}
	return nil
}

// broker returns the Broker of that name, or nil.
func (m *Manifest) broker(name string) *Broker {
	if i := slices.IndexFunc(m.Brokers, func(b Broker) bool { return b.Metadata.Name == name }); i >= 0 {
		return &m.Brokers[i]
	}
	return nil
}

// delivery returns what holds for a trigger: its own delivery, otherwise its
// broker's, each with the broker's dead letter sink if it names none
// (knative/eventing, pkg/reconciler/broker/trigger).
func (m *Manifest) delivery(t Trigger) *Delivery {
	d := t.Spec.Delivery
	b := m.broker(t.Spec.Broker)
	switch {
	case b == nil || b.Spec.Delivery == nil:
		return d
	case d == nil:
		return b.Spec.Delivery
	case d.DeadLetterSink != nil:
		return d
	}
	merged := *d
	merged.DeadLetterSink = b.Spec.Delivery.DeadLetterSink
	return &merged
}

// sink returns the one broker that functions publish to, nil if it is not clear
// which.
func (m *Manifest) sink() *Broker {
	var sinks []*Broker
	for i := range m.Brokers {
		if !m.takesDeadLetters(m.Brokers[i].Metadata.Name) {
			sinks = append(sinks, &m.Brokers[i])
		}
	}
	if len(sinks) != 1 {
		return nil
	}
	return sinks[0]
}

// takesDeadLetters reports whether the broker is the dead letter sink of another.
func (m *Manifest) takesDeadLetters(broker string) bool {
	isSink := func(of string, d *Delivery) bool {
		return of != broker && d != nil && d.DeadLetterSink != nil && isBroker(d.DeadLetterSink.Ref, broker)
	}
	return slices.ContainsFunc(m.Brokers, func(b Broker) bool { return isSink(b.Metadata.Name, b.Spec.Delivery) }) ||
		slices.ContainsFunc(m.Triggers, func(t Trigger) bool { return isSink(t.Spec.Broker, t.Spec.Delivery) })
}

// isBroker reports whether a reference is to the broker of that name.
func isBroker(ref *duckv1.KReference, broker string) bool {
	return ref != nil && ref.Kind == "Broker" && ref.Name == broker
}
