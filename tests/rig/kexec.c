// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goes over to another kernel: kexec KERNEL INITRD COMMAND-LINE, and with "crash" as a
 * fourth word keeps it for a panic.  Two system calls; Debian's kexec-tools would bring
 * Xen's libraries into an initramfs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/kexec.h>
#include <sys/reboot.h>
#include <sys/syscall.h>

int main(int argc, char **argv)
{
	unsigned long flags = 0;
	int kernel, initrd;

	if (argc == 5 && !strcmp(argv[4], "crash")) {
		flags = KEXEC_FILE_ON_CRASH;
	} else if (argc != 4) {
		fprintf(stderr, "usage: kexec KERNEL INITRD COMMAND-LINE [crash]\n");
		return 2;
	}
	kernel = open(argv[1], O_RDONLY);
	initrd = open(argv[2], O_RDONLY);
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1, argv[3], flags)) {
		perror("kexec_file_load");
		return 1;
	}
	if (flags)
		return 0;
	reboot(RB_KEXEC);
	perror("reboot");
	return 1;
}
