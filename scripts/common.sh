# Sourced by the other scripts: where things are, and how the extension is built.
set -eu

repo=$(cd "$(dirname "$0")/.." && pwd -P)
target=${CARGO_TARGET_DIR:-$repo/target}
venv=$repo/.local/venv
flyway=$repo/.local/flyway
pg_config=${PG_CONFIG:-pg_config}

# Postgres trees and clusters live outside the repository: the server's user must reach them, and the path of a
# Unix socket may have no more than 107 bytes. Each build has its own: tests beside a benchmark must not change what it
# measures.
bases=/var/tmp/iasql-$(id -u)-$(printf %s "$repo" | sha1sum | cut -c1-8)
base=$bases-${IASQL_BUILD:=debug}

say() { printf '\n== %s\n' "$*"; }
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Tells cargo which Postgres to build for. $features is for commands that have the extension among their packages.
use_postgres() {
    PGRX_PG_CONFIG_PATH=$(command -v "$pg_config") || fail "There is no $pg_config. Run: make setup"
    export PGRX_PG_CONFIG_PATH
    major=$("$pg_config" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    case $major in
        15) features= ;; # cargo's default
        16 | 17 | 18) features="--no-default-features --features pg$major" ;;
        *) fail "$("$pg_config" --version) is not supported: Postgres 15 to 18 are." ;;
    esac
}

# usage: python_environment FOLDER REQUIREMENTS WHAT
# Installs these packages into a virtual environment of the project's own, unless they are there.
python_environment() {
    ! cmp -s "$2" "$1/requirements.txt" || return 0
    say "Installing $3"
    rm -rf "$1"
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
    cp "$2" "$1/requirements.txt"
}
