# What one does with this repository. `make` alone prints this list.
.DEFAULT_GOAL := help
.PHONY: help demo run check test bench bench-quick bench-peers bench-flat bench-flat-quick bench-scaling \
	bench-micro fmt lint tools soak advisories sbom deb package-proof static-proof reproducible

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 25

demo: ## see it work: a contact chats, is promoted and buys, and what the simulated ERP holds
	cargo build --locked --quiet --bins
	cargo run --locked --quiet --example demo

run: ## run the bridge with erp-bridge.toml
	cargo run --locked --bin erp-bridge -- serve

check: ## try erp-bridge.toml: store, ERP login, every configured choice
	cargo run --locked --bin erp-bridge -- check

test: ## everything that must hold: format, lints, dependency rules, all tests
	scripts/test.sh

bench: ## measure the figures of docs/performance.md, write its table and draw its plots (about 20 minutes; needs `make tools` once)
	cargo bench --locked --bench figures

bench-quick: ## the same once and shortly, printed and not written (about 3 minutes)
	cargo bench --locked --bench figures -- --rounds 1 --seconds 2 --large 50000 --dry

bench-peers: ## measure what a user would take instead beside this bridge, and write that table (5 minutes after the installation)
	scripts/peers.sh
	cargo bench --locked --bench figures -- peers

bench-flat: ## ten minutes at half of the highest rate on each database, and write that table (half an hour, 20 GB of disk)
	cargo bench --locked --bench figures -- flat --seconds $(or $(SECONDS),600)

bench-flat-quick: ## the same for twenty seconds each, printed and not written (two minutes)
	cargo bench --locked --bench figures -- flat --seconds 20 --dry

bench-scaling: ## measure drains by one, two and three bridges, and write the table and plots of docs/scaling.md (about 15 minutes, 7 with ROUNDS=1)
	cargo bench --locked --bench scaling -- --write --rounds $(or $(ROUNDS),3)

bench-micro: ## time the steps on an event's way, and count their instructions where valgrind is there
	cargo bench --locked --bench micro
	scripts/instructions.sh

soak: ## half an hour at 200 events a second with a faltering ERP, by an optimised build (the short form is among the tests)
	SOAK_SECONDS=1800 SOAK_RATE=200 cargo test --locked --release --test it soak:: -- --nocapture

advisories: ## known faults of what the program is built from; asks RustSec's repository on github.com, or a copy of it (ADVISORY_DB)
	scripts/advisories.sh

sbom: ## write what the program is built from to erp-bridge.cdx.json (CycloneDX)
	scripts/sbom.py > erp-bridge.cdx.json

deb: ## make the Debian package by cargo-deb, and hold its contents against Cargo.toml (a whole release build)
	scripts/deb.sh

package-proof: ## install, upgrade, remove and purge the Debian package on a throw-away copy of this machine (root)
	cargo build --locked --quiet --bin erp-bridge
	scripts/package-proof.sh "$${CARGO_TARGET_DIR:-target}/debug/erp-bridge"

static-proof: ## prove the statically linked program in an empty root (root; a whole release build)
	scripts/static-proof.sh

reproducible: ## build twice from nothing and compare byte for byte (two whole release builds)
	scripts/reproducible.sh

fmt: ## format the code
	cargo fmt

lint: ## lints alone; warnings are errors
	cargo clippy --locked --all-targets -- -D warnings

tools: ## install what the tests need (PostgreSQL, Chromium, Python tools, promtool); in no time if it is there
	scripts/install-test-tools.sh
