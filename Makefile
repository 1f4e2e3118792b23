# `make` alone lists the targets. Everything runs in .venv, made on demand; nothing is installed elsewhere.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first interpreter that is new enough; PYTHON=... overrides.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)

BIN := .venv/bin
CARGO := cargo
MANIFEST := --manifest-path sensor/core/Cargo.toml
RUST_SOURCES := $(shell find sensor/core \( -path sensor/core/target -o -path sensor/core/fuzz \) -prune \
	-o -name '*.rs' -print) \
	sensor/core/Cargo.toml sensor/core/Cargo.lock
DEMO := demo/model-2017

# The benchmark's workloads, as a fraction of their size; less than 1 tries the benchmark itself.
BENCH_SCALE ?= 1

# Wall time of the soak test.
SOAK_MINUTES ?= 40

# Fuzzing: seconds for each target, the targets, and folders of captures to begin with besides the project's own.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard sensor/core/fuzz/fuzz_targets/*.rs)))
FUZZ_CAPTURES ?=
FUZZ := build/fuzz
FUZZ_MANIFEST := --manifest-path sensor/core/fuzz/Cargo.toml
CARGO_FUZZ := $(FUZZ)/bin/cargo-fuzz
CARGO_FUZZ_VERSION := 0.13.2
HOST = $(shell rustc -vV | sed -n 's/^host: //p')

# The shipped rules for names as one file, which is read at once; a stale one is not used.
COMPILED := rules/compiled.json

# The S3 server that tests/objects run against and kill; tests/objects/server.py says why this one.
S3_SERVER := build/s3/versitygw
S3_SERVER_VERSION := v1.8.0

# The versions of all Python packages that the tests ran with.
CONSTRAINTS := deploy/constraints.txt

# Stamps: the environment is remade when its list of packages changes, the core when its sources do.
ENVIRONMENT := .venv/.environment
CORE := .venv/.core

export VIRTUAL_ENV := $(CURDIR)/.venv
export PYO3_PYTHON := $(CURDIR)/.venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_QUIET := 1

.PHONY: help
help: ## list the targets
	@echo "Blocktap. Targets:"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
		while IFS=$$'\t' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done

.PHONY: storage-server
storage-server: $(S3_SERVER) ## the S3 server of the tests, from the Go module proxy, in build/s3; about a minute

.PHONY: demo
demo: $(CORE) ## a simulated study: capture, replay, report in demo/report.html and in short on the terminal
	@rm -rf demo
	@mkdir demo
	$(BIN)/blocktap simulate model-2017 -o $(DEMO).pcapng
	$(BIN)/blocktap replay $(DEMO).pcapng --store demo/store
	$(BIN)/blocktap report --store demo/store --timezone Asia/Pyongyang -o demo/report.html
	$(BIN)/blocktap report --store demo/store --timezone Asia/Pyongyang
	@echo
	@echo "All of it is simulated. The whole report is demo/report.html: open it in a browser."
	@echo "The store is demo/store: Parquet files that any engine reads. Ask it more with"
	@echo "  $(BIN)/blocktap query --store demo/store \"SELECT * FROM flows LIMIT 20\""

.PHONY: pictures
pictures: $(CORE) ## draw the pictures of the README anew, from a simulated store; needs Chromium
	$(BIN)/python docs/pictures/draw.py

.PHONY: build
build: $(CORE) ## the environment in .venv, with the core built for speed

.PHONY: test
test: $(CORE) ## all tests, 15 minutes at most on two cores
	$(CARGO) test $(MANIFEST) --no-default-features --features arrow
	$(BIN)/pytest

.PHONY: test-long
test-long: $(CORE) ## the tests that take longer than that
	$(BIN)/pytest -m long || [ $$? -eq 5 ]

.PHONY: check
check: $(CORE) ## ruff, mypy, rustfmt, clippy and the layout of the tree
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(CARGO) fmt $(MANIFEST) --check
	$(CARGO) fmt $(FUZZ_MANIFEST) --check
	$(CARGO) clippy $(MANIFEST) --no-default-features --all-targets -- -D warnings
	$(CARGO) clippy $(MANIFEST) -- -D warnings
	$(BIN)/pytest tests/layout

.PHONY: format
format: $(ENVIRONMENT) ## rewrite the sources as `check` wants them
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(CARGO) fmt $(MANIFEST)
	$(CARGO) fmt $(FUZZ_MANIFEST)

.PHONY: bench
bench: $(CORE) ## speed and memory against a floor in plain C and peers; needs 9 GB under build/bench
	$(BIN)/python tests/bench/run.py --scale $(BENCH_SCALE)
	@# A trial says nothing about performance.
	@[ "$(BENCH_SCALE)" != 1 ] || $(BIN)/python tests/bench/report.py build/bench/results.json docs/performance.md \
		> /dev/null

.PHONY: bench-peers
bench-peers: $(ENVIRONMENT) ## the programs to compare with, unpacked into build/peers, not installed
	$(BIN)/python tests/bench/install_peers.py build/peers

.PHONY: bench-study
bench-study: $(CORE) ## what a report costs beside one GROUP BY, up to 100 M rows; needs 5 GB under build/bench
	$(BIN)/python tests/bench/study.py

.PHONY: bench-engines
bench-engines: $(CORE) ## one report of 100 M rows by DuckDB, Spark and ClickHouse; needs 5 GB under build/bench, Java
	$(BIN)/pip install "pyspark>=4.3,<5"
	$(BIN)/python tests/bench/engines.py

.PHONY: test-engines
test-engines: $(CORE) ## the long tests of Spark on a cluster of real processes; needs Java
	$(BIN)/pip install "pyspark>=4.3,<5"
	$(BIN)/pytest -m "long or not long" tests/engines

.PHONY: bench-attacks
bench-attacks: $(CORE) ## memory, throughput and honest counts under hostile load; needs 2 GB under build/bench
	$(BIN)/python tests/bench/attacked.py

.PHONY: soak
soak: $(CORE) ## as root: six hours of a daemon's life at full load in 40 minutes; SOAK_MINUTES=2 tries it
	@mkdir -p build
	$(BIN)/python -m tests.trust.soak --minutes $(SOAK_MINUTES) --json build/soak.json

.PHONY: calibrate
calibrate: $(CORE) ## 100 simulated studies: how often intervals hold what was planted; 20 minutes
	$(BIN)/python -m tests.study.calibration --markdown docs/calibration.md

.PHONY: fuzz
fuzz: $(CARGO_FUZZ) ## each fuzz target for FUZZ_SECONDS; findings go to build/fuzz/found
	$(CARGO) run $(FUZZ_MANIFEST) --target-dir $(FUZZ)/target --quiet --example seeds -- \
		$(FUZZ)/corpus tests/golden/captures $(FUZZ_CAPTURES)
	$(CARGO_FUZZ) build --fuzz-dir sensor/core/fuzz --sanitizer none --target $(HOST) --target-dir $(FUZZ)/target
	@for target in $(FUZZ_TARGETS); do \
		echo "== $$target"; \
		mkdir -p $(FUZZ)/found/$$target $(FUZZ)/corpus/$$target; \
		$(FUZZ)/target/$(HOST)/release/$$target -max_total_time=$(FUZZ_SECONDS) -max_len=8192 \
			-timeout=10 -rss_limit_mb=2000 -verbosity=0 -print_final_stats=1 -artifact_prefix=$(FUZZ)/found/$$target/ \
			$(FUZZ)/corpus/$$target sensor/core/fuzz/regressions/$$target; \
	done

.PHONY: wheel
wheel: $(ENVIRONMENT) $(COMPILED) ## a wheel for every Python from 3.11 on, in dist/
	$(BIN)/maturin build --release --out dist

.PHONY: deb
deb: wheel ## a Debian package with all it needs, in dist/
	deploy/debian/build.sh "$$(ls -t dist/blocktap-*.whl | head -n 1)" dist $(BIN)/python -m pip

.PHONY: constraints
constraints: $(ENVIRONMENT) ## the newest versions of all Python packages, into deploy/constraints.txt
	rm -rf build/newest && "$(PYTHON)" -m venv build/newest
	build/newest/bin/pip install --requirement .venv/requirements.txt
	(head -n 1 $(CONSTRAINTS); build/newest/bin/pip freeze) > build/constraints.txt
	mv build/constraints.txt $(CONSTRAINTS)

.PHONY: audit
audit: $(ENVIRONMENT) ## known weaknesses of the packages in use, Python's and Rust's; needs the Internet
	rm -rf build/audit && "$(PYTHON)" -m venv build/audit && build/audit/bin/pip install pip-audit
	build/audit/bin/pip-audit --requirement $(CONSTRAINTS) --no-deps --disable-pip
	$(CARGO) install cargo-audit --locked --quiet --root build/audit
	build/audit/bin/cargo-audit audit --file sensor/core/Cargo.lock

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf .venv build demo dist sensor/core/target sensor/*.so $(COMPILED)

$(ENVIRONMENT): pyproject.toml $(CONSTRAINTS)
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer is needed (Debian: apt install python3 python3-venv);" \
		"name one with PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments (Debian: apt install python3-venv)" >&2; exit 1; }
	@command -v $(CARGO) >/dev/null || { echo "Rust 1.88 or newer is needed: https://rustup.rs" >&2; exit 1; }
	"$(PYTHON)" -m venv .venv
	$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
		print(*p["dependencies"], *p["optional-dependencies"]["dev"], sep="\n")' > .venv/requirements.txt
	$(BIN)/pip install --requirement .venv/requirements.txt --constraint $(CONSTRAINTS)
	@touch $@

$(S3_SERVER):
	GOBIN=$(CURDIR)/$(dir $@) go install github.com/versity/versitygw/cmd/versitygw@$(S3_SERVER_VERSION)

$(CARGO_FUZZ):
	$(CARGO) install cargo-fuzz --version $(CARGO_FUZZ_VERSION) --locked --quiet --root $(FUZZ)

$(COMPILED): $(ENVIRONMENT) $(wildcard rules/*.toml rules/services/*.toml sensor/rules/*.py)
	$(BIN)/python -m sensor.rules.compile $@

$(CORE): $(ENVIRONMENT) $(RUST_SOURCES) | $(COMPILED)
	$(BIN)/maturin develop --release
	@touch $@
