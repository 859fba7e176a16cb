mock_provider "kubectl" {}

variables {
  kubeconfig      = "/tmp/kubeconfig"
  credentials_key = "a2V5"
  database_urls   = { order-place = "postgres://x", order-get = "postgres://y" }
  manifests       = "./tests/manifests"
}

run "by_digest_with_a_login_each" {
  command = plan
  variables {
    images = { order-place = "r.example.com/order-place@sha256:0000000000000000000000000000000000000000000000000000000000000000" }
    scale  = { order-place = { min = 1, max = 20 } }

    initial_scale = 0
  }
  assert {
    condition     = yamldecode(kubectl_manifest.service["Service/order-place"].yaml_body).spec.template.metadata.annotations["autoscaling.knative.dev/initial-scale"] == "0"
    error_message = "the initial scale that was given must win"
  }
  assert {
    condition     = yamldecode(kubectl_manifest.service["Service/order-place"].yaml_body).spec.template.spec.containers[0].image == var.images["order-place"]
    error_message = "a Service must run the image that was given"
  }
  assert {
    condition     = yamldecode(kubectl_manifest.service["Service/order-place"].yaml_body).spec.template.metadata.annotations["autoscaling.knative.dev/max-scale"] == "20"
    error_message = "the scale that was given must win"
  }
  assert {
    condition     = length(kubectl_manifest.login) == 2 && length(kubectl_manifest.after) == 1 && length(kubectl_manifest.before) == 2
    error_message = "every function has its login; triggers come after the Services, the broker and accounts before"
  }
}

run "an_image_by_tag_is_refused" {
  command = plan
  variables {
    images = { order-place = "r.example.com/order-place:latest" }
  }
  expect_failures = [var.images]
}
