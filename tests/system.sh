#!/bin/sh
# Sees to it that the servers, tools and headers which the tests need are on this machine: installs Debian's packages
# where it may (root, apt-get), else says what is missing.
set -eu
missing=""
need() { PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$1" >/dev/null || missing="$missing $2"; }

need mariadbd mariadb-server
need redis-server redis-server
need chromium chromium
need strace strace
need faketime faketime
need nginx nginx
need systemd-analyze systemd
need ip iproute2
need rsync rsync
need openssl openssl
need shellcheck shellcheck
need gcc gcc
need pkg-config pkg-config
pkg-config --exists libmariadb 2>/dev/null || missing="$missing libmariadb-dev"

[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing from the system's packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086 # one word for each package
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "The tests need what Debian packages as:$missing" >&2
    echo "Install them (sudo apt-get install$missing) and run 'make test' again." >&2
    exit 1
fi
