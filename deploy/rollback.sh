#!/usr/bin/env bash
# Go back to the version that ran before, or to a named one. The site file and the journal stay as they are.
# Usage: sudo deploy/rollback.sh [--list | VERSION] [--dry-run] [--root DIR]
set -euo pipefail

# shellcheck source=deploy/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

list=no wanted=
while [ $# -gt 0 ]; do
    case $1 in
        --list) list=yes ;;
        --dry-run) DRY_RUN=yes ;;
        --root) ROOT=$(realpath "${2:?--root needs a folder}"); shift ;;
        --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
        -*) die "unknown option $1; --help tells what there is" ;;
        *) wanted=$1 ;;
    esac
    shift
done

choose_units
current=$(version_at current)
previous=$(version_at previous)
if [ "$list" = yes ]; then
    for dir in "$(versions_dir)"/*/; do
        name=$(basename "$dir")
        if [ ! -e "$dir/.complete" ] || [ -L "${dir%/}" ]; then continue; fi
        mark=
        [ "$name" != "$current" ] || mark='  runs now'
        [ "$name" != "$previous" ] || mark='  ran before'
        say "$name$mark"
    done
    exit 0
fi

wanted=${wanted:-$previous}
[ -n "$wanted" ] || die "no earlier version is known; --list shows what is installed"
[ -e "$(versions_dir)/$wanted/.complete" ] || die "$wanted is not installed; --list shows what is"
[ "$wanted" != "$current" ] || die "$wanted runs already"
if [ -z "$ROOT" ] && [ "$DRY_RUN" = no ] && [ "$(id -u)" != 0 ]; then die "needs root: sudo $0"; fi
switch_to "$wanted"
say "Runs now: $wanted (before: $current)"
