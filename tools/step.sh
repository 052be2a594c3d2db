#!/usr/bin/env bash
# Runs one step of a make target: names it, runs it, says how long it took.
# Usage: tools/step.sh TITLE COMMAND [ARGUMENT…]
set -u
title=$1
shift
printf '==> %s\n' "$title"
SECONDS=0
"$@"
code=$?
if [ "$code" -eq 0 ]; then
	printf '    %s: ok, %ds\n' "$title" "$SECONDS"
else
	printf '    %s: FAILED after %ds\n' "$title" "$SECONDS" >&2
fi
exit "$code"
