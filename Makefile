# make run     a working login in the browser, from a fresh machine
# make test    everything CI checks
#
# On Debian (12 or 13) both install what is missing; elsewhere they name it.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run demo test check audit build deps test-deps docs bench fuzz image clean

# Cargo's target directory; the Python tests' virtual environment, which has Node too, and Node's packages stand in it.
TARGET := $(or $(CARGO_TARGET_DIR),target)
PYTHON ?= python3
VENV   := $(TARGET)/python
NODE   := $(TARGET)/node
CARGO  := cargo

# To build: xmlsec and libxml2 are the second opinion on every signature, OpenSSL all cryptography, and
# libclang reads their headers.
BUILD_PACKAGES := gcc libc6-dev pkg-config libssl-dev libxml2-dev libxmlsec1-dev libclang-dev ca-certificates
# To test: a small file system, a throw-away PostgreSQL and PgBouncer before it, xmlsec's own command line, a browser,
# Prometheus' promtool, and Python.
TEST_PACKAGES  := mount postgresql pgbouncer xmlsec1 chromium prometheus curl jq python3 python3-venv

ifdef CI
export CARGO_INCREMENTAL := 0
endif
export OSTIARY_TEST_PYTHON := $(abspath $(VENV))/bin/python

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

run: deps ## Build and start the demo on http://localhost:8080
	$(CARGO) run --locked -- demo $(ARGS)

demo: run

build: deps ## Build the program into target/debug
	$(CARGO) build --locked

check: deps ## Formatting, lints, documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items --quiet

test: deps test-deps check ## Everything CI checks: check, and every test on SQLite and PostgreSQL
	$(CARGO) test --locked --workspace

audit: ## Licenses, sources and known vulnerabilities of the dependencies, where cargo-deny can be had
	@$(audit)

deps: ## Install the packages that the build needs
	@$(call install,$(BUILD_PACKAGES))

test-deps: $(VENV)/.installed $(NODE)/.installed ## Install the packages that the tests need

.PHONY: test-packages
test-packages:
	@$(call install,$(TEST_PACKAGES))

$(VENV)/.installed: tests/python/requirements.txt | test-packages
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# `npm` is the one that Python's packages brought.
$(NODE)/.installed: tests/node/package.json tests/node/package-lock.json $(VENV)/.installed
	rm -rf $(NODE)
	mkdir -p $(NODE)
	cp tests/node/package.json tests/node/package-lock.json $(NODE)
	PATH="$(abspath $(VENV))/bin:$$PATH" npm ci --prefix $(NODE) --no-audit --no-fund --loglevel=error
	touch $@

docs: build ## Write the documents that are made from the program
	$(CARGO) run --locked --quiet -- config --markdown > docs/configuration.md

bench: deps ## Measure (release build; takes a while)
	$(CARGO) bench --locked

fuzz: deps ## Each fuzz body for a minute over mutations of its corpus (FUZZ_SECONDS=60)
	OSTIARY_FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) $(CARGO) test --locked --test it -- --exact --nocapture fuzz::the_corpora_and_their_mutations_break_nothing

image: ## Build the container image
	docker build --tag ostiary .

clean: ## Remove everything that was built
	$(CARGO) clean

# What cannot be had is named, and nothing fails for it: the advisories come over the network.
define audit
set -e; \
if ! $(CARGO) deny --version > /dev/null 2>&1; then \
	echo "audit: not run, there is no cargo-deny here (cargo install --locked cargo-deny)"; \
	exit 0; \
fi; \
$(CARGO) deny --locked check bans licenses sources; \
if $(CARGO) deny --locked fetch db > /dev/null 2>&1; then \
	$(CARGO) deny --locked check --disable-fetch advisories; \
else \
	echo "audit: advisories were not checked, their database cannot be reached"; \
fi
endef

# Installs those of the packages $(1) that are missing, as root or by sudo, or names them.
define install
set -e; \
if ! command -v dpkg-query > /dev/null; then \
	if pkg-config --exists openssl libxml-2.0 xmlsec1 2> /dev/null; then exit 0; fi; \
	echo "This system is no Debian. Install what corresponds to these packages, and run make again:"; \
	echo "  $(1)"; \
	exit 1; \
fi; \
missing=""; \
for package in $(1); do \
	[ "$$(dpkg-query --show --showformat='$${db:Status-Status}' $$package 2> /dev/null)" = installed ] || missing="$$missing $$package"; \
done; \
if [ -n "$$missing" ]; then \
	echo "Installing:$$missing"; \
	run=""; \
	if [ "$$(id -u)" != 0 ]; then \
		if ! command -v sudo > /dev/null; then echo "Run as root: apt-get install$$missing"; exit 1; fi; \
		run="sudo"; \
	fi; \
	$$run apt-get update --quiet=2; \
	$$run env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends \
		-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 $$missing < /dev/null; \
fi
endef
