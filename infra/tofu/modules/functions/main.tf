# The shop's functions on a cluster that has Knative: the objects of infra/knative
# with images by digest, a login to the database for each function, and the key
# that seals the shops' secrets.

terraform {
  required_version = ">= 1.9"
  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "1.19.0"
    }
  }
}

variable "images" {
  description = "Image of each function, by digest; \"make images\" writes the list."
  type        = map(string)
  validation {
    condition     = alltrue([for i in values(var.images) : can(regex("@sha256:[0-9a-f]{64}$", i))])
    error_message = "Every image must be named by its digest, name@sha256:…, so that what runs is what was tested."
  }
}

variable "database_urls" {
  description = "Address of the database with each function's own login; \"rackless logins\" writes them."
  type        = map(string)
  sensitive   = true
}

variable "credentials_key" {
  description = "Seals the shops' secrets, such as their gateways' keys: openssl rand -base64 32."
  type        = string
  sensitive   = true
}

variable "ebay" {
  description = "The application at eBay, if the shop sells there: its keys, the RuName, and the address and token of notices."
  type = object({
    client_id     = optional(string, "")
    client_secret = optional(string, "")
    ru_name       = optional(string, "")
    notice_url    = optional(string, "")
    notice_token  = optional(string, "")
  })
  sensitive = true
  default   = {}
}

variable "scale" {
  description = "Instances of functions that differ from what their func.yaml says."
  type        = map(object({ min = optional(number, 0), max = number }))
  default     = {}
}

variable "initial_scale" {
  description = "Instances that a new revision must have started before it gets traffic: 1 finds an image that does not start before anybody calls it, 0 applies without starting anything."
  type        = number
  default     = 1
  validation {
    condition     = var.initial_scale >= 0 && floor(var.initial_scale) == var.initial_scale
    error_message = "The initial scale is a number of instances."
  }
}

variable "topology" {
  description = "One Service per operation, one per domain, or one for the whole shop."
  type        = string
  default     = "operation"
  validation {
    condition     = contains(["operation", "domain", "shop"], var.topology)
    error_message = "The topology is operation, domain or shop."
  }
}

variable "database" {
  description = "For the topologies domain and shop: the database's address and the secret from which the logins derive; \"rackless logins\" writes them."
  type        = object({ url = string, login_secret = string })
  sensitive   = true
  default     = { url = "", login_secret = "" }
}

variable "broker_class" {
  description = "Class of the Broker; an output of the module knative."
  type        = string
  default     = "MTChannelBasedBroker"
}

variable "manifests" {
  description = "Folder of the Knative objects; the repository's own unless given."
  type        = string
  default     = ""
}

variable "kubeconfig" {
  description = "Path of the cluster's kubeconfig, for the wait until everything is ready."
  type        = string
}

variable "kubectl" {
  description = "The program kubectl."
  type        = string
  default     = "kubectl"
}

locals {
  folder = var.manifests != "" ? var.manifests : "${path.module}/../../../knative"
  own    = { operation = "functions", domain = "overlays/domain", shop = "overlays/shop" }[var.topology]
  texts = flatten([
    for f in fileset(local.folder, "{base,${local.own}}/*.yaml") : [
      for d in split("\n---\n", file("${local.folder}/${f}")) : replace(d, "MTChannelBasedBroker", var.broker_class) if can(yamldecode(d).kind)
    ]
  ])
  command = "ko://github.com/rackless/rackless/functions/cmd/"
  objects = { for t in local.texts : "${yamldecode(t).kind}/${yamldecode(t).metadata.name}" => t }
  services = {
    for key, t in local.objects : key => replace(
      replace(
        replace(
          replace(t, regex("${local.command}[a-z-]+", t), var.images[trimprefix(regex("${local.command}[a-z-]+", t), local.command)]),
          "/min-scale: \"\\d+\"/", "min-scale: \"${try(var.scale[yamldecode(t).metadata.name].min, yamldecode(t).spec.template.metadata.annotations["autoscaling.knative.dev/min-scale"])}\""
        ),
        "/max-scale: \"\\d+\"/", "max-scale: \"${try(var.scale[yamldecode(t).metadata.name].max, yamldecode(t).spec.template.metadata.annotations["autoscaling.knative.dev/max-scale"])}\""
      ),
      "/initial-scale: \"\\d+\"/", "initial-scale: \"${var.initial_scale}\""
    ) if startswith(key, "Service/")
  }
  before = { for key, t in local.objects : key => t if contains(["ServiceAccount", "NetworkPolicy", "Broker"], split("/", key)[0]) }
  after  = { for key, t in local.objects : key => t if contains(["Trigger", "PingSource"], split("/", key)[0]) }
}

resource "kubectl_manifest" "namespace" {
  yaml_body = local.objects["Namespace/rackless"]
}

resource "kubectl_manifest" "login" {
  for_each         = var.topology == "operation" ? nonsensitive(toset(keys(var.database_urls))) : []
  sensitive_fields = ["data"]
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "${each.key}-db", namespace = "rackless", labels = { "app.kubernetes.io/part-of" = "rackless" } }
    data       = { url = base64encode(var.database_urls[each.key]) }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "credentials" {
  sensitive_fields = ["data"]
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "rackless-credentials", namespace = "rackless", labels = { "app.kubernetes.io/part-of" = "rackless" } }
    data       = { key = base64encode(var.credentials_key) }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "ebay" {
  sensitive_fields = ["data"]
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "rackless-ebay", namespace = "rackless", labels = { "app.kubernetes.io/part-of" = "rackless" } }
    data       = { for name, value in var.ebay : replace(name, "_", "-") => base64encode(value) }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "database" {
  count            = var.topology == "operation" ? 0 : 1
  sensitive_fields = ["data"]
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "Secret"
    metadata   = { name = "rackless-db", namespace = "rackless", labels = { "app.kubernetes.io/part-of" = "rackless" } }
    data       = { url = base64encode(var.database.url), login-secret = base64encode(var.database.login_secret) }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "before" {
  for_each   = local.before
  yaml_body  = each.value
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "service" {
  for_each   = local.services
  yaml_body  = each.value
  depends_on = [kubectl_manifest.login, kubectl_manifest.database, kubectl_manifest.credentials, kubectl_manifest.ebay, kubectl_manifest.before]
}

resource "kubectl_manifest" "after" {
  for_each   = local.after
  yaml_body  = each.value
  depends_on = [kubectl_manifest.service, kubectl_manifest.before]
}

# An apply ends when what it has changed serves, not when it was accepted. An
# in-memory channel would hold a publisher's request until every consumer has
# answered, and those publish in turn: a whole checkout within one request. It is
# told to answer at once, which its dispatcher learns when it starts; what that
# loses meanwhile, the outbox sends again.
resource "terraform_data" "ready" {
  triggers_replace = sha256(jsonencode([local.services, local.after, local.before]))
  provisioner "local-exec" {
    command     = <<-EOT
      set -e
      $K wait --for=condition=Ready ksvc,broker,trigger,pingsource --all --timeout=600s >/dev/null
      for channel in $($K get inmemorychannels.messaging.knative.dev -o name 2>/dev/null); do
        if [ "$($K get "$channel" -o jsonpath='{.metadata.annotations.messaging\.knative\.dev/async-handler}')" != true ]; then
          $K annotate --overwrite "$channel" messaging.knative.dev/async-handler=true >/dev/null
          $K -n knative-eventing rollout restart deployment imc-dispatcher >/dev/null
          $K -n knative-eventing rollout status deployment imc-dispatcher --timeout=300s >/dev/null
        fi
      done
    EOT
    environment = { K = "${var.kubectl} --kubeconfig ${var.kubeconfig} -n rackless" }
  }
  depends_on = [kubectl_manifest.after]
}

output "functions" {
  description = "The functions that serve."
  value       = sort([for key in keys(local.services) : trimprefix(key, "Service/")])
}
