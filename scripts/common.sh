# Sourced by the other scripts: where things are, and who runs the servers.
set -eu

repo=$(cd "$(dirname "$0")/.." && pwd -P)
pg_config=${PG_CONFIG:-pg_config}
library=${CARGO_TARGET_DIR:-$repo/target}/debug/libiasql.so
venv=$repo/.local/venv
flyway=$repo/.local/flyway

# Postgres trees and clusters live outside the repository: the server's user must reach them, and the path of a
# Unix socket may have no more than 107 bytes.
base=/var/tmp/iasql-$(id -u)-$(printf %s "$repo" | sha1sum | cut -c1-8)

say() { printf '\n== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
