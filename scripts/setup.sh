#!/usr/bin/env bash
# Brings in what Assay needs and does not build itself: system packages (PostgreSQL, Tesseract, a C
# toolchain), the Temporal server and its Web UI, and an S3 store. Safe to run any number of times:
# what is there already is left alone. `scripts/setup.sh cli` builds the Temporal command line too,
# `scripts/setup.sh tests` adds the browser that the tests of the review desk drive, and the libraries
# of Standard Webhooks in other languages that check our webhooks.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=../versions.env
source "$root/versions.env"

cache=${ASSAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/assay}
tools=$cache/tools
purpose=${1:-}
missing=()

say() { printf 'setup: %s\n' "$*"; }
lack() { missing+=("$1"); }

# True when version $1 is at least version $2.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

postgres_bin() {
    local folder best='' best_major=0 major
    for folder in /usr/lib/postgresql/*/bin; do
        [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ] || continue
        major=$(basename "$(dirname "$folder")")
        if [ "${major%%.*}" -gt "$best_major" ]; then best=$folder best_major=${major%%.*}; fi
    done
    [ "$best_major" -ge "$POSTGRES_MIN_MAJOR" ] && printf '%s' "$best"
}

# The package that holds each thing, and the thing itself, so that a machine which has it from
# elsewhere is not asked to install it again.
wanted_packages() {
    command -v cc >/dev/null && command -v make >/dev/null || echo build-essential
    command -v setpriv >/dev/null || echo util-linux
    command -v tesseract >/dev/null || echo tesseract-ocr
    local languages
    languages=$(tesseract --list-langs 2>/dev/null || true)
    grep -qx eng <<<"$languages" || echo tesseract-ocr-eng
    grep -qx osd <<<"$languages" || echo tesseract-ocr-osd
    [ -n "$(postgres_bin || true)" ] || printf '%s\n' postgresql postgresql-contrib
    [ "$purpose" = tests ] || return 0
    command -v chromium >/dev/null || command -v google-chrome >/dev/null || echo chromium
    command -v chromedriver >/dev/null || echo chromium-driver
}

install_packages() {
    local wanted=() as_root=() package
    while read -r package; do wanted+=("$package"); done < <(wanted_packages)
    if [ ${#wanted[@]} -eq 0 ]; then
        say 'system packages: all there'
        return
    fi
    if ! command -v apt-get >/dev/null; then
        lack "system packages (no apt-get here): ${wanted[*]}. Install the same things with your own package manager: a C toolchain, util-linux (setpriv), Tesseract 5 as a shared library with the languages eng and osd, PostgreSQL $POSTGRES_MIN_MAJOR or newer with its contrib modules."
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
            as_root=(sudo)
        else
            lack "system packages (not root, and sudo is not available without a terminal): run 'apt-get install ${wanted[*]}' as root, then this script again."
            return
        fi
    fi
    say "system packages: installing ${wanted[*]}"
    # Debian starts a system-wide cluster when PostgreSQL is first installed. Assay never uses it: it keeps
    # a private cluster in its own folder. So the package is told not to make one, for this call only.
    local quiet_cluster=''
    if ! installed postgresql-common; then
        quiet_cluster=/etc/postgresql-common/createcluster.d/assay-setup.conf
        say 'PostgreSQL: no system cluster will be created (Assay runs its own, in its own folder)'
        "${as_root[@]}" mkdir -p "$(dirname "$quiet_cluster")"
        printf 'create_main_cluster = false\n' | "${as_root[@]}" tee "$quiet_cluster" >/dev/null
    fi
    local outcome=0 log
    log=$(mktemp)
    {
        # Old lists are no reason to stop: the packages may be there all the same.
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            -o Dpkg::Use-Pty=0 "${wanted[@]}" || outcome=$?
    } >"$log" 2>&1
    [ "$outcome" -eq 0 ] || cat "$log" >&2
    rm -f "$log"
    [ -z "$quiet_cluster" ] || "${as_root[@]}" rm -f "$quiet_cluster"
    if [ "$outcome" -ne 0 ]; then
        lack "system packages: 'apt-get install ${wanted[*]}' failed with status $outcome; its own lines are above."
    elif [ -z "$(postgres_bin || true)" ]; then
        lack "PostgreSQL $POSTGRES_MIN_MAJOR or newer: this distribution ships an older one. Add the PostgreSQL project's apt repository (package postgresql-common has the script apt.postgresql.org.sh), then run this script again."
    fi
}

check_rust() {
    if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
        lack "Rust $RUST_MIN_VERSION or newer: install it with rustup (https://rustup.rs), with the components rustfmt and clippy."
        return
    fi
    local have
    have=$(rustc --version | awk '{print $2}')
    if at_least "$have" "$RUST_MIN_VERSION"; then
        say "Rust: $have"
    else
        lack "Rust $RUST_MIN_VERSION or newer (this is $have): run 'rustup update stable'."
    fi
}

check_go() {
    if ! command -v go >/dev/null; then
        lack "Go $GO_MIN_VERSION or newer: install it from https://go.dev/dl (or the package golang-go where it is new enough). It builds the Temporal server and the S3 store; a newer toolchain that they ask for is fetched by Go itself."
        return 1
    fi
    local have
    have=$(cd / && go env GOVERSION)
    have=${have#go}
    if at_least "$have" "$GO_MIN_VERSION"; then
        say "Go: $have"
    else
        lack "Go $GO_MIN_VERSION or newer (this is $have): install a newer one from https://go.dev/dl."
        return 1
    fi
}

# go_tool NAME VERSION PACKAGE: builds PACKAGE@VERSION into the cache as NAME-VERSION.
go_tool() {
    local name=$1 version=$2 package=$3 target=$tools/$1-$2 scratch started=$SECONDS built
    if [ -x "$target" ]; then
        say "$name $version: already built"
        return
    fi
    if [ "$go_ready" != yes ]; then
        lack "$name $version: needs Go (above)."
        return
    fi
    say "$name $version: building (once for this user; later clones find it in the cache)"
    scratch=$(mktemp -d "$tools/.building.XXXXXX")
    if ! (cd "$scratch" && GOBIN=$scratch/bin CGO_ENABLED=0 GOTOOLCHAIN=auto \
        go install -trimpath -ldflags='-s -w' "$package@$version" >"$scratch/log" 2>&1); then
        cat "$scratch/log" >&2
        rm -rf "$scratch"
        lack "$name $version: 'go install $package@$version' failed; its own lines are above. It needs the Go module proxy."
        return
    fi
    built=("$scratch"/bin/*)
    # A rename inside one folder: another clone sees the whole tool or none.
    mv "${built[0]}" "$target"
    rm -rf "$scratch"
    say "$name $version: built in $((SECONDS - started)) s"
}

temporal_cli() {
    local target=$tools/temporal-$TEMPORAL_CLI_VERSION started=$SECONDS
    if [ -x "$target" ]; then
        say "temporal command line $TEMPORAL_CLI_VERSION: already built"
    elif [ "$go_ready" != yes ]; then
        lack "temporal command line $TEMPORAL_CLI_VERSION: needs Go (above)."
        return
    else
        grep -q "github.com/temporalio/cli $TEMPORAL_CLI_VERSION\$" "$root/scripts/temporal-cli/go.mod" || {
            lack "temporal command line: versions.env says $TEMPORAL_CLI_VERSION and scripts/temporal-cli/go.mod another version."
            return
        }
        say "temporal command line $TEMPORAL_CLI_VERSION: building (about three minutes, once for this user)"
        if (cd "$root/scripts/temporal-cli" && CGO_ENABLED=0 GOTOOLCHAIN=auto \
            go build -trimpath -ldflags='-s -w' -o "$target.partial" github.com/temporalio/cli/cmd/temporal); then
            mv "$target.partial" "$target"
            say "temporal command line: built in $((SECONDS - started)) s"
        else
            lack "temporal command line $TEMPORAL_CLI_VERSION: the build failed; its own lines are above."
            return
        fi
    fi
    mkdir -p "$root/.assay/bin"
    ln -sfn "$target" "$root/.assay/bin/temporal"
    say 'temporal command line: .assay/bin/temporal'
}

# Python and Node.js are there for a few tests only, which say so where they are skipped. So nothing
# here is a reason to stop: not a machine without root, nor a registry that does not answer.
install_languages() {
    local wanted=() as_root=()
    command -v python3 >/dev/null || wanted+=(python3)
    python3 -m pip --version >/dev/null 2>&1 || wanted+=(python3-pip)
    command -v node >/dev/null || wanted+=(nodejs)
    command -v npm >/dev/null || wanted+=(npm)
    [ ${#wanted[@]} -gt 0 ] || return 0
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    say "languages of webhook receivers: installing ${wanted[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 "${wanted[@]}" >/dev/null 2>&1 ||
        say "languages of webhook receivers: NOT INSTALLED, and their tests are skipped. As root: apt-get install ${wanted[*]}"
}

# library NAME COMMAND...: makes the folder NAME of the receivers, unless it is there, with COMMAND run in
# a copy of its sources. Versions and hashes are in the sources.
library() {
    local name=$1 target=$receivers/$1 scratch
    shift
    [ ! -e "$target" ] || return 0
    scratch=$(mktemp -d "$receivers/.building.XXXXXX")
    cp "$root/tests/receivers/$name"/* "$scratch"
    if (cd "$scratch" && timeout 60 "$@" >"$scratch/log" 2>&1); then
        mv "$scratch" "$target"
        say "library of Standard Webhooks for $name: installed"
    else
        tail -n 5 "$scratch/log" >&2
        rm -rf "$scratch"
        say "library of Standard Webhooks for $name: NOT INSTALLED, and its tests are skipped"
    fi
}

webhook_libraries() {
    # By what is to be installed, so that a change of a pin makes a new folder beside the old one.
    receivers=$tools/receivers-$(cd "$root/tests/receivers" && cat python/* node/* go/* | sha256sum | head -c 12)
    mkdir -p "$receivers"
    library python python3 -m pip install --quiet --require-hashes --only-binary :all: --no-deps \
        --disable-pip-version-check --retries 1 --timeout 15 --target library --requirement requirements.txt
    library node npm ci --silent --ignore-scripts --no-audit --no-fund --fetch-retries 1 --fetch-timeout 15000
    library go env CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS=-mod=readonly go build -trimpath -o receiver .
    mkdir -p "$root/.assay"
    ln -sfn "$receivers" "$root/.assay/receivers"
}

mkdir -p "$tools"
# Two clones that set up at once would build the same tools twice; the second waits here instead.
if command -v flock >/dev/null; then
    exec 9>"$tools/.lock"
    flock -n 9 || { say 'waiting for another set-up of this user'; flock 9; }
fi

install_packages
check_rust
go_ready=no
if check_go; then go_ready=yes; fi
go_tool temporal-server "$TEMPORAL_SERVER_VERSION" go.temporal.io/server/cmd/server
go_tool temporal-sql-tool "$TEMPORAL_SERVER_VERSION" go.temporal.io/server/cmd/tools/sql
go_tool temporal-ui-server "$TEMPORAL_UI_VERSION" github.com/temporalio/ui-server/v2/cmd/server
go_tool versitygw "$VERSITYGW_VERSION" github.com/versity/versitygw/cmd/versitygw
[ "$purpose" != cli ] || temporal_cli
if [ "$purpose" = tests ]; then
    install_languages
    webhook_libraries
fi

if [ ${#missing[@]} -gt 0 ]; then
    printf '\nsetup: %d thing(s) missing:\n' "${#missing[@]}" >&2
    printf '  - %s\n' "${missing[@]}" >&2
    exit 1
fi
say 'done'
