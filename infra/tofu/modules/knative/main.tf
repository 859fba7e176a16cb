# Knative Serving and Eventing, an ingress, and the broker's class. Knative is
# applied from its own release files; what the shop needs otherwise is set in its
# ConfigMaps.

terraform {
  required_version = ">= 1.9"
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

variable "domain" {
  description = "Domain below which functions are reachable, like shop.example.com."
  type        = string
}

variable "serving" {
  description = "Version of Knative Serving, Eventing and Kourier."
  type        = string
  default     = "1.21.0"
}

variable "broker_class" {
  description = "Which broker carries events: in-memory (loses what is in flight with its pod; the outbox sends it again), nats, kafka or rabbitmq."
  type        = string
  default     = "in-memory"
  validation {
    condition     = contains(["in-memory", "nats", "kafka", "rabbitmq"], var.broker_class)
    error_message = "The broker's class is in-memory, nats, kafka or rabbitmq."
  }
}

variable "broker_address" {
  description = "Where NATS or Kafka is, like nats.nats.svc:4222 or kafka.example.com:9092. RabbitMQ is found by its operator."
  type        = string
  default     = ""
  validation {
    condition     = contains(["in-memory", "rabbitmq"], var.broker_class) || var.broker_address != ""
    error_message = "NATS and Kafka need broker_address."
  }
}

variable "certificates" {
  description = "Whether cert-manager gives each public name a certificate; it must be installed, with the ClusterIssuer of that name."
  type        = string
  default     = ""
}

locals {
  release  = "https://github.com/knative"
  serving  = "${local.release}/serving/releases/download/knative-v${var.serving}"
  eventing = "${local.release}/eventing/releases/download/knative-v${var.serving}"
  files = concat(
    ["${local.serving}/serving-crds.yaml", "${local.serving}/serving-core.yaml"],
    ["${local.release}/net-kourier/releases/download/knative-v${var.serving}/kourier.yaml"],
    ["${local.eventing}/eventing-crds.yaml", "${local.eventing}/eventing-core.yaml"],
    {
      in-memory = ["${local.eventing}/in-memory-channel.yaml", "${local.eventing}/mt-channel-broker.yaml"]
      nats      = ["${local.release}-extensions/eventing-natss/releases/download/knative-v${var.serving}/eventing-jsm.yaml", "${local.eventing}/mt-channel-broker.yaml"]
      kafka     = ["${local.release}-extensions/eventing-kafka-broker/releases/download/knative-v${var.serving}/eventing-kafka-controller.yaml", "${local.release}-extensions/eventing-kafka-broker/releases/download/knative-v${var.serving}/eventing-kafka-broker.yaml"]
      rabbitmq  = ["${local.release}-extensions/eventing-rabbitmq/releases/download/knative-v${var.serving}/rabbitmq-broker.yaml"]
    }[var.broker_class],
    var.certificates == "" ? [] : ["${local.release}/net-certmanager/releases/download/knative-v${var.serving}/release.yaml"],
  )
  class = {
    in-memory = "MTChannelBasedBroker"
    nats      = "MTChannelBasedBroker"
    kafka     = "Kafka"
    rabbitmq  = "RabbitMQBroker"
  }[var.broker_class]
  channel = {
    in-memory = { apiVersion = "messaging.knative.dev/v1", kind = "InMemoryChannel" }
    nats      = { apiVersion = "messaging.knative.dev/v1alpha1", kind = "NatsJetStreamChannel" }
    kafka     = null
    rabbitmq  = null
  }[var.broker_class]
  patches = merge(
    {
      "knative-serving/config-network" = merge(
        { ingress-class = "kourier.ingress.networking.knative.dev" },
        var.certificates == "" ? {} : { external-domain-tls = "Enabled", http-protocol = "Redirected" },
      )
      "knative-serving/config-domain"     = { (var.domain) = "" }
      "knative-serving/config-autoscaler" = { scale-to-zero-grace-period = "30s", stable-window = "60s", allow-zero-initial-scale = "true" }
      "knative-serving/config-features"   = { secure-pod-defaults = "enabled" }
    },
    var.certificates == "" ? {} : { "knative-serving/config-certmanager" = { issuerRef = "kind: ClusterIssuer\nname: ${var.certificates}\n" } },
    local.channel == null ? {} : { "knative-eventing/config-br-default-channel" = { channel-template-spec = yamlencode(local.channel) } },
    var.broker_class == "kafka" ? { "knative-eventing/kafka-broker-config" = { "bootstrap.servers" = var.broker_address } } : {},
    var.broker_class == "nats" ? { "knative-eventing/config-nats" = { eventing-nats = yamlencode({ url = "nats://${var.broker_address}" }) } } : {},
  )
}

resource "terraform_data" "release" {
  for_each         = { for i, f in local.files : format("%02d", i) => f }
  input            = { file = each.value, kubectl = "${var.kubectl} --kubeconfig ${var.kubeconfig}" }
  triggers_replace = each.value

  provisioner "local-exec" {
    # Objects that webhooks check are refused until these are up.
    command = "for i in 1 2 3 4 5 6; do ${self.input.kubectl} apply --server-side --force-conflicts -f ${self.input.file} && exit 0; sleep 10; done; exit 1"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "${self.input.kubectl} delete --ignore-not-found --wait=false -f ${self.input.file}"
  }
}

resource "terraform_data" "patch" {
  for_each         = local.patches
  triggers_replace = [jsonencode(each.value), terraform_data.release]

  provisioner "local-exec" {
    command     = "${var.kubectl} --kubeconfig ${var.kubeconfig} -n ${split("/", each.key)[0]} patch configmap ${split("/", each.key)[1]} --type merge -p \"$PATCH\""
    environment = { PATCH = jsonencode({ data = each.value }) }
  }
  depends_on = [terraform_data.release]
}

resource "terraform_data" "ready" {
  triggers_replace = [terraform_data.release, terraform_data.patch]
  provisioner "local-exec" {
    command = "for n in knative-serving knative-eventing kourier-system; do ${var.kubectl} --kubeconfig ${var.kubeconfig} -n $n wait deployment --all --for=condition=Available --timeout=600s; done; ${var.kubectl} --kubeconfig ${var.kubeconfig} label namespace kourier-system rackless.dev/ingress=true --overwrite"
  }
}

output "broker_class" {
  description = "The class that the shop's Broker must have."
  value       = local.class
}
