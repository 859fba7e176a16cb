# What people do with this repository. "make help" lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

MODULES := . tools
PLATFORMS ?= linux/amd64,linux/arm64
STRIP   := -trimpath -ldflags='-s -w'

# Debian's packages, and the program by which each is known to be there.
HAVE_POSTGRES = $(firstword $(wildcard /usr/lib/postgresql/*/bin/initdb) $(shell command -v initdb))
HAVE_GCC      = $(shell command -v gcc)
HAVE_CHROMIUM = $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
HAVE_XZ       = $(shell command -v xz)
MISSING       = $(if $(HAVE_POSTGRES),,postgresql) $(if $(HAVE_GCC),,gcc libc6-dev) $(if $(HAVE_CHROMIUM),,chromium) $(if $(HAVE_XZ),,xz-utils)

.PHONY: help run demo build test vet bench bench-checkout bench-price chaos chaos-proof ebay-demo e2e bench-cluster images func-build cluster cluster-down generate deps stop clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: bin/rackless ## Start a whole shop on this machine (ARGS="--port 8080")
	@exec bin/rackless run $(ARGS)

demo: bin/rackless ## Price 584 recorded carts, compare every cent, order some (ARGS="--url … --orders 100")
	@exec bin/rackless demo $(ARGS)

build: ## Build bin/rackless and a binary of each function
	go build $(STRIP) -o bin/ ./functions/cmd/... ./tools/cmd/rackless

.PHONY: bin/rackless
bin/rackless:
	@go build $(STRIP) -o bin/rackless ./tools/cmd/rackless

test: deps vet ## Check and test everything
	@for m in $(MODULES); do echo "== go test $$m"; (cd $$m && go test -race -shuffle=on -timeout 10m ./...); done
	@for m in infra/images infra/testcluster; do echo "== go test $$m"; GOWORK=off go -C $$m test ./...; done
	@for m in $(MODULES); do echo "== go build $$m, without the workspace"; (cd $$m && GOWORK=off go build ./...); done
	@echo "== all is well"

vet:
	@echo "== gofmt"; unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
		if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@for m in $(MODULES); do echo "== go vet and staticcheck $$m"; (cd $$m && go vet -tags e2e ./... && go tool staticcheck -tags e2e ./...); done
	@for m in infra/testcluster infra/images infra/func; do echo "== go vet $$m"; (cd $$m && GOWORK=off go vet ./...); done
	@GOWORK=off go -C infra/func build -o $(CURDIR)/bin/func . && bin/func validate

bench: build ## Measure memory, sizes, start times and throughput (a table)
	go run ./tools/cmd/bench $(ARGS)

chaos: ## Kill functions at every point of the checkout and compare the books (RUNS=1000 SEED=1)
	@go build -o bin/chaos ./tools/cmd/chaos && exec bin/chaos -runs $(or $(RUNS),700) -seed $(or $(SEED),1)

chaos-proof: ## Plant five faults and see whether "make chaos" would find them
	@go build -o bin/chaos ./tools/cmd/chaos && exec bin/chaos -prove -seed $(or $(SEED),1)

bench-checkout: ## Measure checkouts: latency, throughput, processor time, SQL statements (ARGS="--calls 4000")
	@go build $(STRIP) -o bin/ ./functions/cmd/shop
	@go run ./tools/cmd/bench --checkout $(ARGS)

ebay-demo: ## Sell at a simulated eBay while the shop's buyers want the same goods, and compare the books (FAULTS=1)
	@go build -o bin/chaos ./tools/cmd/chaos && exec bin/chaos -ebay -seed $(or $(SEED),1) $(if $(FAULTS),-faults)

bench-price: ## Measure the pricing engine alone: lines by promotions, allocations
	go test -run '^$$' -bench Price -benchmem ./shared/cart/price

e2e: bin/e2e ## Run the shop on a real Kubernetes with Knative, and what can happen to it there
	@exec bin/e2e -test.v -test.timeout 60m -test.parallel 8 -test.run '^TestShop$$' $(ARGS)

bench-cluster: bin/e2e ## Measure cold starts and first orders on that cluster, beside the smallest Service (ROUNDS=20)
	@exec bin/e2e -test.timeout 150m -test.run '^TestBench$$' $(ARGS)

.PHONY: bin/e2e
bin/e2e: cluster-deps bin/rackless
	@GOWORK=off go -C infra/testcluster build -o $(CURDIR)/bin/testcluster .
	@go -C tools test -c -tags e2e -o $(CURDIR)/bin/e2e ./e2e

images: ## Build and push an image of each function (REGISTRY=… PLATFORMS=linux/amd64,linux/arm64)
	@test -n "$(REGISTRY)" || { echo 'say where to push: make images REGISTRY=registry.example.com/shop'; exit 1; }
	@mkdir -p bin/sbom; GOWORK=off go -C infra/images build -o $(CURDIR)/bin/images .
	@ko=$$(cd infra/images && GOWORK=off go tool -n ko); base=$$(bin/images base $(REGISTRY)/base:1); \
	echo "== building $$(ls functions/cmd | wc -l) images on $$base"; \
	KO_CONFIG_PATH=infra/images KO_DEFAULTBASEIMAGE=$$base KO_DOCKER_REPO=$(REGISTRY) GOWORK=off GOFLAGS=-buildvcs=false $$ko build --base-import-paths \
		--sbom=spdx --sbom-dir=bin/sbom --platform=$(PLATFORMS) --image-refs=bin/images.txt \
		$$(GOWORK=off go list ./functions/cmd/...) >/dev/null 2>bin/images.log || { tail -20 bin/images.log; exit 1; }
	@bin/images list bin/images.txt > bin/images.tfvars.json && echo "== pushed; bin/images.tfvars.json names them by digest, bin/sbom says what is in them"

func-build: ## Build a function, or the root (FN=order-place, FN=.), as func's host builder does
	@test -n "$(FN)" || { echo 'say which: make func-build FN=order-place, or FN=. for the whole shop'; exit 1; }
	@GOWORK=off go -C infra/func build -o $(CURDIR)/bin/func . && bin/func build $(FN)

cluster: cluster-deps ## Bring up a real Kubernetes with Knative on this machine (NAME=shop)
	@GOWORK=off go -C infra/testcluster build -o $(CURDIR)/bin/testcluster . && bin/testcluster up $(NAME)

cluster-down: ## Take it down; nothing is left behind
	@GOWORK=off go -C infra/testcluster build -o $(CURDIR)/bin/testcluster . && bin/testcluster down $(NAME)

generate: ## Make again what is made from func.yaml and from the Go types
	go run ./tools/cmd/generate
	go run ./tools/cmd/contracts

deps: ## Install what tests need: Postgres, a C compiler for -race, Chromium
	@missing="$(strip $(MISSING))"; \
	if [ -z "$$missing" ]; then echo "== deps: all there"; exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "missing: $$missing. Install them; on Debian: sudo apt-get install $$missing"; exit 1; fi; \
	echo "== deps: installing $$missing"; export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -q && apt-get install -q -y --no-install-recommends $$missing

CLUSTER_PACKAGES = $(if $(wildcard /usr/sbin/runc),,runc) $(if $(wildcard /usr/lib/cni/bridge),,containernetworking-plugins) \
	$(foreach p,nft:nftables iptables:iptables conntrack:conntrack ip:iproute2 socat:socat ethtool:ethtool ipset:ipset,\
	$(if $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v $(firstword $(subst :, ,$(p)))),,$(lastword $(subst :, ,$(p)))))

.PHONY: cluster-deps
cluster-deps:
	@missing="$(strip $(CLUSTER_PACKAGES))"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "missing: $$missing. Install them; on Debian: sudo apt-get install $$missing"; exit 1; fi; \
	echo "== cluster: installing $$missing"; export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -q && apt-get install -q -y --no-install-recommends $$missing

stop: ## Stop the database server that tests share and leave running
	go run ./shared/testkit/pgtest/stop

clean: stop ## Remove what was built
	rm -rf bin
