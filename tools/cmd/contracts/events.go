package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/rackless/rackless/shared/contract"
	"github.com/rackless/rackless/shared/events"
	"github.com/rackless/rackless/shared/manifest"
)

// schemaDir holds a JSON Schema for the data of each type of event.
const schemaDir = "shared/events/schema"

// describeEvents returns the schemas of the registered events by short type.
func describeEvents(src *source) (contract.Members[*contract.Schema], error) {
	var all contract.Members[*contract.Schema]
	for _, r := range events.Registry() {
		name, t := events.Short(r.Example.Type()), reflect.TypeOf(r.Example)
		if _, twice := all.Get(name); twice {
			return nil, fmt.Errorf("%s is registered twice", name)
		}
		example, err := json.Marshal(r.Example)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s := (&schemas{src: src}).of(t)
		s.Version = "https://json-schema.org/draft/2020-12/schema"
		s.ID = "https://rackless.dev/schemas/" + name + ".json"
		s.Title, s.Examples = t.Name(), []json.RawMessage{example}
		all.Set(name, s)
	}
	return sorted(all), nil
}

// encodeSchema writes a schema as its file.
func encodeSchema(s *contract.Schema) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(s)
	return b.Bytes(), err
}

// readSchemas reads the schemas that were written before.
func readSchemas(dir string) (contract.Members[*contract.Schema], error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var all contract.Members[*contract.Schema]
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		s := &contract.Schema{}
		if err := json.Unmarshal(data, s); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all.Set(strings.TrimSuffix(filepath.Base(path), ".json"), s)
	}
	return all, nil
}

// onlyGrown refuses a change that breaks who reads a type of event, or what
// reads one that was stored before: within a version, schemas only gain optional
// fields.
func onlyGrown(released, now contract.Members[*contract.Schema]) error {
	var errs []error
	for _, r := range released {
		s, ok := now.Get(r.Name)
		if !ok {
			errs = append(errs, fmt.Errorf("%s is not registered any more", r.Name))
			continue
		}
		errs = append(errs, grown(r.Name, r.Value, s)...)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("events change in a way that breaks their consumers: %w\npublish a new version (v2) beside the old one; for a type that was never released, delete its file in %s first", errors.Join(errs...), schemaDir)
}

func grown(at string, was, is *contract.Schema) (errs []error) {
	if !slices.Equal(was.Type, is.Type) || was.Format != is.Format {
		return []error{fmt.Errorf("%s was %v %s and is %v %s", at, was.Type, was.Format, is.Type, is.Format)}
	}
	for _, p := range was.Properties {
		if now, ok := is.Properties.Get(p.Name); ok {
			errs = append(errs, grown(at+"/"+p.Name, p.Value, now)...)
		} else {
			errs = append(errs, fmt.Errorf("%s/%s is gone", at, p.Name))
		}
	}
	for _, name := range is.Required {
		if !slices.Contains(was.Required, name) {
			errs = append(errs, fmt.Errorf("%s/%s has become required", at, name))
		}
	}
	for _, name := range was.Required {
		if _, there := is.Properties.Get(name); there && !slices.Contains(is.Required, name) {
			errs = append(errs, fmt.Errorf("%s/%s is not required any more", at, name))
		}
	}
	switch {
	case was.Items != nil && is.Items != nil:
		errs = append(errs, grown(at+"/items", was.Items, is.Items)...)
	case was.Additional != nil && is.Additional != nil && was.Additional.Schema != nil && is.Additional.Schema != nil:
		errs = append(errs, grown(at+"/*", was.Additional.Schema, is.Additional.Schema)...)
	}
	return errs
}

// The parts of an AsyncAPI 3.0 document that ours uses.
type (
	asyncAPI struct {
		AsyncAPI   string                           `json:"asyncapi"`
		Info       contract.Info                    `json:"info"`
		Servers    contract.Members[asyncServer]    `json:"servers"`
		Channels   contract.Members[asyncChannel]   `json:"channels"`
		Operations contract.Members[asyncOperation] `json:"operations"`
		Components asyncComponents                  `json:"components"`
	}
	asyncServer struct {
		Host        string `json:"host"`
		Protocol    string `json:"protocol"`
		Description string `json:"description"`
	}
	asyncChannel struct {
		Address     string                      `json:"address"`
		Description string                      `json:"description"`
		Messages    contract.Members[reference] `json:"messages"`
	}
	asyncOperation struct {
		Action   string      `json:"action"`
		Channel  reference   `json:"channel"`
		Summary  string      `json:"summary"`
		Messages []reference `json:"messages"`
	}
	asyncComponents struct {
		Messages contract.Members[asyncMessage]     `json:"messages"`
		Schemas  contract.Members[*contract.Schema] `json:"schemas"`
	}
	asyncMessage struct {
		Name        string         `json:"name"`
		Title       string         `json:"title"`
		Description string         `json:"description"`
		ContentType string         `json:"contentType"`
		Headers     reference      `json:"headers"`
		Payload     reference      `json:"payload"`
		Examples    []asyncExample `json:"examples"`
		NoConsumer  string         `json:"x-no-consumer,omitempty"`
	}
	asyncExample struct {
		Payload json.RawMessage `json:"payload"`
	}
	reference struct {
		Ref string `json:"$ref"`
	}
)

// attributes are the CloudEvents attributes with which an event travels over
// HTTP (binary mode). Their names are those of headers.
var attributes = []struct{ name, text string }{
	{"ce-specversion", "1.0"},
	{"ce-id", "UUID version 7, the same on every delivery. With ce-source it tells a duplicate."},
	{"ce-type", "The type, e.g. dev.rackless.order.placed.v1."},
	{"ce-source", "The bounded context, e.g. https://rackless.dev/order."},
	{"ce-subject", "The id of what it happened to."},
	{"ce-time", "When it happened, RFC 3339 in UTC."},
	{"ce-dataschema", "The URI of the schema of the data."},
	{"ce-shop", "The id of the shop."},
	{"ce-partitionkey", "The subject: events of one key are kept in order where the broker can."},
	{"ce-correlationid", "The id of the first request of the chain."},
	{"ce-causationid", "The id of the event that caused this one; absent if a request did."},
	{"ce-traceparent", "W3C trace context of the cause."},
	{"ce-idempotencykey", "The Idempotency-Key of the first request, if it had one."},
}

// describeFlow says which function states which events and which acts on them.
func describeFlow(all contract.Members[*contract.Schema]) asyncAPI {
	const channel = "rackless"
	d := asyncAPI{
		AsyncAPI: "3.0.0",
		Info: contract.Info{
			Title: "Rackless events", Version: "1.0.0",
			Description: "What happens in a shop, as CloudEvents 1.0 over HTTP. Every event comes at least once, perhaps late and in any order; ce-source and ce-id tell duplicates. " +
				"Data may gain fields within a version. An incompatible change is a new type.",
		},
		Servers: contract.Members[asyncServer]{{Name: "broker", Value: asyncServer{
			Host: "broker-ingress.knative-eventing.svc.cluster.local", Protocol: "http", Description: "The Knative Broker. Functions publish to it; Triggers deliver from it.",
		}}},
	}
	headers := &contract.Schema{Title: "CloudEvents attributes", Type: contract.Types{"object"}}
	for _, a := range attributes {
		headers.Properties.Set(a.name, &contract.Schema{Type: contract.Types{"string"}, Description: a.text})
	}
	headers.Required = []string{"ce-specversion", "ce-id", "ce-type", "ce-source", "ce-subject", "ce-time", "ce-shop"}

	messages := contract.Members[reference]{}
	for _, r := range events.Registry() {
		name := events.Short(r.Example.Type())
		s, _ := all.Get(name)
		d.Components.Messages.Set(name, asyncMessage{
			Name: r.Example.Type(), Title: s.Title, Description: s.Description, ContentType: jsonType, NoConsumer: r.NoConsumer,
			Headers: reference{"#/components/schemas/attributes"}, Payload: reference{"#/components/schemas/" + name},
			Examples: []asyncExample{{s.Examples[0]}},
		})
		messages.Set(name, reference{"#/components/messages/" + name})
		payload := *s
		payload.Version, payload.ID, payload.Examples = "", "", nil // of the file, not of this part of a document
		d.Components.Schemas.Set(name, &payload)
	}
	d.Components.Messages, d.Components.Schemas = sorted(d.Components.Messages), sorted(d.Components.Schemas)
	d.Components.Schemas = append(contract.Members[*contract.Schema]{{Name: "attributes", Value: headers}}, d.Components.Schemas...)
	d.Channels.Set(channel, asyncChannel{Address: "/rackless/rackless", Description: "The broker of the shop: namespace and name.", Messages: sorted(messages)})
	for _, f := range manifest.Functions {
		for _, flow := range []struct {
			action string
			types  []string
		}{{"send", f.Emits}, {"receive", f.Consumes}} {
			if len(flow.types) == 0 {
				continue
			}
			o := asyncOperation{Action: flow.action, Channel: reference{"#/channels/" + channel}, Summary: f.Summary}
			for _, t := range flow.types {
				o.Messages = append(o.Messages, reference{"#/channels/" + channel + "/messages/" + events.Short(t)})
			}
			d.Operations.Set(f.Name+"."+flow.action, o)
		}
	}
	return d
}
