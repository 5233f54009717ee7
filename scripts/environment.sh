#!/bin/sh
# Makes .venv, and installs into it each requirements file given that is not what was installed last.
# What is installed is kept beside it as .venv/installed-FILE, written only after pip succeeded: an interrupted
# install is done again. PYTHON names the interpreter to use; without it python3 and its versioned names are tried.
set -eu

venv=.venv
log=$venv/install.log

fail() {
    echo "$*" >&2
    exit 1
}

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# Sets `python` to an interpreter that can build the environment, or says in one line why there is none.
find_python() {
    old=
    without_venv=
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3 python3.13 python3.12 python3.11 python; fi
    for candidate in "$@"; do
        found=$(version "$candidate") || continue
        if ! new_enough "$candidate"; then
            old="${old:-$candidate is Python $found}"
        elif ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            without_venv="${without_venv:-$candidate (Python $found)}"
        else
            python=$candidate
            return
        fi
    done
    [ -z "$without_venv" ] || fail "$without_venv has no venv and ensurepip modules: install them (Debian and Ubuntu: apt install python3-venv), or name another Python with PYTHON=."
    [ -z "$old" ] || fail "Python 3.11 or newer is needed, but $old: install a newer one, or name it with PYTHON=/path/to/python3."
    fail "Python 3.11 or newer is needed, but ${PYTHON:-python3} was not found or does not run: install it, or name it with PYTHON=/path/to/python3."
}

# One make at a time builds the environment; without flock (macOS) two at once are the user's own risk.
if command -v flock >/dev/null 2>&1; then
    exec 9<scripts/environment.sh
    flock -n 9 || { echo "Waiting for another make that is setting up $venv"; flock 9; }
fi

# Keep an environment that works; one whose Python is gone, too old or not the one asked for is built again.
usable=
if new_enough "$venv/bin/python" && "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    usable=yes
    if [ -n "${PYTHON:-}" ]; then
        find_python
        [ "$(version "$python")" = "$(version "$venv/bin/python")" ] || usable=
    fi
fi
if [ -z "$usable" ]; then
    find_python
    echo "Making $venv with Python $(version "$python")"
    "$python" -m venv --clear "$venv" || fail "Could not make $venv with $python: see the lines above."
fi

stale=
for file in "$@"; do
    cmp -s "$file" "$venv/installed-$file" || stale="$stale $file"
done
[ -n "$stale" ] || exit 0

echo "Installing$stale: this takes a few minutes the first time"
# shellcheck disable=SC2086  # the names of requirements files hold no spaces
set -- $stale
for file in "$@"; do
    rm -f "$venv/installed-$file"
    cp "$file" "$venv/installing-$file"
done
: >"$log"
"$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
    $(printf -- '-r %s ' "$@") >"$log" 2>&1 &
pip=$!
trap 'kill "$pip" 2>/dev/null; exit 130' INT TERM HUP
if [ -t 1 ]; then  # a terminal shows what pip is at; a log file gets the one line above only
    while kill -0 "$pip" 2>/dev/null; do
        printf '\r\033[K  %s' "$(grep -E '^ *(Collecting|Downloading|Installing)' "$log" | tail -n 1 | cut -c 1-70)"
        sleep 1
    done
    printf '\r\033[K'
fi
if ! wait "$pip"; then
    grep -v '^WARNING: ' "$log" | tail -n 15 >&2
    fail "pip could not install$stale: the end of $log is above. Run make again to go on."
fi
for file in "$@"; do
    mv "$venv/installing-$file" "$venv/installed-$file"
done
