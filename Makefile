# pipewatch: `make demo` shows it, `make test` checks it. Both work from a fresh
# clone; what they need beyond Go is looked for, and installed, by tools/setup.sh.

SHELL := /bin/bash

# One set of flags for all that is compiled, so that the build, vet and the
# linters share one cache. (The race detector needs a build of its own.)
export GOFLAGS := $(shell go env GOFLAGS 2>/dev/null) -trimpath

step := @tools/step.sh
tool := go tool -modfile=tools/go.mod

.PHONY: help setup engines build demo test lint fmt schema schema-drift bench torture fuzz cover gallery

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup:
	@tools/setup.sh

build: setup ## Build bin/pipewatch
	$(step) 'building pipewatch (the first time one to two minutes on two idle cores, and what the downloads take)' go build -v -o bin/pipewatch ./cmd/pipewatch

demo: build ## Show pipewatch at work on real flights; ARGS=--once tells the story and ends
	@bin/pipewatch demo $(ARGS)

engines:
	@tools/engines.sh

# An engine that is named here and missing is a failure; elsewhere it is a reason
# that the tests print.
test: export PIPEWATCH_TEST_ENGINES := duckdb,postgres,mariadb
test: lint schema-drift engines ## Check everything, as CI does
	$(step) 'tests with the race detector' go test -race -shuffle=on -vet=off -timeout=10m ./...

lint: setup ## Look for mistakes without running anything
	$(step) 'gofmt' bash -c 'files=$$(gofmt -l .) && test -z "$$files" || { printf "run make fmt for:\n%s\n" "$$files"; exit 1; }'
	$(step) 'go vet' go vet ./...
	$(step) 'go fix (older idioms; make fmt mends them)' go fix -diff ./...
	$(step) 'staticcheck' $(tool) staticcheck ./...

fmt: setup ## Format the code and bring old idioms up to date
	go fix ./...
	gofmt -w .

schema: build ## Write docs/schema/ anew after a change of the files' types
	@mkdir -p docs/schema
	bin/pipewatch schema dag > docs/schema/dag.schema.json
	bin/pipewatch schema config > docs/schema/config.schema.json

schema-drift: build
	$(step) 'JSON Schemas match the types (make schema writes them)' bash -c 'set -e; for f in dag config; do bin/pipewatch schema $$f | diff -u docs/schema/$$f.schema.json -; done'

bench: setup ## Measure; compare two outputs with: go tool -modfile=tools/go.mod benchstat OLD NEW
	go test -run='^$$' -bench=. -benchmem ./...

torture: build ## Run every fault harness at full length (hours) and write the figures into docs/reliability.md
	go run ./test/torture

fuzz: setup ## Run every fuzz test for 15 seconds; FUZZTIME=1m for longer
	@tools/fuzz.sh $(FUZZTIME)

gallery: setup ## Play more than fifty faults and count what is said of each (docs/gallery.md)
	@go run ./test/gallery $(ARGS)

cover: setup ## Measure what the tests reach
	@mkdir -p bin
	go test -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -func=bin/cover.out | tail -n 1
	@echo 'for the lines: go tool cover -html=bin/cover.out'
