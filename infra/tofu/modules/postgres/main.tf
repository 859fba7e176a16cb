# The shop's database: one that is there, or one in the cluster; its schema and the
# functions' logins; and pgbouncer, where all functions at their most instances
# would want more connections than the server gives.

terraform {
  required_version = ">= 1.9"
  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "1.19.0"
    }
  }
}

variable "url" {
  description = "Address of an existing database, as its owner: postgres://owner:password@host:5432/name. Empty: one is made in the cluster."
  type        = string
  sensitive   = true
  default     = ""
}

variable "password" {
  description = "Password of the owner of a database in the cluster."
  type        = string
  sensitive   = true
  default     = ""
}

variable "image" {
  description = "Image of PostgreSQL for a database in the cluster, by digest."
  type        = string
  default     = "docker.io/library/postgres:17"
}

variable "storage" {
  description = "Size of the database's volume."
  type        = string
  default     = "20Gi"
}

variable "max_connections" {
  description = "Connections that the server allows, of which ten are left to people."
  type        = number
  default     = 200
}

variable "instances" {
  description = "Most instances of each function, as its func.yaml or the scale setting says."
  type        = map(number)
}

variable "pool" {
  description = "Connections of one instance."
  type        = number
  default     = 2
}

variable "pgbouncer_image" {
  description = "Image of pgbouncer, used only where it is needed."
  type        = string
  default     = "docker.io/edoburu/pgbouncer:v1.24.1-p1"
}

variable "rackless" {
  description = "The program rackless, which migrates."
  type        = string
  default     = "rackless"
}

locals {
  inside    = nonsensitive(var.url) == ""
  most      = sum([for n in values(var.instances) : n * var.pool])
  pgbouncer = local.most > var.max_connections - 10
  labels    = { "app.kubernetes.io/part-of" = "rackless", "app.kubernetes.io/name" = "postgres" }
}

resource "kubectl_manifest" "namespace" {
  yaml_body = yamlencode({
    apiVersion = "v1", kind = "Namespace"
    metadata   = { name = "rackless-database", labels = { "rackless.dev/database" = "true" } }
  })
}

resource "kubectl_manifest" "owner" {
  count            = local.inside ? 1 : 0
  sensitive_fields = ["data"]
  yaml_body = yamlencode({
    apiVersion = "v1", kind = "Secret"
    metadata   = { name = "postgres-owner", namespace = "rackless-database" }
    data       = { password = base64encode(var.password) }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "service" {
  count = local.inside ? 1 : 0
  yaml_body = yamlencode({
    apiVersion = "v1", kind = "Service"
    metadata   = { name = "postgres", namespace = "rackless-database", labels = local.labels }
    spec       = { selector = local.labels, ports = [{ port = 5432 }] }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "kubectl_manifest" "server" {
  count = local.inside ? 1 : 0
  yaml_body = yamlencode({
    apiVersion = "apps/v1", kind = "StatefulSet"
    metadata   = { name = "postgres", namespace = "rackless-database", labels = local.labels }
    spec = {
      serviceName = "postgres", replicas = 1
      selector    = { matchLabels = local.labels }
      template = {
        metadata = { labels = local.labels }
        spec = {
          automountServiceAccountToken = false
          securityContext              = { runAsUser = 999, runAsGroup = 999, fsGroup = 999, runAsNonRoot = true, seccompProfile = { type = "RuntimeDefault" } }
          containers = [{
            name  = "postgres", image = var.image
            args  = ["-c", "max_connections=${var.max_connections}", "-c", "password_encryption=scram-sha-256"]
            ports = [{ containerPort = 5432 }]
            env = [
              { name = "POSTGRES_DB", value = "rackless" }, { name = "POSTGRES_USER", value = "rackless" }, { name = "PGDATA", value = "/data/pgdata" },
              { name = "POSTGRES_PASSWORD", valueFrom = { secretKeyRef = { name = "postgres-owner", key = "password" } } },
            ]
            readinessProbe  = { exec = { command = ["pg_isready", "-U", "rackless"] }, periodSeconds = 5 }
            securityContext = { allowPrivilegeEscalation = false, capabilities = { drop = ["ALL"] } }
            volumeMounts    = [{ name = "data", mountPath = "/data" }]
          }]
        }
      }
      volumeClaimTemplates = [{
        metadata = { name = "data" }
        spec     = { accessModes = ["ReadWriteOnce"], resources = { requests = { storage = var.storage } } }
      }]
    }
  })
  depends_on = [kubectl_manifest.owner, kubectl_manifest.service]
}

# In transaction mode, which the functions are made for: a shop is set in each
# transaction, and nothing is kept in a session.
resource "kubectl_manifest" "pgbouncer" {
  count = local.pgbouncer ? 1 : 0
  yaml_body = yamlencode({
    apiVersion = "apps/v1", kind = "Deployment"
    metadata   = { name = "pgbouncer", namespace = "rackless-database" }
    spec = {
      replicas = 2
      selector = { matchLabels = { "app.kubernetes.io/name" = "pgbouncer" } }
      template = {
        metadata = { labels = { "app.kubernetes.io/name" = "pgbouncer" } }
        spec = {
          automountServiceAccountToken = false
          containers = [{
            name  = "pgbouncer", image = var.pgbouncer_image
            ports = [{ containerPort = 6432 }]
            env = [
              { name = "DB_HOST", value = "postgres" }, { name = "LISTEN_PORT", value = "6432" }, { name = "POOL_MODE", value = "transaction" },
              { name = "MAX_CLIENT_CONN", value = tostring(local.most + 50) }, { name = "DEFAULT_POOL_SIZE", value = "4" },
              { name = "MAX_DB_CONNECTIONS", value = tostring(floor((var.max_connections - 10) / 2)) }, { name = "MAX_PREPARED_STATEMENTS", value = "200" },
              { name = "AUTH_TYPE", value = "scram-sha-256" },
            ]
            securityContext = { allowPrivilegeEscalation = false, runAsNonRoot = true, capabilities = { drop = ["ALL"] }, seccompProfile = { type = "RuntimeDefault" } }
          }]
        }
      }
    }
  })
  depends_on = [kubectl_manifest.namespace]
}

resource "terraform_data" "schema" {
  count            = local.inside ? 0 : 1
  triggers_replace = [fileset("${path.module}/../../../../migrations", "*.sql"), sha256(join("", [for f in fileset("${path.module}/../../../../migrations", "*.sql") : filesha256("${path.module}/../../../../migrations/${f}")]))]
  provisioner "local-exec" {
    command     = "${var.rackless} migrate up"
    environment = { DATABASE_URL = var.url }
  }
}

output "connections" {
  description = "Connections that all functions at their most instances want, and whether pgbouncer stands between."
  value       = { most = local.most, pgbouncer = local.pgbouncer }
}
