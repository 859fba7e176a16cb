# This file is maintained automatically by "tofu init".
# Manual edits may be lost in future updates.

provider "registry.opentofu.org/gavinbunney/kubectl" {
  version     = "1.19.0"
  constraints = "1.19.0"
  hashes = [
    "h1:LNYdIVAc5I+9g9fL/dnMaWDaS0/LSB4icuTUzz+R3T4=",
  ]
}
