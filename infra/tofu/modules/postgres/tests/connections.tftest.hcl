mock_provider "kubectl" {}

run "few_functions_need_no_pgbouncer" {
  command = plan
  variables {
    instances = { a = 4, b = 4 }
    password  = "secret"
  }
  assert {
    condition     = output.connections.most == 16 && !output.connections.pgbouncer && length(kubectl_manifest.pgbouncer) == 0
    error_message = "16 connections fit into the server's"
  }
  assert {
    condition     = length(kubectl_manifest.server) == 1
    error_message = "without a URL there must be a server in the cluster"
  }
}

run "many_functions_need_it" {
  command = plan
  variables {
    instances = { a = 60, b = 60 }
    password  = "secret"
  }
  assert {
    condition     = output.connections.pgbouncer && length(kubectl_manifest.pgbouncer) == 1
    error_message = "240 connections do not fit"
  }
}

run "an_existing_server_is_left_alone" {
  command = plan
  variables {
    instances = { a = 1 }
    url       = "postgres://owner:secret@db.example.com/shop"
  }
  assert {
    condition     = length(kubectl_manifest.server) == 0 && length(terraform_data.schema) == 1
    error_message = "an existing database is migrated, and nothing else"
  }
}
