# Where the functions' traces go: an OpenTelemetry collector that passes them on.
# Logs are lines of JSON on standard output, which every cluster collects.

terraform {
  required_version = ">= 1.9"
  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "1.19.0"
    }
  }
}

variable "endpoint" {
  description = "Where traces are sent on to, by OTLP over HTTP: https://otlp.example.com."
  type        = string
}

variable "headers" {
  description = "Headers of these requests, such as an API key."
  type        = map(string)
  sensitive   = true
  default     = {}
}

variable "image" {
  description = "Image of the OpenTelemetry collector."
  type        = string
  default     = "docker.io/otel/opentelemetry-collector:0.140.0"
}

locals {
  labels = { "app.kubernetes.io/part-of" = "rackless", "app.kubernetes.io/name" = "collector" }
}

resource "kubectl_manifest" "namespace" {
  yaml_body = yamlencode({
    apiVersion = "v1", kind = "Namespace"
    metadata   = { name = "rackless-observability", labels = { "rackless.dev/observability" = "true" } }
  })
}

resource "kubectl_manifest" "config" {
  sensitive_fields = ["data"]
  yaml_body = yamlencode({
    apiVersion = "v1", kind = "Secret"
    metadata   = { name = "collector", namespace = "rackless-observability", labels = local.labels }
    data = {
      "config.yaml" = base64encode(yamlencode({
        receivers  = { otlp = { protocols = { http = { endpoint = "0.0.0.0:4318" } } } }
        processors = { batch = {}, memory_limiter = { check_interval = "1s", limit_mib = 200 } }
        exporters  = { otlphttp = { endpoint = var.endpoint, headers = var.headers } }
        service    = { pipelines = { traces = { receivers = ["otlp"], processors = ["memory_limiter", "batch"], exporters = ["otlphttp"] } } }
      }))
    }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "service" {
  yaml_body = yamlencode({
    apiVersion = "v1", kind = "Service"
    metadata   = { name = "collector", namespace = "rackless-observability", labels = local.labels }
    spec       = { selector = local.labels, ports = [{ port = 4318 }] }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "collector" {
  yaml_body = yamlencode({
    apiVersion = "apps/v1", kind = "Deployment"
    metadata   = { name = "collector", namespace = "rackless-observability", labels = local.labels }
    spec = {
      replicas = 1
      selector = { matchLabels = local.labels }
      template = {
        metadata = { labels = local.labels }
        spec = {
          automountServiceAccountToken = false
          containers = [{
            name            = "collector", image = var.image
            args            = ["--config=/etc/collector/config.yaml"]
            ports           = [{ containerPort = 4318 }]
            resources       = { requests = { cpu = "20m", memory = "64Mi" }, limits = { memory = "256Mi" } }
            securityContext = { allowPrivilegeEscalation = false, readOnlyRootFilesystem = true, runAsNonRoot = true, capabilities = { drop = ["ALL"] }, seccompProfile = { type = "RuntimeDefault" } }
            volumeMounts    = [{ name = "config", mountPath = "/etc/collector" }]
          }]
          volumes = [{ name = "config", secret = { secretName = "collector" } }]
        }
      }
    }
  })
  depends_on = [kubectl_manifest.config]
}

output "otlp" {
  description = "What OTEL_EXPORTER_OTLP_ENDPOINT of the functions must be."
  value       = "http://collector.rackless-observability.svc.cluster.local:4318"
}
