# shellcheck shell=sh disable=SC2034 # names are for those who read this file in
# What install, upgrade and rollback share: where things lie, and how a step is told and then, unless --dry-run, done.

OPT=/opt/darkroom
ENV=/etc/darkroom/env
DATA=/var/lib/darkroom
BACKUPS=/var/backups/darkroom
DRY=

step() { printf '\n%s\n' "$*"; }
say() { printf '   %s\n' "$*"; }

# run COMMAND …: says it, then does it.
run() {
    say "$*"
    [ -n "$DRY" ] || "$@"
}

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# put SOURCE TARGET [MODE]: a file of ours in its place; true where that changed something. What is the same is left alone.
put() {
    if cmp -s "$1" "$2"; then
        return 1
    fi
    run install -D -m "${3:-0644}" "$1" "$2"
}

# Whether systemd runs here; in an image that is being built it does not, and units are only put in place.
systemd_runs() { [ -d /run/systemd/system ]; }

# systemd VERB …: systemctl, where there is a systemd.
systemd() {
    if systemd_runs; then
        run systemctl "$@"
    else
        say "systemd does not run here; left out: systemctl $*"
    fi
}

# The units of a release, instead of those of the one before.
put_units() {
    for unit in "$1"/deploy/systemd/darkroom*; do
        name=$(basename "$unit")
        if [ -d "$unit" ]; then
            for file in "$unit"/*; do
                put "$file" "/etc/systemd/system/$name/$(basename "$file")" || :
            done
        else
            put "$unit" "/etc/systemd/system/$name" || :
        fi
    done
    systemd daemon-reload
}

# point NAME RELEASE: the link is moved at once or not at all.
point() {
    run ln -sfn "$2" "$OPT/.$1.new"
    run mv -T "$OPT/.$1.new" "$OPT/$1"
}

# manage RELEASE WORDS …: manage.py of that release as our user, which sees nothing of the operator's own environment.
manage() {
    release=$1
    shift
    say "manage.py $*"
    [ -n "$DRY" ] || (cd "$release" && runuser -u darkroom -- env -i PATH="$PATH" LANG=C.UTF-8 HOME="$DATA" .venv/bin/python manage.py "$@")
}
