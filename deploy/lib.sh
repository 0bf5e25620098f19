# shellcheck shell=bash
# What install.sh, upgrade.sh and rollback.sh share: speaking, doing (or only saying, with --dry-run), and the switch from one
# installed version to another. Sourced, never run.
#
#   /opt/parking-controller/0.1.0-1a2b3c4d/   a version: its own Python environment, and what it ships in share/
#   /opt/parking-controller/current           symlink: what runs
#   /opt/parking-controller/previous          symlink: what ran before, for rollback.sh

shopt -s inherit_errexit
SOURCE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
ROOT=${ROOT:-}          # another tree instead of /, with --root
DRY_RUN=${DRY_RUN:-no}
START=${START:-yes}
UNITS=(parking-count.service parking-sign.service parking-web.service)
FAR=${FAR:-no}          # yes: a machine that drives a sign for a controller elsewhere; remembered by this drop-in
FAR_CONF=/etc/systemd/system/parking-sign.service.d/far.conf

say() { printf '%s\n' "$*"; }
warn() { printf 'WARNING: %s\n' "$*" >&2; }
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# Do it, or with --dry-run only say it.
run() {
    if [ "$DRY_RUN" = yes ]; then printf '+ %s\n' "$*"; else "$@"; fi
}

# On a machine that drives a sign and nothing else, the sign's unit is the only one. To be called when ROOT is known.
choose_units() {
    if [ "$FAR" = yes ] || [ -e "$ROOT$FAR_CONF" ]; then
        FAR=yes
        UNITS=(parking-sign.service)
    fi
}

versions_dir() { printf '%s/opt/parking-controller' "$ROOT"; }

# The name of the version that symlink $1 (current, previous) points to; empty when there is none.
version_at() {
    local link
    link="$(versions_dir)/$1"
    if [ -L "$link" ]; then basename "$(readlink "$link")"; fi
}

# Put file $2 at $3 (below ROOT) with mode $1; says so only when something changes.
put() {
    local mode=$1 from=$2 to=$ROOT$3
    if [ -f "$to" ] && cmp -s "$from" "$to"; then return; fi
    say "  $3"
    run install -D -m "$mode" "$from" "$to"
}

# The same for a file that people edit: only where there is none yet.
put_once() {
    if [ ! -e "$ROOT$3" ]; then
        put "$@"
    elif ! cmp -s "$2" "$ROOT$3"; then
        say "  $3: yours, left as it is"
    fi
}

# Point symlink $1 at version $2 in one step: there is no moment without it.
point() {
    local dir
    dir=$(versions_dir)
    run ln -sfn "$2" "$dir/.$1.new"
    run mv -T "$dir/.$1.new" "$dir/$1"
}

# Put the units, users, folders and device rules of version $1 in place.
put_system_files() {
    local share unit
    share="$(versions_dir)/$1/share/parking-controller"
    # With --dry-run the version may not be built: what would be built from then.
    if [ ! -d "$share" ]; then share=$SOURCE; fi
    put 644 "$share/systemd/parking-controller.sysusers" /etc/sysusers.d/parking-controller.conf
    put 644 "$share/systemd/parking-controller.tmpfiles" /etc/tmpfiles.d/parking-controller.conf
    for unit in "${UNITS[@]}" parking-controller.target; do
        put 644 "$share/systemd/$unit" "/etc/systemd/system/$unit"
    done
    if [ "$FAR" = yes ]; then
        put 644 "$share/systemd/parking-sign.service.d/far.conf" "$FAR_CONF"
        remove_unit parking-count.service
        remove_unit parking-web.service
    fi
    put 644 "$share/firmware_config/99-parking.rules" /etc/udev/rules.d/99-parking.rules
    put 644 "$share/firmware_config/watchdog.conf" /etc/systemd/system.conf.d/50-parking-watchdog.conf

    run systemd-sysusers ${ROOT:+--root="$ROOT"} "$ROOT/etc/sysusers.d/parking-controller.conf"
    if [ -z "$ROOT" ]; then
        run systemd-tmpfiles --create /etc/tmpfiles.d/parking-controller.conf
        if [ -d /run/udev ]; then
            run udevadm control --reload
            run udevadm trigger --subsystem-match=gpio --subsystem-match=spidev
        fi
    fi
}

# Take out a unit that was installed before: the target would start it, enabled or not.
remove_unit() {
    local file=$ROOT/etc/systemd/system/$1
    [ -e "$file" ] || return 0
    say "  /etc/systemd/system/$1 (removed)"
    if starts; then run systemctl stop "$1"; fi
    run systemctl ${ROOT:+--root="$ROOT"} disable --quiet "$1"
    run rm -f "$file"
}

# Whether all come up, and still run 5 s later: a unit that starts over and over is "active" now and then.
all_active() {
    local deadline=$((SECONDS + 90)) before after
    until systemctl is-active --quiet "${UNITS[@]}"; do
        if [ "$SECONDS" -ge "$deadline" ] || [ "$(restarts)" -ge 10 ]; then return 1; fi
        sleep 1
    done
    before=$(restarts)
    sleep 5
    after=$(restarts)
    systemctl is-active --quiet "${UNITS[@]}" && [ "$before" = "$after" ]
}

# How often systemd had to start them again since they were last started by hand.
restarts() {
    systemctl show --property=NRestarts --value "${UNITS[@]}" | awk '{ sum += $1 } END { print sum + 0 }'
}

# Put the system files of version $1 in place, point current at it, and restart.
activate() {
    put_system_files "$1"
    point current "$1"
    run systemctl ${ROOT:+--root="$ROOT"} enable --quiet parking-controller.target "${UNITS[@]}"
    starts || return 0
    run systemctl daemon-reload
    run systemctl restart --no-block parking-controller.target "${UNITS[@]}"
}

# Whether anything is started at all: not in another tree (an image, a chroot), nor with --no-start.
starts() { [ -z "$ROOT" ] && [ "$START" = yes ]; }

# Make version $1 the one that runs, and keep the last one for rollback.sh; when the new one fails, go back by itself.
switch_to() {
    local new=$1 old
    old=$(version_at current)
    say "Switching ${old:+from $old }to $new"
    activate "$new"
    if ! starts || [ "$DRY_RUN" = yes ] || all_active; then
        if [ -n "$old" ] && [ "$old" != "$new" ]; then point previous "$old"; fi
        return
    fi
    warn "$new does not keep running. Its own words:"
    journalctl --no-pager --lines=20 --unit=parking-count --unit=parking-sign --unit=parking-web >&2 || true
    if [ -z "$old" ] || [ "$old" = "$new" ]; then die "mend what it says, then: systemctl restart parking-controller.target"; fi
    say "Going back to $old"
    activate "$old"
    all_active || die "$old does not run either: journalctl -u 'parking-*'"
    die "$new was not taken; $old runs again"
}
