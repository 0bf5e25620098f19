#!/usr/bin/env bash
# Build what the test guest boots: Debian's own kernel, three modules for it, and an initramfs. x86-64 Debian, as root.
# Usage: tests/kernel/guest/build.sh FOLDER      makes FOLDER/vmlinuz and FOLDER/initrd.gz; what is there stays
#
# gpio-sim is in no Debian kernel: its source, and that of the irq_sim under it, are taken from Debian's source package and
# built, never kept. Nothing is installed but the tools; the kernel image is only unpacked.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
out=$(realpath -m "${1:?where to}")
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

[ "$(uname -m)" = x86_64 ] || die "this is $(uname -m); the test guest is built for x86-64"
command -v apt-get >/dev/null || die "no apt here: the guest's kernel comes from Debian's packages"
"$here/../../../deploy/need-debian.sh" qemu-system-x86 kmod busybox-static cpio gcc make xz-utils
# The package that the kernel's newest one is on the day that this is run.
newest() { apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: linux-image-\(.*\)$/\1/p' | head -n 1; }
abi=$(newest)
if [ -z "$abi" ]; then
    apt-get update --quiet >/dev/null 2>&1 || die "apt-get update does not work here; it needs root and the network"
    abi=$(newest)
fi
[ -n "$abi" ] || die "apt-cache depends linux-image-amd64 names no kernel: is this Debian?"
series=$(printf %s "$abi" | cut -d. -f1-2)
[ ! -e "$out/$abi.built" ] || [ -n "$(find "$here"/{build.sh,init,spi_tape.c} -newer "$out/$abi.built")" ] || exit 0
"$here/../../../deploy/need-debian.sh" "linux-headers-$abi"

mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "Building the test guest of kernel $abi (a minute, and 210 MB from Debian)"
chmod 755 "$work"
cd "$work"
apt-get download --quiet "linux-image-$abi" "linux-source-$series" >apt.log 2>&1 || { cat apt.log >&2; die "can't fetch the kernel"; }
dpkg-deb -x linux-image-*.deb image
dpkg-deb -x linux-source-*.deb source

mkdir modules
tar --extract --xz --file "source/usr/src/linux-source-$series.tar.xz" --strip-components=1 --directory modules \
    "linux-source-$series"/{drivers/gpio/gpio-sim.c,drivers/gpio/gpiolib.h,kernel/irq/irq_sim.c}
mv modules/drivers/gpio/* modules/kernel/irq/irq_sim.c modules/
# Built into a kernel, irq_sim may use what a module may not: the exported twin does the same.
sed -i 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq_safe(irqnum);/' modules/irq_sim.c
grep -q generic_handle_irq_safe modules/irq_sim.c || die "irq_sim.c of $abi is another than this script knows"
printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' >>modules/irq_sim.c
cp "$here/spi_tape.c" modules/
echo 'obj-m := irq_sim.o gpio-sim.o spi_tape.o' >modules/Makefile
make --silent -C "/usr/src/linux-headers-$abi" M="$work/modules" modules >make.log 2>&1 || { cat make.log >&2; die "the modules don't build"; }

mkdir -p root/{bin,modules,proc,sys,dev,host,over,new}
cp /bin/busybox root/bin/
cp "$here/init" root/init
chmod 755 root/init
kernel=$work/image/lib/modules/$abi/kernel
number=10
add() { cp "$1" "root/modules/$number-$(basename "$1")"; number=$((number + 1)); }
for name in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p overlay configfs i2c-dev i2c-stub; do
    found=$(find "$kernel" -name "$name.ko" -print -quit)
    if [ -n "$found" ]; then add "$found"; else echo "  $name is no module of $abi; taken to be built in"; fi
done
for name in irq_sim gpio-sim spi_tape; do add "modules/$name.ko"; done
(cd root && find . | cpio --quiet --create --format=newc | gzip -1) >"$out/initrd.gz"
cp "image/boot/vmlinuz-$abi" "$out/vmlinuz"
rm -f "$out"/*.built
touch "$out/$abi.built"
