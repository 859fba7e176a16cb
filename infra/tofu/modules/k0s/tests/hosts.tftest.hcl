variables {
  folder = "/tmp/cluster"
}

run "three_hosts" {
  command = plan
  variables {
    hosts = [
      { address = "10.0.0.1", role = "controller+worker" },
      { address = "10.0.0.2", role = "worker" },
      { address = "10.0.0.3", role = "worker", user = "shop" },
    ]
  }
  assert {
    condition     = length(yamldecode(terraform_data.cluster.input.config).spec.hosts) == 3
    error_message = "k0sctl must be told of every host"
  }
  assert {
    condition     = yamldecode(terraform_data.cluster.input.config).spec.hosts[2].ssh.user == "shop"
    error_message = "a host's user must be kept"
  }
  assert {
    condition     = yamldecode(terraform_data.cluster.input.config).spec.k0s.config.spec.network.provider == "calico"
    error_message = "the network must enforce policies"
  }
}

run "two_controllers_are_refused" {
  command = plan
  variables {
    hosts = [{ address = "10.0.0.1", role = "controller" }, { address = "10.0.0.2", role = "controller" }]
  }
  expect_failures = [var.hosts]
}
