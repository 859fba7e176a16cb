# From Linux hosts to a k0s cluster, by k0sctl: it connects by SSH, installs what
# differs from the configuration and leaves the rest alone, so that an apply may be
# repeated, and adding a host is one more entry in the list.

terraform {
  required_version = ">= 1.9"
}

variable "name" {
  description = "Name of the cluster."
  type        = string
  default     = "rackless"
}

variable "hosts" {
  description = "The hosts, with what each is for. One or three controllers; on a single host use controller+worker."
  type = list(object({
    address  = string
    role     = string
    user     = optional(string, "root")
    port     = optional(number, 22)
    key_path = optional(string, "~/.ssh/id_ed25519")
  }))
  validation {
    condition     = alltrue([for h in var.hosts : contains(["controller", "worker", "controller+worker", "single"], h.role)])
    error_message = "A host's role is controller, worker, controller+worker or single."
  }
  validation {
    condition     = contains([1, 3, 5], length([for h in var.hosts : h if h.role != "worker"]))
    error_message = "There must be 1, 3 or 5 controllers: with an even number, losing half of them loses the cluster."
  }
}

variable "k0s_version" {
  description = "Version of k0s."
  type        = string
  default     = "1.36.3+k0s.0"
}

variable "folder" {
  description = "Where k0sctl's configuration and the kubeconfig are written."
  type        = string
}

variable "k0sctl" {
  description = "The program k0sctl."
  type        = string
  default     = "k0sctl"
}

locals {
  config = yamlencode({
    apiVersion = "k0sctl.k0sproject.io/v1beta1"
    kind       = "Cluster"
    metadata   = { name = var.name }
    spec = {
      hosts = [for h in var.hosts : { role = h.role, ssh = { address = h.address, user = h.user, port = h.port, keyPath = h.key_path } }]
      k0s = {
        version = var.k0s_version
        config = {
          apiVersion = "k0s.k0sproject.io/v1beta1"
          kind       = "ClusterConfig"
          metadata   = { name = var.name }
          spec = {
            network   = { provider = "calico" } # enforces the functions' NetworkPolicies
            telemetry = { enabled = false }
          }
        }
      }
    }
  })
  config_path = "${var.folder}/k0sctl.yaml"
  kubeconfig  = "${var.folder}/kubeconfig"
}

resource "terraform_data" "cluster" {
  input            = { config = local.config, path = local.config_path, kubeconfig = local.kubeconfig, k0sctl = var.k0sctl }
  triggers_replace = sha256(local.config)

  provisioner "local-exec" {
    command     = "mkdir -p \"$(dirname \"$CONFIG_PATH\")\" && printf '%s' \"$CONFIG\" > \"$CONFIG_PATH\" && ${var.k0sctl} apply --config \"$CONFIG_PATH\" --no-wait=false && (umask 077; ${var.k0sctl} kubeconfig --config \"$CONFIG_PATH\" > \"$KUBECONFIG_PATH\")"
    environment = { CONFIG = local.config, CONFIG_PATH = local.config_path, KUBECONFIG_PATH = local.kubeconfig }
  }
}

output "kubeconfig" {
  description = "Path of the cluster's kubeconfig."
  value       = terraform_data.cluster.output.kubeconfig
}
