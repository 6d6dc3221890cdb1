# The whole vocabulary. Each target works as the first command on a fresh clone; it needs Rust,
# Python 3.11 or newer, and make.
.PHONY: demo test bench lint fmt docs
.DEFAULT_GOAL := test
.DELETE_ON_ERROR:

# The first Python that is new enough; or say `make PYTHON=/path/to/python3 …` once.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; \
	done)
CARGO ?= cargo
# How many records `make bench` makes up.
SIZE ?= 2M

VENV := .venv
BIN := $(VENV)/bin
# Stamps: the development tools are installed; the extension in the tree is of this profile (Cargo.toml).
TOOLS := $(VENV)/stamp-tools
DEV := $(VENV)/stamp-dev
RELEASE := $(VENV)/stamp-release
WHEEL := $(VENV)/stamp-wheel

RUST := $(shell find src -type f 2>/dev/null) Cargo.toml $(wildcard Cargo.lock rust-toolchain.toml)
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python

## See it work: the guidance's example, then a million made-up records with planted incidents.
demo: $(RELEASE)
	$(BIN)/python -m yokome.demo

## Every test: the core's, then the package's.
test: $(DEV)
	$(CARGO) test
	$(BIN)/python -m pytest

## Measure against pandas, Polars and DuckDB. `make bench SIZE=20M` for another number of records,
## `make bench BENCH="-k read"` for a part.
bench: $(WHEEL)
	@# As an installation would, and those of the others did.
	$(BIN)/python -m compileall -q python/yokome
	$(BIN)/python -m pytest benches --size=$(SIZE) --benchmark-only --benchmark-sort=name \
		--benchmark-columns=min,median,max,rounds $(BENCH)

## Formatting, lints, types, links of the reference, and the stub against the extension.
lint: $(DEV)
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --all-targets --features python -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --no-deps
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest yokome._yokome

## Put everything into its format.
fmt: $(TOOLS)
	$(CARGO) fmt
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

## The reference of the crate and of the package, as HTML in target/doc (target/doc/python/index.html).
docs: $(DEV)
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps
	$(BIN)/python -m pdoc --docformat google --no-show-source --output-directory target/doc/python yokome \
		$$($(BIN)/python -c 'import pkgutil, yokome; print(*(f"yokome.{m.name}" for m in \
			pkgutil.iter_modules(yokome.__path__) if not m.name.startswith("_")))')

$(TOOLS): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed (make PYTHON=...)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
		print(*p["project"]["dependencies"], *p["project"]["optional-dependencies"]["dev"], sep="\n")' \
		> $(VENV)/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(VENV)/requirements.txt
	touch $@

# All profiles put the extension in the same place, so building one unmakes the others' stamps.
# The dev profile is the one `cargo test` uses: they share what they build.
$(DEV): $(TOOLS) $(RUST)
	rm -f $(RELEASE) $(WHEEL)
	$(BIN)/maturin develop --profile dev
	touch $@

$(RELEASE): $(TOOLS) $(RUST)
	rm -f $(DEV) $(WHEEL)
	$(BIN)/maturin develop --profile release
	touch $@

$(WHEEL): $(TOOLS) $(RUST)
	rm -f $(DEV) $(RELEASE)
	$(BIN)/maturin develop --profile wheel
	touch $@
