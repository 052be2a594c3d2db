#!/usr/bin/env bash
# Runs every fuzz test of the tree in turn, each for the time given (15s).
# They are found by name, so that a new one is never forgotten.
# Usage: tools/fuzz.sh [DURATION]
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file declared; do
	name=${declared#func }
	package=$(dirname "$file")
	tools/step.sh "$package $name" go test -run '^$' -fuzz "^$name\$" -fuzztime "${1:-15s}" "$package" </dev/null
done
