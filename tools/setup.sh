#!/usr/bin/env bash
# Makes sure that pipewatch can be built here: Go, and a C++ compiler for DuckDB.
# Silent when both are there. What is missing is installed where that needs no
# question (g++, as root, on a system with apt-get); otherwise the last line
# says the exact command to type.
set -euo pipefail
cd "$(dirname "$0")/.."

sudo=$([ "$(id -u)" -eq 0 ] || echo 'sudo ')

need() {
	printf 'pipewatch needs %s: %s\n' "$1" "$2" >&2
	exit 1
}

# Within the module, "go env" answers for the toolchain that would build it: a
# go command that may fetch a newer toolchain has done so by then.
wanted=$(sed -n 's/^go //p' go.mod)
found=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
if [ "$(printf '%s\n' "$wanted" "${found:-0}" | sort -V | head -n 1)" != "$wanted" ]; then
	if [ -z "$found" ] && ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then
		need "Go on the PATH" 'export PATH=/usr/local/go/bin:$PATH'
	fi
	case $(uname -sm) in
	'Linux x86_64') build=linux-amd64 ;;
	'Linux aarch64') build=linux-arm64 ;;
	*) need "Go $wanted or newer" "see https://go.dev/doc/install" ;;
	esac
	need "Go $wanted or newer" "${sudo}rm -rf /usr/local/go && curl -fsSL https://go.dev/dl/go$wanted.$build.tar.gz | ${sudo}tar -C /usr/local -xz && export PATH=/usr/local/go/bin:\$PATH"
fi

if ! command -v "${CXX:-g++}" >/dev/null; then
	if ! command -v apt-get >/dev/null; then
		need "a C++ compiler" "install g++ with your system's package manager, or name another compiler in CXX"
	fi
	if [ -n "$sudo" ]; then
		need "a C++ compiler" "sudo apt-get update && sudo apt-get install -y g++"
	fi
	echo "==> installing g++, which linking DuckDB needs"
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends g++ libc6-dev; } ||
		need "a C++ compiler" "apt-get update && apt-get install -y g++"
fi
