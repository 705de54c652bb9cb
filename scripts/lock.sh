#!/bin/sh
# Resolve setup.cfg into the two lock files, with hashes, for every platform and every Python from 3.11 on.
# Arguments are passed to uv, such as --upgrade or --upgrade-package flask.
set -eu
cd "$(dirname "$0")/.."

compile() {
    .venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
        --custom-compile-command "make lock" --no-annotate "$@"
}

# The development lock comes first and binds the other: the tests must run on the versions that people run.
compile --override scripts/lock_overrides.txt --all-extras setup.cfg --output-file dev.lock "$@"
compile --extra scale --constraint dev.lock setup.cfg --output-file requirements.lock "$@"
