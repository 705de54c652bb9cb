#!/bin/sh
# Make the virtual environment: scripts/venv.sh PYTHON FOLDER
# Debian keeps the part of Python that this needs in a package of its own; where we may, we install it.
set -eu
python=$1
folder=$2

say() { printf '%s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    say "Concord needs Python 3.11 or later, and '${python:-python3}' is not that."
    say "Install one, or name it: make PYTHON=/path/to/python3.11"
    exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "This Python comes without venv; trying to install it ..."
    if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo -n"; fi
    if ! { $sudo apt-get update -qq && $sudo apt-get install -y -qq "python$version-venv"; } >/dev/null 2>&1; then
        say "That did not work. Please run this, then try again:"
        say "    sudo apt-get install python$version-venv"
        exit 1
    fi
fi

say "Making the virtual environment in $folder ..."
"$python" -m venv "$folder"
