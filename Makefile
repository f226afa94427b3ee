# Everything that this project does, for people and for CI alike.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build demo test memory rotation test-unit test-suites snapshots man picture e2e fuzz fuzz-entries coverage bench instructions profiles lint fmt deny image dist dist-test sandbox-up sandbox-down sandbox-status

# Tests compare what users read with what is recorded, and write nothing: `make snapshots` does.
export INSTA_UPDATE := no
unexport INSTA_FORCE_PASS

# Sandboxes have names, so that several can be up: make sandbox-up NAME=mine
NAME ?= default
TARGET := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
SANDBOX := $(TARGET)/debug/daap-sandbox

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is missing: PostgreSQL, PgBouncer, promtool, the control plane (built once)
	@tests/setup.sh

build: ## Build the plugin, the webhook and the sandbox
	@cargo build --locked --workspace --bins

demo: setup build ## The tour: a database created, listed, used, defended, deleted and restored, for real
	@tests/demo.sh

sandbox-up: setup build ## Raise a sandbox and print what to export
	@$(SANDBOX) up --name $(NAME)

sandbox-down: build ## Take the sandbox down: no process and no file stays
	@$(SANDBOX) down --name $(NAME)

sandbox-status: build ## Say what is up
	@$(SANDBOX) status

test: setup build ## Every test
	@tests/run.sh

# The bound of the manifests is one of what is shipped: `make test` holds what it builds to a bound of
# its own, since what is not optimized is larger itself.
memory: ## The webhook as it is shipped, under a flood: at most 64 MiB
	@cargo build --locked --release -p daap-webhook --bins
	@DAAP_WEBHOOK='$(TARGET)/release/daap-webhook' cargo test --locked -p daap-webhook --test service -- --nocapture a_flood_leaves_its_memory_bounded

# Long enough that the authority is succeeded twice; the suite does with 20 s.
rotation: build ## Writes while certificates, policy and replicas are replaced: make rotation [SECONDS=60]
	@cargo build --locked --release -p daap-webhook --bins
	@DAAP_WEBHOOK='$(TARGET)/release/daap-webhook' DAAP_ROTATION_SECONDS=$(SECONDS) cargo test --locked -p daap-tests --test certificates -- --nocapture nothing_is_refused_while_everything_changes_under_load

test-unit: ## The tests that need no API server
	@cargo test --locked --workspace --lib --bins

snapshots: export INSTA_UPDATE := always
snapshots: export DAAP_WRITE_DOCS := 1
snapshots: build ## Record anew what users read: helps, tables, errors, docs/reference.md, docs/rules.md
	@cargo test --locked --workspace --lib --test words --quiet
	@cargo test --locked --workspace --test manifests --quiet rules_page
	@git --no-pager diff --stat

man: ## The man pages, in dist/man
	@cargo run --locked --quiet -p kubectl-daap --example man -- dist/man
	@echo dist/man

picture: setup build ## The picture of the README, from a real run (needs tmux and Python)
	@tests/picture.sh

# Scenarios at a time; each has a namespace with up to three instances.
JOBS ?= 4
# Only from the command line: the cluster of one's shell is not one to try things on unasked.
e2e: build ## The life of a database on a cluster that has CNPG: make e2e KUBECONFIG=FILE [JOBS=4]
ifeq ($(origin KUBECONFIG),command line)
	@DAAP_E2E_KUBECONFIG='$(abspath $(KUBECONFIG))' cargo test --locked -p daap-tests --test e2e -- --nocapture --test-threads=$(JOBS)
else
	@echo "error: name the cluster: make e2e KUBECONFIG=FILE (its current context counts)" >&2; exit 2
endif

# For each entry point, and for random writes to an API server.
SECONDS ?= 60
fuzz: setup build ## Look for what breaks an invariant: make fuzz [SECONDS=60]
	@tests/fuzz.sh $(SECONDS)

fuzz-entries: ## The same, by cargo-fuzz alone: make fuzz-entries [SECONDS=60]
	@tests/fuzz.sh $(SECONDS) entries

coverage: setup ## Every test, and how many lines they run: crds above 90 %, all above 80 %
	@tests/coverage.sh

bench: setup ## Measure it beside what people would use instead: docs/benchmarks.md (about 30 minutes, on a quiet machine)
	@tests/bench/run.sh

instructions: ## Count the instructions of the hot paths beside those recorded: a regression shows on any machine
	@tests/bench/instructions.sh

profiles: ## Record how the released programs run, which they are compiled and laid out for (linux/amd64, half an hour)
	@release/profile.sh daap-webhook
	@release/profile.sh kubectl-daap

image: ## The images of webhook and plugin, without Docker: archives for `docker load` in dist/image, and a test of them
	@image/build.sh dist/image
	@image/test.sh dist/image

# The folder image/ in it belongs to `make image`.
dist: ## A release of the plugin, for krew and by hand, in dist: make dist [PLATFORM=linux/amd64]
	@release/dist.sh dist $(PLATFORM)

dist-test: setup build ## Does with the archive of `make dist` for this machine what krew does
	@DAAP_DIST='$(CURDIR)/dist' cargo test --locked -p daap-tests --test krew -- --nocapture

lint: ## Formatting, clippy, documentation, dependencies
	@cargo fmt --all --check
	@cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --locked --workspace --no-deps --document-private-items --quiet
	@bash -n tests/*.sh tests/bench/*.sh image/*.sh release/*.sh tests/controlplane/build.sh .ci/run plugin/src/commands/completion/kubectl-daap.bash

fmt: ## Format
	@cargo fmt --all

deny: ## Licences, duplicates and sources of the dependencies (cargo-deny)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	@cargo deny --locked check licenses bans sources
