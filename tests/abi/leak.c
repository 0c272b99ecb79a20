// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs that end in disorder: killed at any moment, with descriptors passed on,
 * with failures half way.  Afterwards nothing may hold the module.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/capability.h>

#include "harness.h"

#define CYCLES	100

static int refcount(void)
{
	const char *module = kvm_module();
	char path[80];
	int count = -1;
	FILE *f;

	if (!module)
		skip("no module in /sys/module answers /dev/kvm");
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	f = fopen(path, "r");
	if (!f)
		skip("%s: %s", path, strerror(errno));
	if (fscanf(f, "%d", &count) != 1)
		FAIL("%s cannot be read", path);
	fclose(f);
	return count;
}

static int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		skip("/proc is not mounted");
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* The last references go by RCU and work queues: wait for a while. */
static void expect_refcount(int want)
{
	int got = refcount();

	for (int i = 0; got != want && i < 500; i++) {
		usleep(20000);
		got = refcount();
	}
	CHECK_EQ(got, want);
}

PROGRAM(busy, 32,
	"	xor %ecx, %ecx\n"
	"1:	mov %ecx, 0x20000(,%ecx,4)\n"
	"	inc %ecx\n"
	"	and $0xffff, %ecx\n"
	"	mov %ecx, 0xd0000000\n"
	"	jmp 1b\n");

static void *run_for_ever(void *arg)
{
	struct vcpu *v = arg;

	for (;;) {
		int r = run(v);

		if (r < 0 && r != -EINTR)
			break;
	}
	return NULL;
}

/* What a VMM does in its life, for as long as it is let. */
static void live(void)
{
	for (;;) {
		struct vcpu *v = vcpu_with(MODE_PROT32, busy);
		struct kvm_ioeventfd e = {
			.addr = GPA_MMIO, .len = 4, .fd = eventfd(0, 0),
		};
		struct vcpu *w = vcpu_create(v->vm, 1);
		pthread_t t[2];

		vcpu_mode(w, MODE_PROT32);
		vcpu_start(w, GPA_CODE);
		ioctl(v->vm->fd, KVM_IOEVENTFD, &e);
		if (pthread_create(&t[0], NULL, run_for_ever, v) ||
		    pthread_create(&t[1], NULL, run_for_ever, w))
			break;
		for (int i = 0; i < 5; i++) {
			void *p = map_anon(PAGE);

			set_slot(v->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, 16 * MIB,
				 PAGE, p);
			usleep(500);
			set_slot(v->vm, 1, 0, 16 * MIB, 0, p);
		}
	}
}

TEST(leak, killed_at_random)
{
	int before = refcount(), fds = open_fds();
	unsigned int seed = 1;

	for (int i = 0; i < CYCLES; i++) {
		pid_t pid = CHECK_OK(fork());
		int status;

		if (!pid) {
			/* The parent reports; this one dies. */
			freopen("/dev/null", "w", stdout);
			live();
			_exit(1);
		}
		usleep(rand_r(&seed) % 40000);
		kill(pid, SIGKILL);
		CHECK_OK(waitpid(pid, &status, 0));
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	expect_refcount(before);
	CHECK_EQ(open_fds(), fds);
}

TEST(leak, refcount_counts)
{
	int before = refcount();
	struct vcpu *v = vcpu_create(vm_create(), 0);

	CHECK(refcount() > before);
	close(kvm_dev());
	close(v->vm->fd);
	/* The vCPU alone holds everything. */
	CHECK(refcount() > before);
	vcpu_free(v);
	expect_refcount(before);
}

/* A mapping of kvm_run alone keeps the vCPU, and so the module. */
TEST(leak, mapping_holds)
{
	int before = refcount();
	struct vcpu *v = vcpu_create(vm_create(), 0);

	close(kvm_dev());
	close(v->vm->fd);
	close(v->fd);
	v->run->immediate_exit = 1;
	CHECK(refcount() > before);
	CHECK_EQ(v->run->immediate_exit, 1);
}

/* Calls that fail give back what they took. */
TEST(leak, failed_calls)
{
	int before = refcount(), fds;
	struct vm *vm = vm_create();
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_ioeventfd e = { .len = 3, .fd = eventfd(0, 0) };

	fds = open_fds();
	for (int i = 0; i < 1000; i++) {
		ioctl(vm->fd, KVM_CREATE_VCPU, 0UL);
		ioctl(vm->fd, KVM_CREATE_VCPU, ~0UL);
		ioctl(kvm_dev(), KVM_CREATE_VM, ~0UL);
		ioctl(vm->fd, KVM_IOEVENTFD, &e);
		ioctl(v->fd, KVM_SET_SREGS, BAD_PTR);
		ioctl(v->fd, KVM_SET_CPUID2, BAD_PTR);
		try_slot(vm, 0, 0, 0, PAGE, NULL);
	}
	CHECK_EQ(open_fds(), fds);
	vcpu_free(v);
	vm_free(vm);
	close(kvm_dev());
	expect_refcount(before);
}

static int drop_capability(unsigned int nr)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -1;
	data[nr / 32].effective &= ~(1u << nr % 32);
	return syscall(SYS_capset, &head, data);
}

/* No further file can be had: a vCPU, a VM that were already made are taken back. */
TEST(leak, out_of_files)
{
	int before = refcount(), fds, limit, vcpu_errno = 0, vm_errno = 0;
	struct vm *vm = vm_create();
	char was[32] = "";
	long ret[2];

	limit = open("/proc/sys/fs/file-max", O_RDWR | O_CLOEXEC);
	if (limit < 0 || read(limit, was, sizeof(was) - 1) <= 0)
		skip("the limit of files cannot be read");
	if (drop_capability(CAP_SYS_ADMIN))
		skip("capabilities cannot be dropped: %s", strerror(errno));
	/* Files are counted roughly: let there be more of them than the error. */
	for (int i = 0; i < 500; i++)
		CHECK_OK(open("/dev/null", O_RDONLY | O_CLOEXEC));
	fds = open_fds();
	CHECK_EQ(pwrite(limit, "1", 1, 0), 1);
	for (int i = 0; i < 3; i++) {
		ret[0] = ioctl(vm->fd, KVM_CREATE_VCPU, 3UL);
		vcpu_errno = errno;
		ret[1] = ioctl(kvm_dev(), KVM_CREATE_VM, 0UL);
		vm_errno = errno;
	}
	CHECK_EQ(pwrite(limit, was, strlen(was), 0), strlen(was));
	CHECK_EQ(ret[0], -1);
	CHECK_EQ(vcpu_errno, ENFILE);
	CHECK_EQ(ret[1], -1);
	CHECK_EQ(vm_errno, ENFILE);
	CHECK_EQ(open_fds(), fds);
	/* The id is free, the VM as good as before. */
	vcpu_free(vcpu_create(vm, 3));
	vm_free(vm);
	close(kvm_dev());
	expect_refcount(before);
}

/* The descriptor in flight inside a socket is the last reference. */
TEST(leak, fd_in_socket)
{
	int before = refcount();
	struct vm *vm = vm_create();
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		skip("no Unix sockets: %s", strerror(errno));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &vm->fd, sizeof(int));
	CHECK_OK(sendmsg(pair[0], &msg, 0));
	vm_free(vm);
	close(kvm_dev());
	CHECK(refcount() > before);
	close(pair[0]);
	close(pair[1]);
	expect_refcount(before);
}

TEST(leak, many_vms)
{
	int before = refcount();

	for (int i = 0; i < 200; i++) {
		struct vm *vm = vm_create();
		struct vcpu *v = vcpu_create(vm, 0);

		vcpu_free(v);
		vm_free(vm);
	}
	close(kvm_dev());
	expect_refcount(before);
}
