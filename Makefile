# Every target only calls cargo and scripts/. `make help` lists them.
export MILLSTREAM_CACHE ?= $(HOME)/.cache/millstream
export CARGO_TARGET_DIR ?= $(MILLSTREAM_CACHE)/target

.DEFAULT_GOAL := help
.PHONY: help demo test contract-java differential bench setup fmt clippy

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## Postgres to Kafka to Parquet on real services, counted and checked (KEEP=1: stays up)
	@scripts/demo.sh

test: ## the gate: format, lints, all tests
	@scripts/test.sh

contract-java: ## the contract's scenarios on Apache Kafka Connect (SCENARIOS=...: some of them)
	@scripts/contract_java.sh

differential: ## converters and transformations beside Kafka Connect's own classes (CASES=, SEED=, ONLY=, SHOW=; needs a JDK)
	@scripts/differential.sh

bench: setup ## the benchmarks (ARGS=...)
	@cargo build --release --workspace --bins
	@$(CARGO_TARGET_DIR)/release/millstream-bench $(ARGS)

setup: ## everything the other targets need on this machine
	@scripts/setup.sh

fmt: ## format the code
	@cargo fmt --all

clippy: ## lints
	@cargo clippy --workspace --all-targets -- -D warnings
