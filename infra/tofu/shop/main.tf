# A shop on a cluster that is there: the functions, and what they are told. The
# other modules prepare the cluster; each is an apply of its own, because what it
# makes must be there before this can be planned.

terraform {
  required_version = ">= 1.9"
  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "1.19.0"
    }
  }
}

provider "kubectl" {
  config_path       = var.kubeconfig
  load_config_file  = true
  apply_retry_count = 3
}

variable "kubeconfig" {
  description = "Path of the cluster's kubeconfig."
  type        = string
}

variable "kubectl" {
  description = "The program kubectl."
  type        = string
  default     = "kubectl"
}

variable "images" {
  description = "Image of each function, by digest; \"make images\" writes bin/images.tfvars.json."
  type        = map(string)
}

variable "database_urls" {
  description = "Address of the database with each function's own login; \"rackless logins\" writes them."
  type        = map(string)
  sensitive   = true
}

variable "credentials_key" {
  description = "Seals the shops' secrets; \"rackless logins\" writes it."
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

variable "initial_scale" {
  description = "Instances that a new revision must have started before it gets traffic; 0 applies without starting anything."
  type        = number
  default     = 1
}

variable "topology" {
  description = "One Service per operation, one per domain, or one for the whole shop."
  type        = string
  default     = "operation"
}

variable "database" {
  description = "For the topologies domain and shop; \"rackless logins\" writes it."
  type        = object({ url = string, login_secret = string })
  sensitive   = true
  default     = { url = "", login_secret = "" }
}

variable "broker_class" {
  description = "Class of the Broker; an output of the module knative."
  type        = string
  default     = "MTChannelBasedBroker"
}

variable "scale" {
  description = "Instances of functions that differ from what their func.yaml says, like {order-place = {min = 1, max = 20}}."
  type        = map(object({ min = optional(number, 0), max = number }))
  default     = {}
}

module "functions" {
  source          = "../modules/functions"
  images          = var.images
  database_urls   = var.database_urls
  credentials_key = var.credentials_key
  ebay            = var.ebay
  topology        = var.topology
  database        = var.database
  broker_class    = var.broker_class
  scale           = var.scale
  initial_scale   = var.initial_scale
  kubeconfig      = var.kubeconfig
  kubectl         = var.kubectl
}

output "functions" {
  description = "The functions that serve."
  value       = module.functions.functions
}
