# The commands of a working day. `make help` lists them; `make demo` on a bare machine is the place to start.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Tools and build results are shared by all clones of a user, so a second clone builds neither again.
export ASSAY_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/assay
export CARGO_TARGET_DIR ?= $(ASSAY_CACHE)/target
# The debug profile serves demo, up and tests alike (its pixel and hash crates are optimised, see Cargo.toml).
ASSAY := .assay/bin/assay

.PHONY: help setup setup-cli build demo up down clean-data test check fmt eval bench bench-desk desk-pictures

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

setup: ## Install or build what is missing: PostgreSQL, Tesseract, Temporal, the S3 store
	@scripts/setup.sh

setup-cli: ## Build the temporal command line too, for operators (nothing else needs it)
	@scripts/setup.sh cli

build: setup ## Build the assay binary into .assay/bin
	@cargo build --locked -p app --bin assay
	@mkdir -p .assay/bin
	@cp "$(CARGO_TARGET_DIR)/debug/assay" $(ASSAY).partial && mv $(ASSAY).partial $(ASSAY)

demo: build ## Start everything, verify the bundled samples through the public API, print the verdicts, stop
	@$(ASSAY) demo

up: build ## Keep everything serving in the foreground (Ctrl-C stops it)
	@$(ASSAY) up

down: ## Stop a running `make up` from elsewhere
	@if [ -x $(ASSAY) ]; then $(ASSAY) down; else echo 'down: nothing was built here yet'; fi

clean-data: ## Forget all data of this clone: databases, objects, logs
	@scripts/clean-data.sh

test: build ## Every test, against a real PostgreSQL, Temporal server, S3 store and browser
	@scripts/setup.sh tests
	@ASSAY_BINARY="$(CURDIR)/$(ASSAY)" INSTA_UPDATE=no cargo test --locked --workspace

check: setup ## Formatting, lints, and dependency rules where cargo-deny is present
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; \
	else echo 'check: cargo-deny is not installed, so bans, licences and sources were not checked'; fi

fmt: ## Format the code
	cargo fmt --all

# Labelled documents, and the words read from them, which only change with the reader.
DATA ?= ../shared/data/receipts
eval: setup ## Measure (release build) how often fields are read and claims judged right; DATA=folder of labelled documents
	@cargo build --locked --release -p app --bin assay
	@"$(CARGO_TARGET_DIR)/release/assay" eval --data "$(DATA)" --cache "$(ASSAY_CACHE)/words"

bench: setup ## Measure (release build) and print the numbers of docs/benchmarks.md
	@cargo build --locked --release -p app --bin assay
	@mkdir -p .assay/bin
	@cp "$(CARGO_TARGET_DIR)/release/assay" $(ASSAY)-release.partial && mv $(ASSAY)-release.partial $(ASSAY)-release
	@$(ASSAY)-release bench

bench-desk: setup ## Measure the desk with 10,000 reviews and 100 people (release build)
	@scripts/setup.sh tests
	@cargo build --locked --release -p app --bin assay
	@cargo build --locked --release -p tests --bin desk-speed
	@ASSAY_BINARY="$(CARGO_TARGET_DIR)/release/assay" "$(CARGO_TARGET_DIR)/release/desk-speed"

desk-pictures: build ## Take the pictures of docs/desk.md anew
	@scripts/setup.sh tests
	@mkdir -p docs/desk
	@cargo build --locked -p tests --bin desk-pictures
	@ASSAY_BINARY="$(CURDIR)/$(ASSAY)" "$(CARGO_TARGET_DIR)/debug/desk-pictures"
