#!/usr/bin/env bash
# Makes sure that the servers are here against which the warehouses are tested.
# Silent when they are. The tests start servers of their own, on free ports and
# with folders that they throw away: only the programs are needed, and no
# service is started or changed. Missing ones are installed as root on a system
# with apt-get; otherwise the last line says what to do.
set -euo pipefail

# found PROGRAM: whether it is on the PATH, or where Debian keeps servers.
found() {
	PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" >/dev/null
}

missing=()
found mariadbd && found mariadb-install-db || missing+=(mariadb-server-core mariadb-client-core)
found initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)

[ "${#missing[@]}" -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	printf 'the tests of the warehouses need servers: sudo apt-get update && sudo apt-get install -y %s (or your system'"'"'s packages of the same programs)\n' "${missing[*]}" >&2
	exit 1
fi
echo "==> installing ${missing[*]}, against which the warehouses are tested"
apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
