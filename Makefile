# Everything a person or CI runs. Each target installs what it needs and the machine lacks (.ci/install).
# `make V=1 TARGET` shows what cargo says.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.tools/bin:$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

target := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
quiet := $(if $(V),,--quiet)
chromium = "$$(command -v chromium || command -v chromium-browser || command -v google-chrome)"
python := .tools/clients/bin/python
# Seconds per fuzz target.
FUZZ_SECONDS ?= 10
# How often `make kills` kills.
KILLS ?= 50
# How long `make outage` keeps the server away.
OUTAGE_SECONDS ?= 30
# What `make deps` does when a tool's registry cannot be reached: fail, or skip that tool.
UNREACHABLE ?= fail

ports := 8081 8000 8080
# Both loopback addresses, as far as the machine has them.
loopback := 127.0.0.1 $(shell grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null && echo "'[::1]'")
listen := $(foreach port,$(ports),$(foreach address,$(loopback),--listen $(address):$(port)))

.PHONY: help run pages test model-test kills outage cluster chaos bench conformance corpus lint deps fuzz

help: ## lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: ## builds Conclave and serves it in dev mode on ports 8081, 8000 and 8080
	@.ci/install compiler
	@if .ci/install web; then .ci/pages; \
	  else echo '==> without Node.js the pages cannot be built, serving without them'; fi
	@echo '==> building conclave (release; the first build takes minutes)'
	@cargo build $(quiet) --locked --release -p conclave-server
	@exec $(target)/release/conclave serve --dev $(listen)

pages: ## builds the pages of web/, which the next build of the program holds
	@.ci/install web
	@.ci/pages

test: ## unit, layout and end-to-end tests
	@.ci/install compiler web sdk asyncapi clients clerk rooms-js chromium postgres redis wallet
	@.ci/install nextest || echo '==> cargo-nextest is not to be had, using cargo test'
	@.ci/pages
	@echo '==> testing the crates'
	@if cargo nextest --version >/dev/null 2>&1; \
	  then cargo nextest run --locked --workspace $(if $(V),,--cargo-quiet); \
	  else cargo test $(quiet) --locked --workspace; fi
	@echo '==> testing the judges of the conformance reports'
	@$(python) -m unittest discover -q -s conformance
	@echo '==> testing the documents of the dialects with the parser of AsyncAPI'
	@node tests/asyncapi/check.mjs .tools/asyncapi docs/asyncapi/*.yaml
	@cargo build $(quiet) --locked -p conclave-server
	@cargo build $(quiet) --locked -p conclave-client --examples
	@echo '==> testing what deploys: settings, metrics, hardening'
	@CONCLAVE_PROGRAM=$(target)/debug/conclave $(python) -m unittest discover -q -s deploy/tests
	@echo '==> testing the Python client'
	@PYTHONPATH=clients/python/src $(python) -m unittest discover -q -s clients/python/tests
	@echo '==> testing the TypeScript SDK, alone and with the server'
	@npm --prefix clients/js run --silent check
	@CONCLAVE_PROGRAM=$(abspath $(target)/debug/conclave) npm --prefix clients/js run --silent test
	@echo '==> testing the pages, alone and in Chromium'
	@npm --prefix web run --silent check
	@npm --prefix web run --silent test
	@CHROMIUM=$(chromium) CONCLAVE_PROGRAM=$(abspath $(target)/debug/conclave) npm --prefix web run --silent browser
	@echo '==> testing with clients of other people: curl, websocat, Python, Chromium, Clerk, Socket.IO'
	@$(python) tests/clients/run.py --conclave $(target)/debug/conclave

model-test: ## a real small language model answers in a room (200 MB are installed for it)
	@.ci/install compiler clients model
	@echo '==> building conclave'
	@cargo build $(quiet) --locked -p conclave-server
	@echo '==> asking the model'
	@$(python) tests/model/run.py --conclave $(target)/debug/conclave --model .tools/model

kills: ## kill -9 under load, KILLS times on one data folder: nothing acked is lost, twice or out of order
	@.ci/install compiler clients rooms-js
	@echo '==> building conclave (release)'
	@cargo build $(quiet) --locked --release -p conclave-server
	@$(python) tests/clients/kills.py --conclave $(target)/release/conclave --kills $(KILLS)

outage: ## the server away for OUTAGE_SECONDS while Rust, TypeScript and Python clients send: nothing is lost, twice or out of order
	@.ci/install compiler clients sdk
	@npm --prefix clients/js run --silent build
	@echo '==> building conclave and the Rust sender (release)'
	@cargo build $(quiet) --locked --release -p conclave-server
	@cargo build $(quiet) --locked --release -p conclave-client --examples
	@$(python) tests/clients/outage.py --conclave $(target)/release/conclave --seconds $(OUTAGE_SECONDS)

cluster: ## PostgreSQL, Redis and three nodes behind HAProxy, to try out; CHECK=1 runs what is shown and ends
	@.ci/install compiler clients rooms-js postgres redis haproxy
	@echo '==> building conclave (release)'
	@cargo build $(quiet) --locked --release -p conclave-server
	@exec $(python) tests/cluster/cluster.py --conclave $(target)/release/conclave $(if $(CHECK),--check)

chaos: ## faults under load on a cluster: each keeps its promise, nothing acked is lost; QUICK=1, SEED=n
	@.ci/install compiler clients postgres redis haproxy faketime
	@$(python) -m unittest discover -q -s tests/cluster
	@echo '==> building conclave (release)'
	@cargo build $(quiet) --locked --release -p conclave-server
	@$(python) tests/cluster/chaos.py --conclave $(target)/release/conclave $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED))

bench: ## measures the release build, beside the kernel's floor and usual servers
	@.ci/install compiler redis postgres
	@if command -v npm >/dev/null; then .ci/install bench-node; fi
	@echo '==> building conclave and the yardsticks (release)'
	@cargo build $(quiet) --locked --release -p conclave-server -p conclave-yardsticks
	@ulimit -n "$$(ulimit -H -n)"; $(target)/release/conclave bench --json bench/results.json --svg bench/chart.svg

conformance: ## the suites of Autobahn and of the Socket.IO project against the release build
	@.ci/install compiler autobahn socketio
	@python3 -m unittest discover -q -s conformance
	@echo '==> building conclave (release)'
	@cargo build $(quiet) --locked --release -p conclave-server
	@echo '==> running the Autobahn suite'
	@python3 conformance/run.py --conclave $(target)/release/conclave --wstest .tools/autobahn/venv/bin/wstest
	@echo '==> running the protocol suites of the Socket.IO project'
	@python3 conformance/socketio.py --conclave $(target)/release/conclave --suites .tools/socketio

corpus: ## reads every AsyncAPI document below CORPUS, and makes, checks and tests the services among them
	@.ci/install compiler
	@test -d "$(CORPUS)" || { echo 'error: CORPUS=folder says where the documents are' >&2; exit 1; }
	@cargo build $(quiet) --locked -p conclave-asyncapi --example corpus
	@rm -rf $(target)/corpus
	@$(target)/debug/examples/corpus "$(CORPUS)" --generate $(target)/corpus --runtime $(CURDIR)/crates/conclave-service
	@cp Cargo.lock $(target)/corpus/
	@echo '==> checking the generated crates, then reading and writing the examples of their documents'
	@CARGO_TARGET_DIR=$(abspath $(target)) cargo check $(quiet) --manifest-path $(target)/corpus/Cargo.toml --workspace
	@CARGO_TARGET_DIR=$(abspath $(target)) cargo test $(quiet) --manifest-path $(target)/corpus/Cargo.toml --workspace --test model

lint: ## formatting and clippy, warnings are errors
	@.ci/install compiler
	@echo '==> checking the formatting'
	@cargo fmt --all --check
	@echo '==> running clippy'
	@cargo clippy $(quiet) --locked --workspace --all-targets -- -D warnings

deps: ## licences, bans, sources and advisories of the dependencies; unused ones
	@UNREACHABLE=$(UNREACHABLE) .ci/deps

fuzz: ## each decoder under random input, FUZZ_SECONDS each
	@.ci/install fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) .ci/fuzz
