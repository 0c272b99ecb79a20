/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every ABI test shares: registration, checks, VM and vCPU creation,
 * guest programs.  It holds no test and no knowledge of a module's insides:
 * everything here goes through /dev/kvm.
 */
#ifndef ABI_HARNESS_H
#define ABI_HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

#include "newer.h"

/* The kernel's names for the kernel's types and attributes. */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define __packed	__attribute__((packed))
#define __noreturn	__attribute__((noreturn))
#define __used		__attribute__((used))
#define __aligned(n)	__attribute__((aligned(n)))
#define __section(s)	__attribute__((section(s)))
#define __printf(a, b)	__attribute__((format(printf, a, b)))

/* Memory that a guest or another thread changes. */
#define READ_ONCE(x)	(*(const volatile typeof(x) *)&(x))

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WIDE		(sizeof(long) > 4)	/* this is not a 32-bit process */
#define PAGE		4096UL
#define MIB		(1024UL * 1024)
#define GIB		(1024 * MIB)

/*
 * Registration.  A test is a function; the macro below puts its description
 * into a section that the runner walks, so that a test cannot be written and
 * then forgotten in a list.
 */
struct test {
	const char *name;
	const char *stock_deviates;	/* why stock KVM fails this, or NULL */
	void (*fn)(void);
};

#define TEST_ON(area, title, why)					\
	static void test_##area##_##title(void);			\
	static const struct test desc_##area##_##title			\
	__section("abi_tests") __used __aligned(sizeof(void *)) = {	\
		.name = #area "/" #title,				\
		.stock_deviates = why,					\
		.fn = test_##area##_##title,				\
	};								\
	static void test_##area##_##title(void)

#define TEST(area, title)		TEST_ON(area, title, NULL)
/* Stock KVM departs from its own documentation here; @why says how. */
#define TEST_STRICT(area, title, why)	TEST_ON(area, title, why)

/* Each check ends the test's process when it does not hold. */
void __noreturn __printf(3, 4)
fail(const char *file, int line, const char *fmt, ...);
void __noreturn __printf(1, 2) skip(const char *fmt, ...);
void __printf(1, 2) note(const char *fmt, ...);

#define FAIL(...)	fail(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(cond) do {						\
	if (!(cond))							\
		FAIL("%s", #cond);					\
} while (0)

#define CHECK_EQ(got, want) do {					\
	unsigned long long got_ = (unsigned long long)(got);		\
	unsigned long long want_ = (unsigned long long)(want);		\
	if (got_ != want_)						\
		FAIL("%s is %#llx, not %#llx (%s)", #got, got_, want_,	\
		     #want);						\
} while (0)

/* The call must succeed; the value is what it returned. */
#define CHECK_OK(call) ({						\
	long ret_ = (call);						\
	if (ret_ < 0)							\
		FAIL("%s: %s", #call, strerror(errno));			\
	ret_;								\
})

/* The call must fail with one errno. */
#define CHECK_ERRNO(call, want) do {					\
	long ret_ = (call);						\
	if (ret_ >= 0)							\
		FAIL("%s: succeeded (%ld), not %s", #call, ret_, #want);\
	if (errno != (want))						\
		FAIL("%s: %s, not %s", #call, strerror(errno), #want);	\
} while (0)

/* The call must fail with one of two errnos. */
#define CHECK_ERRNO2(call, want, other) do {				\
	long ret_ = (call);						\
	if (ret_ >= 0)							\
		FAIL("%s: succeeded (%ld)", #call, ret_);		\
	if (errno != (want) && errno != (other))			\
		FAIL("%s: %s, not %s or %s", #call, strerror(errno),	\
		     #want, #other);					\
} while (0)

#define CHECK_MEM(got, want, size) \
	check_mem(__FILE__, __LINE__, #got, got, want, size)
void check_mem(const char *file, int line, const char *what, const void *got,
	       const void *want, size_t size);

/* A pointer that no process has mapped. */
#define BAD_PTR		((void *)0x10UL)

/* Guest layout.  Every mode uses the same addresses. */
enum {
	GPA_GDT		= 0x1000,
	GPA_IDT		= 0x2000,
	GPA_PML4	= 0x3000,
	GPA_PDPT	= 0x4000,
	GPA_PD		= 0x5000,	/* four pages, 4 GiB identity mapped */
	GPA_STACK	= 0xf000,	/* grows down from here */
	GPA_CODE	= 0x10000,
	GPA_HANDLER	= 0x18000,
	GPA_RING3	= 0x19000,
	GPA_DATA	= 0x20000,
};

#define GPA_MMIO	0xd0000000UL	/* no slot here */
#define MEM_DEFAULT	(2 * MIB)

/* The table has room for one more, at SEL_FREE. */
enum {
	SEL_CODE	= 0x08,
	SEL_DATA	= 0x10,
	SEL_TSS		= 0x18,
	SEL_FREE	= 0x20,
	SEL_CODE3	= 0x28,
	SEL_DATA3	= 0x30,
};

enum mode { MODE_REAL, MODE_PROT32, MODE_PAE, MODE_LONG };
extern const enum mode all_modes[4];

struct vm {
	int fd;
	u8 *mem;
	size_t size;
};

struct vcpu {
	struct vm *vm;
	int fd;
	struct kvm_run *run;
	size_t run_size;
};

/*
 * A guest program, beside the test that runs it.  @bits is 16, 32 or 64.
 * Programs must not depend on where they are loaded.
 */
#ifdef __x86_64__
#define HOST_BITS	"64"
#else
#define HOST_BITS	"32"
#endif
#define PROGRAM(name, bits, text)						\
	extern const u8 guest_##name[], guest_##name##_end[];	\
	asm(".pushsection .rodata\n"					\
	    ".code" #bits "\n"						\
	    "guest_" #name ":\n"					\
	    text							\
	    "guest_" #name "_end:\n"					\
	    ".code" HOST_BITS "\n"						\
	    ".popsection\n")

#define GUEST_SIZE(name)	((size_t)(guest_##name##_end - guest_##name))

int kvm_dev(void);
/* For what QEMU's TCG, as the CPU below, gets wrong whoever runs the guest. */
void skip_on_tcg(const char *why);
bool on_stock(void);
const char *kvm_module(void);
int has_cap(long cap);
int has_vm_cap(struct vm *vm, long cap);
void need_cap(long cap, const char *name);
#define NEED_CAP(cap)	need_cap(cap, #cap)

struct vm *vm_bare(void);
struct vm *vm_create(void);
struct vm *vm_with_irqchip(void);
struct vm *vm_with_split(void);
void *map_anon(size_t size);
int try_slot(struct vm *vm, unsigned int slot, unsigned int flags,
	     u64 gpa, u64 size, void *hva);
void set_slot(struct vm *vm, unsigned int slot, unsigned int flags,
	      u64 gpa, u64 size, void *hva);

struct vcpu *vcpu_bare(struct vm *vm, unsigned long id);
struct vcpu *vcpu_create(struct vm *vm, unsigned long id);
struct kvm_cpuid2 *supported_cpuid(void);
/* Of KVM_GET_MSR_INDEX_LIST or its like. */
struct kvm_msr_list *msr_list(unsigned long cmd);
struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *c, u32 function,
				    u32 index);
void vcpu_free(struct vcpu *v);
void vm_free(struct vm *vm);

void load_at(struct vm *vm, u64 gpa, const void *code, size_t size);
void vcpu_mode(struct vcpu *v, enum mode mode);
void set_gate(struct vcpu *v, unsigned int vector, u64 handler);
void vcpu_start(struct vcpu *v, u64 rip);

/* A VM of one vCPU in @mode about to execute the program. */
#define vcpu_with(mode, name) \
	vcpu_loaded(mode, guest_##name, GUEST_SIZE(name))
struct vcpu *vcpu_loaded(enum mode mode, const void *code, size_t size);

/* Likewise in 32 bits and at CPL 3, at GPA_RING3; no port is allowed there. */
#define vcpu_in_ring3(name) \
	ring3_vcpu(guest_##name, GUEST_SIZE(name))
struct vcpu *ring3_vcpu(const void *code, size_t size);

/* A counter of the vCPU; it must be there. */
u64 vcpu_stat(struct vcpu *v, const char *name);
struct kvm_regs get_regs(struct vcpu *v);
void set_regs(struct vcpu *v, const struct kvm_regs *regs);

#define SET_REG(v, reg, value) do {					\
	struct vcpu *vcpu_ = (v);					\
	struct kvm_regs regs_ = get_regs(vcpu_);			\
									\
	regs_.reg = (value);						\
	set_regs(vcpu_, &regs_);					\
} while (0)

struct kvm_sregs get_sregs(struct vcpu *v);
void set_sregs(struct vcpu *v, const struct kvm_sregs *sregs);
struct kvm_vcpu_events get_events(struct vcpu *v);
bool get_msr(struct vcpu *v, u32 index, u64 *value);
bool set_msr(struct vcpu *v, u32 index, u64 value);

/* One KVM_RUN: the exit reason, or -errno. */
int run(struct vcpu *v);
/* Let what userspace owes be completed, and the guest execute nothing. */
#define settle(v)	check_settle(__FILE__, __LINE__, v)
void check_settle(const char *file, int line, struct vcpu *v);
const char *exit_name(int reason);
/* Notes on what run() returned and where the guest is. */
void describe_exit(struct vcpu *v, int reason);

#define EXPECT_EXIT(v, reason)	expect_exit(__FILE__, __LINE__, v, reason)
#define EXPECT_OUT(v, port, size, value) \
	expect_out(__FILE__, __LINE__, v, port, size, value)
#define EXPECT_MMIO_READ(v, addr, len, data) \
	expect_mmio_read(__FILE__, __LINE__, v, addr, len, data)
#define EXPECT_MMIO_WRITE(v, addr, len, data) \
	expect_mmio_write(__FILE__, __LINE__, v, addr, len, data)
void expect_exit(const char *file, int line, struct vcpu *v, int reason);
void expect_out(const char *file, int line, struct vcpu *v, unsigned int port,
		unsigned int size, u32 value);
void expect_mmio_read(const char *file, int line, struct vcpu *v,
		      u64 addr, unsigned int len, u64 data);
void expect_mmio_write(const char *file, int line, struct vcpu *v,
		       u64 addr, unsigned int len, u64 data);
void *pio_data(struct vcpu *v);

/* Signals for leaving KVM_RUN: a handler that does nothing. */
void catch_signal(int sig);
/* Send @sig to the calling thread every @us microseconds until cancelled. */
void start_ticks(int sig, unsigned int us);
void stop_ticks(void);

/* Run @fn in a child process and return its exit status, or -signal. */
int in_child(void (*fn)(void *), void *arg);

#endif
