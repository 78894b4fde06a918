# The front door. Each target says what it does in `make help`; what it runs is in scripts/.

.DEFAULT_GOAL := help
.PHONY: help quickstart quickstart-stop setup build install test test-full lint test-engine test-aws test-blackbox soak bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quickstart: ## set up, build, and run the tutorial on a throw-away Postgres and a local AWS emulator
	@scripts/timed "Set-up" scripts/setup
	@scripts/timed "Build" scripts/build
	@scripts/timed "Quickstart" scripts/quickstart

quickstart-stop: ## stop the servers that quickstart left running
	@scripts/quickstart-stop

setup: ## install what is missing: Debian packages, the emulator, and what the tests need
	@scripts/setup test

build: ## build the extension
	@scripts/build

install: ## build for production and install into the Postgres of pg_config (or PG_CONFIG=...)
	@scripts/build --release
	@scripts/install

test: ## everything that must pass
	@scripts/timed "Set-up" scripts/setup test
	@scripts/timed "Build and lint" scripts/lint
	@$(MAKE) --no-print-directory test-engine test-aws test-blackbox

test-full: ## every kill, every fault, every order of two sessions, and many strange values and answers, in an hour or two
	@scripts/timed "Set-up" scripts/setup test
	@scripts/timed "Black-box build" scripts/build
	@IASQL_FULL=1 scripts/timed "Matrices" cargo test --locked --package iasql-tests --no-fail-fast \
		--test kill_matrix --test fault_matrix --test orders --test fuzz --test replies

lint: ## formatting, clippy, documentation, licences
	@scripts/lint

test-engine: ## the pure engine's tests, among them 100,000 random worlds
	@IASQL_SEEDS=$${IASQL_SEEDS:-17000} scripts/timed "Engine tests" cargo test --locked --package iasql-engine

soak: ## random worlds without end, from a random seed on, until one breaks a promise or you interrupt
	@scripts/soak

test-aws: ## what is sent to AWS and how answers are read, against recorded traffic
	@scripts/timed "AWS tests" scripts/test-aws

test-blackbox: ## the extension in a real Postgres, through real clients
	@scripts/timed "Black-box build" scripts/build
	@scripts/timed "Black-box tests" cargo test --locked --package iasql-tests

bench: ## measure a release build against the goals, beside its peers
	@scripts/timed "Set-up" scripts/setup test
	@scripts/timed "Benchmarks" scripts/bench

clean: quickstart-stop ## remove all that was built or installed by make, but for Debian packages
	@scripts/clean
