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
  scale           = var.scale
  kubeconfig      = var.kubeconfig
  kubectl         = var.kubectl
}

output "functions" {
  description = "The functions that serve."
  value       = module.functions.functions
}
