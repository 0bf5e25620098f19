// SPDX-License-Identifier: GPL-2.0
/*
 * An SPI controller without wires, for tests: spidev0.0 and spidev0.1 take transfers as a real bus does, and debugfs has
 * them all on tape, in /sys/kernel/debug/spi-tape/:
 *
 *   tape      for each transfer: time (u64, CLOCK_MONOTONIC ns), speed (u32, Hz), length (u32), bytes; in host byte order
 *   stall_ms  write N: the next transfer hangs for N ms, as on a driver that waits for an interrupt that is lost
 *   lose      write 1: the next transfer is begun, and its end is never told: the core waits as long as it is willing to
 *   rewind    write anything: the tape is empty again
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/spi/spi.h>
#include <linux/vmalloc.h>

#define TAPE_BYTES (8 << 20)

struct tape_mark {
	u64 time_ns;
	u32 speed_hz;
	u32 length;
} __packed;

static struct platform_device *platform;
static struct spi_controller *controller;
static struct debugfs_blob_wrapper tape;
static struct dentry *folder;
static u32 stall_ms;
static u32 lose;

static int tape_transfer(struct spi_controller *ctlr, struct spi_device *device, struct spi_transfer *transfer)
{
	struct tape_mark mark = { 0, transfer->speed_hz, transfer->tx_buf ? transfer->len : 0 };
	u32 stall = xchg(&stall_ms, 0);

	if (xchg(&lose, 0))
		return 1; /* under way */
	if (stall)
		msleep(stall);
	mark.time_ns = ktime_get_ns();
	if (tape.size + sizeof(mark) + mark.length <= TAPE_BYTES) {
		memcpy(tape.data + tape.size, &mark, sizeof(mark));
		memcpy(tape.data + tape.size + sizeof(mark), transfer->tx_buf, mark.length);
		smp_wmb(); /* whoever reads up to the size finds what it covers */
		tape.size += sizeof(mark) + mark.length;
	}
	if (transfer->rx_buf)
		memset(transfer->rx_buf, 0, transfer->len);
	spi_finalize_current_transfer(ctlr);
	return 0;
}

static int rewind_set(void *data, u64 value)
{
	tape.size = 0;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(rewind_fops, NULL, rewind_set, "%llu\n");

static int __init tape_init(void)
{
	/* spidev refuses to bind to its own name; this is one of the chips that it knows. */
	struct spi_board_info info = { .modalias = "dh2228fv", .max_speed_hz = 10000000, .bus_num = 0 };
	int error;

	tape.data = vzalloc(TAPE_BYTES);
	if (!tape.data)
		return -ENOMEM;
	platform = platform_device_register_simple("spi-tape", -1, NULL, 0);
	if (IS_ERR(platform)) {
		vfree(tape.data);
		return PTR_ERR(platform);
	}
	controller = spi_alloc_master(&platform->dev, 0);
	if (!controller) {
		platform_device_unregister(platform);
		vfree(tape.data);
		return -ENOMEM;
	}
	controller->bus_num = 0;
	controller->num_chipselect = 2;
	controller->mode_bits = SPI_CPOL | SPI_CPHA | SPI_CS_HIGH | SPI_LSB_FIRST;
	controller->transfer_one = tape_transfer;
	error = spi_register_controller(controller);
	if (error) {
		spi_controller_put(controller);
		platform_device_unregister(platform);
		vfree(tape.data);
		return error;
	}
	for (info.chip_select = 0; info.chip_select < 2; info.chip_select++)
		if (!spi_new_device(controller, &info))
			pr_warn("spi-tape: no device %d\n", info.chip_select);
	folder = debugfs_create_dir("spi-tape", NULL);
	debugfs_create_blob("tape", 0400, folder, &tape);
	debugfs_create_u32("stall_ms", 0600, folder, &stall_ms);
	debugfs_create_u32("lose", 0600, folder, &lose);
	debugfs_create_file_unsafe("rewind", 0200, folder, NULL, &rewind_fops);
	return 0;
}
module_init(tape_init);

MODULE_DESCRIPTION("SPI controller that records what is sent");
MODULE_LICENSE("GPL");
