/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The software vendor: the contract of ops/ without any hardware, so that
 * core/ can be tested anywhere. A test writes the guest as a script of steps;
 * kvm_x86_vcpu_run() executes it, and every vendor operation is written to a
 * log that the test reads. It is no emulator: steps do what they are named
 * for and nothing else.
 */
#ifndef MONOVISOR_TESTS_FAKE_FAKE_H
#define MONOVISOR_TESTS_FAKE_FAKE_H

#include <kunit/test.h>
#include <linux/completion.h>

#include "core/exit.h"
#include "core/vcpu.h"
#include "core/vm.h"

/* Vendor operations that leave a trace in struct fake_log. */
enum fake_op {
	FAKE_INJECT_IRQ,	/* a: vector */
	FAKE_INJECT_NMI,
	FAKE_INJECT_EXCEPTION,	/* a: vector, b: error code */
	FAKE_CANCEL_INJECTION,	/* a: enum fake_event_kind taken back */
	FAKE_IRQ_WINDOW,
	FAKE_NMI_WINDOW,
	FAKE_IMMEDIATE_EXIT,
	FAKE_DELIVER,		/* a: enum fake_event_kind, b: vector; the guest took it */
	FAKE_ENTER,		/* a: number of the entry, b: again, right after a fast exit */
	FAKE_EXIT,		/* a: enum fake_step_kind */
	FAKE_SKIP,		/* a: bytes */
	FAKE_FLUSH_ALL,
	FAKE_FLUSH_CURRENT,
	FAKE_FLUSH_GUEST,
	FAKE_FLUSH_GVA,		/* a: address */
	FAKE_LOAD_PGD,		/* a: root, b: level */
	FAKE_MSR_INTERCEPTS,	/* all; what passes is in fake_vcpu.passed */
	FAKE_EXCEPTION_BITMAP,	/* a: a bit for each vector */
	FAKE_CR8_INTERCEPT,	/* a: threshold */
	FAKE_HWAPIC_IRR,	/* a: highest vector, as u64 */
	FAKE_HWAPIC_ISR,
	FAKE_TSC_OFFSET,	/* a: offset */
	FAKE_RESET,		/* a: init_event */
	FAKE_SAVE_HOST,
	FAKE_RESTORE_HOST,
	FAKE_HOST_DATA,
	FAKE_GUEST_STUCK,	/* a guest that waited for a kick saw none */
	FAKE_BAD_CONTEXT,	/* entered with interrupts on, on a wrong CPU or in a wrong mode */
	NR_FAKE_OPS,
};

struct fake_call {
	enum fake_op op;
	u64 a;
	u64 b;
};

#define FAKE_LOG_LEN	128

/* The first FAKE_LOG_LEN calls in order, and how often each op came in all. */
struct fake_log {
	unsigned int nr;
	struct fake_call call[FAKE_LOG_LEN];
	unsigned int count[NR_FAKE_OPS];
};

enum fake_event_kind {
	FAKE_EVENT_NONE,
	FAKE_EVENT_EXCEPTION,
	FAKE_EVENT_NMI,
	FAKE_EVENT_IRQ,
};

/* What the control block of a real vendor holds for the next entry. */
struct fake_injection {
	enum fake_event_kind kind;
	u8 vector;
	bool has_error_code;
	bool soft;
	u32 error_code;
};

/*
 * Steps of a guest. The first group is executed without an exit, each ends an
 * interrupt shadow but its own; the second group exits.
 */
enum fake_step_kind {
	FAKE_STEP_NOP,
	FAKE_STEP_STI,
	FAKE_STEP_CLI,
	FAKE_STEP_MOV_SS,
	FAKE_STEP_IRET,		/* NMIs are unmasked */
	FAKE_STEP_MOV_REG,	/* reg = value */
	FAKE_STEP_OTHERS_REQUEST,	/* another thread raises request number value meanwhile */
	FAKE_STEP_OTHERS_KICK,	/* or kicks without a request */
	FAKE_STEP_HOST_WORK,	/* or the host wants something of the thread */

	FAKE_STEP_PIO,
	FAKE_STEP_CPUID,
	FAKE_STEP_HLT,
	FAKE_STEP_RDMSR,
	FAKE_STEP_WRMSR,
	FAKE_STEP_HYPERCALL,
	FAKE_STEP_CR,
	FAKE_STEP_CLTS,
	FAKE_STEP_DR,
	FAKE_STEP_XSETBV,
	FAKE_STEP_PAUSE,
	FAKE_STEP_UNDEFINED,
	FAKE_STEP_EXCEPTION,
	FAKE_STEP_TDP_FAULT,
	FAKE_STEP_EMULATE,
	FAKE_STEP_IRQ_WINDOW,
	FAKE_STEP_NMI_WINDOW,
	FAKE_STEP_EXTERNAL_INTERRUPT,
	FAKE_STEP_WAIT_KICK,	/* stay in the guest until somebody interrupts this CPU */
	FAKE_STEP_FAST,		/* insn_len bytes, handled with interrupts off */
	FAKE_STEP_FAST_KICKED,	/* likewise, but somebody kicks meanwhile */
	FAKE_STEP_SHUTDOWN,
	FAKE_STEP_FAIL_ENTRY,
	FAKE_STEP_UNKNOWN,
};

#define FAKE_FIRST_EXIT		FAKE_STEP_PIO

/* Where the exit reason of a script that ran out points. */
#define FAKE_REASON_NO_STEP	0x5c71b7edULL

struct fake_step {
	enum fake_step_kind kind;
	u8 insn_len;		/* 0: the vendor cannot tell */
	bool cut_short;		/* the injected event was not delivered: this exit came first */
	union {
		struct exit_pio pio;
		struct exit_cr cr;
		struct exit_dr dr;
		struct exit_exception ex;
		struct tdp_fault fault;
		u64 hardware_reason;
		bool state_lost;
		struct {
			int reg;
			unsigned long value;
		};
	};
};

#define FAKE_SCRIPT_LEN		64
#define FAKE_NR_MSRS		11
#define FAKE_NR_PASSED		16

/* An MSR that does not exit; access as in ops/msr.h. */
struct fake_passed_msr {
	u32 index;
	u32 access;
};

struct fake_vm {
	struct kvm kvm;		/* must be first */
};

/*
 * hw_*: what a real control block would hold; core sees it only through ops,
 * and only what kvm_x86_cache_reg() copied.
 */
struct fake_vcpu {
	struct kvm_vcpu vcpu;	/* must be first */

	struct kvm_segment seg[NR_VCPU_SREGS];
	struct kvm_dtable gdt;
	struct kvm_dtable idt;
	unsigned long hw_rip;
	unsigned long hw_rsp;
	unsigned long hw_rflags;
	unsigned long hw_cr3;
	unsigned long hw_dr6;
	unsigned long hw_dr7;
	bool steps_guest;		/* for a window of its own */
	bool dr_exits;			/* MOV to and from debug registers */
	u64 hw_tsc_offset;
	u64 hw_pat;
	u64 msr[FAKE_NR_MSRS];
	unsigned int nr_passed;
	struct fake_passed_msr passed[FAKE_NR_PASSED];
	u32 shadow;		/* KVM_X86_SHADOW_INT_* */
	bool nmi_masked;
	bool irq_window;
	bool nmi_window;
	bool immediate_exit;

	bool apicv_active;	/* interrupts are delivered by "hardware" */
	bool apic_posted;	/* pir[] has something */
	unsigned long pir[4];

	u32 pause_window;
	unsigned int dumps;	/* of this state, to the log */
	unsigned int pdptr_loads;
	bool keeps_pdptes;	/* as VMX does; else memory counts */
	u64 pdptes[4];

	struct fake_injection inject;
	struct fake_step step;	/* the exit being handled */
	struct fake_step script[FAKE_SCRIPT_LEN];
	unsigned int script_head;
	unsigned int script_nr;

	int loaded_cpu;		/* -1: not loaded, or it has put the host's state back */
	u64 nr_entries;

	/* Between this thread and others: plain words, READ_ONCE() and WRITE_ONCE(). */
	unsigned int nr_long_ways;	/* how often core came the long way to an entry */
	bool idle_waits;	/* a guest without a step waits for a kick, for ever */
	bool idle_halts;	/* it ends what it has in service, IRETs, does STI and HLT */
	unsigned int nr_posted_taken;	/* interrupts that "hardware" delivered to it */
	u64 in_guest_entry;	/* number of the entry while the guest runs, else 0 */
	u64 news;		/* set by others before a kick ... */
	u64 news_seen;		/* ... and what this vCPU knew at its last entry */

	struct fake_log log;
};

/*
 * What the fake hardware can do and what it is told to fail. Tests that
 * change it restore it with fake_hw_reset() in their exit function.
 */
struct fake_hw {
	bool immediate_exit;	/* kvm_x86_has_request_immediate_exit() */
	int tdp_level;
	bool apicv;		/* the delivery of interrupts by hardware */
	bool v_spec_ctrl;	/* kvm_x86_has_v_spec_ctrl() */
	bool tdp_no_ad;		/* no accessed and dirty bits */
	bool tdp_logs_dirty;	/* kvm_x86_tdp_logs_dirty() */
	int vm_init_err;
	int vcpu_create_err;
};

extern struct fake_hw fake_hw;

static inline struct fake_vcpu *to_fake(struct kvm_vcpu *vcpu)
{
	return container_of(vcpu, struct fake_vcpu, vcpu);
}

void fake_log_add(struct fake_vcpu *fake, enum fake_op op, u64 a, u64 b);
void fake_log_clear(struct fake_vcpu *fake);
void fake_hw_reset(void);
/* Put an event that was not delivered back into vcpu->ev, as after a cut-short delivery. */
void fake_take_back_injection(struct fake_vcpu *fake);

/* Posted interrupts go to IRR; delivery by hardware begins or ceases. */
void fake_collect_posted(struct kvm_vcpu *vcpu);
void fake_apicv_refresh(struct kvm_vcpu *vcpu);

/* Append a step to the guest's script; a full script fails the test. */
void fake_push(struct kunit *test, struct kvm_vcpu *vcpu, const struct fake_step *step);
/* Index in the log of the nth (from 0) call of @op, or -1. */
int fake_log_find(const struct fake_log *log, enum fake_op op, unsigned int nth);

/**
 * fake_vcpu_bare() - a vCPU for functions that only look at their vCPU
 * @test: the test it belongs to
 *
 * A zeroed VM and vCPU in protected mode with interrupts disabled, no memory,
 * not linked to each other's lists. Nothing that takes a lock of the VM works.
 * Return: the vCPU; a failure aborts the test.
 */
struct kvm_vcpu *fake_vcpu_bare(struct kunit *test);

/**
 * fake_vm_create() - a VM without a file descriptor
 * @test: the test it belongs to; it is destroyed when the test ends
 *
 * Attaches an address space to the test's kernel thread.
 * Context: a test case's thread. Return: the VM; a failure aborts the test.
 */
struct kvm *fake_vm_create(struct kunit *test);
/* The same for a vCPU, with ids 0, 1, ... in order of creation. */
struct kvm_vcpu *fake_vcpu_create(struct kunit *test, struct kvm *kvm);
/* An ioctl of the vCPU's file, by a thread that has the VM's address space. */
long fake_vcpu_ioctl(struct kvm_vcpu *vcpu, unsigned int ioctl, unsigned long arg);
/* KVM_RUN; expects it to succeed and returns the exit reason. */
u32 fake_run(struct kunit *test, struct kvm_vcpu *vcpu);
/* Anonymous user memory of the test's address space, zeroed, page aligned. */
unsigned long fake_user_memory(struct kunit *test, unsigned long size);
/* Fresh memory at @gpa; returns its user address. */
unsigned long fake_add_slot(struct kunit *test, struct kvm *kvm, u16 id, gpa_t gpa,
			    unsigned long size, u32 flags);

/*
 * A thread that calls KVM_RUN on one vCPU until it fails or exits for another
 * reason than HLT; -EAGAIN, for a vCPU that was woken before it ever ran, is
 * no failure.
 */
struct fake_runner {
	struct kvm_vcpu *vcpu;
	struct task_struct *task;
	struct completion done;
	long result;			/* of the last KVM_RUN; valid when done */
	u32 exit_reason;
	unsigned int halts;
};

/* Starts it. It is waited for when the test ends; the test sees to it that the guest ends. */
struct fake_runner *fake_runner_start(struct kunit *test, struct kvm_vcpu *vcpu);
/* Wait until it has stopped; a failure aborts the test. */
void fake_runner_join(struct kunit *test, struct fake_runner *runner);

#endif /* MONOVISOR_TESTS_FAKE_FAKE_H */
