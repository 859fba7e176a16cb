variables {
  kubeconfig = "/tmp/kubeconfig"
  domain     = "shop.example.com"
}

run "in_memory_unless_said" {
  command = plan
  assert {
    condition     = output.broker_class == "MTChannelBasedBroker"
    error_message = "the broker must be the multi-tenant one"
  }
  assert {
    condition     = terraform_data.patch["knative-serving/config-domain"].triggers_replace[0] == jsonencode({ "shop.example.com" = "" })
    error_message = "the domain must be set"
  }
}

run "kafka" {
  command = plan
  variables {
    broker_class   = "kafka"
    broker_address = "kafka.example.com:9092"
  }
  assert {
    condition     = output.broker_class == "Kafka" && contains(keys(terraform_data.patch), "knative-eventing/kafka-broker-config")
    error_message = "Kafka's broker must be told where Kafka is"
  }
}

run "nats_without_address_is_refused" {
  command = plan
  variables {
    broker_class = "nats"
  }
  expect_failures = [var.broker_address]
}

run "unknown_class_is_refused" {
  command = plan
  variables {
    broker_class = "carrier-pigeon"
  }
  expect_failures = [var.broker_class]
}
