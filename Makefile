# What one does with this repository. `make` alone prints this list.
.DEFAULT_GOAL := help
.PHONY: help demo run check test bench bench-quick fmt lint tools

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

demo: ## see it work: a contact chats, is promoted and buys, and what the simulated ERP holds
	cargo build --locked --quiet --bins
	cargo run --locked --quiet --example demo

run: ## run the bridge with erp-bridge.toml
	cargo run --locked --bin erp-bridge -- serve

check: ## try erp-bridge.toml: store, ERP login, every configured choice
	cargo run --locked --bin erp-bridge -- check

test: ## everything that must hold: format, lints, dependency rules, all tests
	scripts/test.sh

bench: ## measure the figures of docs/performance.md and write its table (about 20 minutes; needs `make tools` once)
	cargo bench --locked --bench figures

bench-quick: ## the same once and shortly, printed and not written (about 3 minutes)
	cargo bench --locked --bench figures -- --rounds 1 --seconds 2 --large 50000 --dry

fmt: ## format the code
	cargo fmt

lint: ## lints alone; warnings are errors
	cargo clippy --locked --all-targets -- -D warnings

tools: ## install what the tests need (PostgreSQL, Chromium, Python tools, promtool); in no time if it is there
	scripts/install-test-tools.sh
