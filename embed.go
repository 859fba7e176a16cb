package rackless

import "embed"

// Manifests are the Knative objects by which the functions are wired together,
// here as in a cluster.
//
//go:embed infra/knative/base infra/knative/functions
var Manifests embed.FS
