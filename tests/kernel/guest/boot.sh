#!/usr/bin/env bash
# Boot the test guest on a root folder, and exit with what it says.
# Usage: tests/kernel/guest/boot.sh FOLDER ROOT run=SCRIPT|boot=systemd [SECONDS]
#   FOLDER has what build.sh made; ROOT is seen read-only, below a layer in memory; SCRIPT is a path in it.
# Emulated (TCG), so it needs no KVM. Its clock counts instructions, 2 ns each: a machine of one core and 500 million of them
# a second, slower than any Raspberry Pi with 64 bits, whatever else runs here. A busy second of it takes 3 s or more of ours.
set -euo pipefail

folder=$1 root=$2 what=$3 limit=${4:-3600}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
nice -n 10 timeout --foreground "$limit" qemu-system-x86_64 \
    -M q35 -accel tcg,thread=single -icount shift=1,sleep=on -cpu max -smp 1 -m 1536 -nodefaults -no-reboot -display none -serial stdio -monitor none \
    -kernel "$folder/vmlinuz" -initrd "$folder/initrd.gz" -append "console=ttyS0 quiet panic=-1 $what" \
    -fsdev "local,id=h,path=$root,security_model=none,readonly=on,multidevs=remap" -device virtio-9p-pci,fsdev=h,mount_tag=host \
    </dev/null | stdbuf -oL tr -d '\r' | tee "$log" || echo "guest: it did not end within $limit s" | tee -a "$log"
code=$(sed -n 's/^.*guest: exit code \([0-9]*\)$/\1/p' "$log" | tail -n 1)
if [ -z "$code" ]; then echo "FAILED: the guest ended without an exit code" >&2; exit 1; fi
exit "$code"
