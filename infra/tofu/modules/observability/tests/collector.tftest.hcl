mock_provider "kubectl" {}

run "passes_traces_on" {
  command = plan
  variables {
    endpoint = "https://otlp.example.com"
  }
  assert {
    condition     = yamldecode(base64decode(yamldecode(kubectl_manifest.config.yaml_body).data["config.yaml"])).exporters.otlphttp.endpoint == "https://otlp.example.com"
    error_message = "the collector must send to the endpoint"
  }
  assert {
    condition     = output.otlp == "http://collector.rackless-observability.svc.cluster.local:4318"
    error_message = "the functions' endpoint must be the collector's"
  }
}
