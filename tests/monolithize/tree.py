# SPDX-License-Identifier: GPL-2.0-only
"""A small tree with the shape of KVM's and every form in which an op is used.

It is a program of its own: shim/ gives static calls, init functions and the like
a meaning in user space, so that the tree can be run before and after conversion.
"""

HOST_H = """
#ifndef _HOST_H
#define _HOST_H
#include <shim.h>

struct kvm_vcpu { int id, cpl; };
enum stage { EARLY, LATE };
typedef void (emergency_cb)(void);

struct kvm_x86_nested_ops;

struct kvm_x86_ops {
	const char *name;
	int (*hardware_enable)(void);
	void (*hardware_unsetup)(void);
	emergency_cb *emergency;
	unsigned int vm_size;
	/* A comment that names kvm_x86_ops.get_cpl and changes nothing. */
	int (*get_cpl)(struct kvm_vcpu *vcpu);
	void (*set_cpl)(struct kvm_vcpu *vcpu,
			int cpl);
	int (*intercept)(struct kvm_vcpu *vcpu, enum stage stage);
	int (*sync_pir)(struct kvm_vcpu *);
	void (*timer)(struct kvm_vcpu *vcpu, unsigned long deadline, int *expired);
	int (*exit_now)(struct kvm_vcpu *vcpu);
	int (*twin)(struct kvm_vcpu *vcpu);
	int (*flush)(struct kvm_vcpu *vcpu);
	int (*precreate)(struct kvm_vcpu *vcpu);
	void (*blocking)(struct kvm_vcpu *vcpu);
	int (*wbinvd)(void);
	int (*dev_attr)(int attr);
	int (*reclaim)(struct kvm_vcpu *vcpu);
	int (*handle_exit)(struct kvm_vcpu *vcpu, unsigned int reason);
#ifdef CONFIG_SMM
	int (*smi)(struct kvm_vcpu *vcpu);
#endif
	const struct kvm_x86_nested_ops *nested_ops;
};

struct kvm_x86_nested_ops {
	int (*check)(struct kvm_vcpu *vcpu);
	int (*state)(struct kvm_vcpu *vcpu, int size);
	int (*evmcs)(struct kvm_vcpu *vcpu);
};

struct kvm_pmu_ops;
struct kvm_x86_init_ops {
	int (*hardware_setup)(void);
	unsigned int (*pt_intr)(void);
	struct kvm_x86_ops *runtime_ops;
	struct kvm_pmu_ops *pmu_ops;
};

extern struct kvm_x86_ops kvm_x86_ops;

#define kvm_x86_call(func) static_call(kvm_x86_##func)
#define kvm_pmu_call(func) static_call(kvm_x86_pmu_##func)

#define KVM_X86_OP(func) \\
	DECLARE_STATIC_CALL(kvm_x86_##func, *(((struct kvm_x86_ops *)0)->func));
#define KVM_X86_OP_OPTIONAL KVM_X86_OP
#define KVM_X86_OP_OPTIONAL_RET0 KVM_X86_OP
#include <asm/kvm-x86-ops.h>

int kvm_x86_vendor_init(struct kvm_x86_init_ops *ops);
int hv_flush(struct kvm_vcpu *vcpu);
int __common_exit_now(struct kvm_vcpu *vcpu);
int common_smi(struct kvm_vcpu *vcpu);

static inline int read_cpl(struct kvm_vcpu *vcpu)
{
	return kvm_x86_call(get_cpl)(vcpu);
}
#endif
"""

OPS_H = """
#if !defined(KVM_X86_OP) || !defined(KVM_X86_OP_OPTIONAL)
BUILD_BUG_ON(1)
#endif
KVM_X86_OP(hardware_enable)
KVM_X86_OP(hardware_unsetup)
KVM_X86_OP(get_cpl)
KVM_X86_OP(set_cpl)
KVM_X86_OP(intercept)
KVM_X86_OP_OPTIONAL_RET0(sync_pir)
KVM_X86_OP_OPTIONAL(timer)
KVM_X86_OP(exit_now)
KVM_X86_OP(twin)
KVM_X86_OP_OPTIONAL(flush)
KVM_X86_OP_OPTIONAL_RET0(precreate)
KVM_X86_OP_OPTIONAL(blocking)
KVM_X86_OP(wbinvd)
KVM_X86_OP_OPTIONAL(dev_attr)
KVM_X86_OP_OPTIONAL_RET0(reclaim)
KVM_X86_OP(handle_exit)
#undef KVM_X86_OP
#undef KVM_X86_OP_OPTIONAL
#undef KVM_X86_OP_OPTIONAL_RET0
"""

PMU_OPS_H = """
#if !defined(KVM_X86_PMU_OP) || !defined(KVM_X86_PMU_OP_OPTIONAL)
BUILD_BUG_ON(1)
#endif
KVM_X86_PMU_OP(reset)
KVM_X86_PMU_OP_OPTIONAL(early)
#undef KVM_X86_PMU_OP
#undef KVM_X86_PMU_OP_OPTIONAL
"""

PMU_H = """
#ifndef _PMU_H
#define _PMU_H
struct kvm_pmu_ops {
	int (*reset)(struct kvm_vcpu *vcpu);
	int (*early)(struct kvm_vcpu *vcpu, unsigned idx);
	const unsigned long EVENTS;
};
void kvm_pmu_ops_update(const struct kvm_pmu_ops *pmu_ops);
void pmu(struct kvm_vcpu *vcpu);
#endif
"""

PMU_C = """
#define pr_fmt(fmt) "pmu: " fmt

#include <asm/kvm_host.h>
#include <linux/traps.h>
#include "pmu.h"
#include "trace.h"

#define SCALE 20
struct own { int number; };
enum { OWN_SECOND = 5, OWN_FIRST };

static int own_value = 6;

static int own_function(int n)
{
	struct own own = { .number = n };

	return sizeof(struct own) * SCALE * OWN_SECOND + own.number + own_value;
}

static struct kvm_pmu_ops kvm_pmu_ops __read_mostly;

#define KVM_X86_PMU_OP(func) \\
	DEFINE_STATIC_CALL_NULL(kvm_x86_pmu_##func, *(((struct kvm_pmu_ops *)0)->func));
#define KVM_X86_PMU_OP_OPTIONAL KVM_X86_PMU_OP
#include <asm/kvm-x86-pmu-ops.h>

void kvm_pmu_ops_update(const struct kvm_pmu_ops *pmu_ops)
{
	memcpy(&kvm_pmu_ops, pmu_ops, sizeof(kvm_pmu_ops));
#define __KVM_X86_PMU_OP(func) \\
	static_call_update(kvm_x86_pmu_##func, kvm_pmu_ops.func);
#define KVM_X86_PMU_OP(func) \\
	WARN_ON(!kvm_pmu_ops.func); __KVM_X86_PMU_OP(func)
#define KVM_X86_PMU_OP_OPTIONAL __KVM_X86_PMU_OP
#include <asm/kvm-x86-pmu-ops.h>
#undef __KVM_X86_PMU_OP
}

void pmu(struct kvm_vcpu *vcpu)
{
	say(pr_fmt("reset"), kvm_pmu_call(reset)(vcpu));
	say(pr_fmt("own"), own_function(OWN_FIRST) + trace_points);
	if (!kvm_pmu_ops.early)
		say("pmu early missing", kvm_pmu_ops.EVENTS);
	else
		say("pmu early", kvm_pmu_call(early)(vcpu, 3));
}
"""

TRAPS_H = """
extern char *sync_regs(char *regs);
"""

TRACE_H = """
#ifndef _TRACE_H
#define _TRACE_H
extern int trace_points;
TRACE_EVENT(kvm_exit,
	TP_PROTO(struct kvm_vcpu *vcpu),
	TP_fast_assign(
		say("trace", kvm_x86_call(get_cpl)(vcpu));
	)
);
#define trace_both(vcpu) do {				\\
	say("both", static_call(kvm_x86_get_cpl)(vcpu));	\\
	say("nested", kvm_x86_ops.nested_ops->check(vcpu));	\\
} while (0)
#endif
#ifdef CREATE_TRACE_POINTS
int trace_points = 77;
#endif
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH ../../arch/x86/kvm
"""

TMPL_H = """
static int FNAME(walk)(struct kvm_vcpu *vcpu)
{
	if (kvm_x86_ops.nested_ops->state(vcpu, BITS))
		return static_call(kvm_x86_get_cpl)(vcpu) + BITS;
	return BITS;
}
"""

EMULATE_H = """
#ifndef _EMULATE_H
#define _EMULATE_H
struct x86_emulate_ctxt;

struct x86_emulate_ops {
	/*
	 * read_gpr: says what is in a register
	 */
	int (*read_gpr)(struct x86_emulate_ctxt *ctxt, int reg);
	void (*halt)(struct x86_emulate_ctxt *ctxt);
	int (*leave_smm)(struct x86_emulate_ctxt *ctxt);
	int (*nobody)(struct x86_emulate_ctxt *ctxt);
};

struct x86_emulate_ctxt {
	const struct x86_emulate_ops *ops;
	int id;
};

#define EMULATE_BUG(it) do {				\\
	if ((it)->id == 9)				\\
		it->ops->halt(it);			\\
} while (0)

int emulate(struct x86_emulate_ctxt *ctxt);
#ifdef CONFIG_SMM
int emulator_leave_smm(struct x86_emulate_ctxt *ctxt);
int stand_in(void);
#endif
#endif
"""

EMULATE_C = """
#include <asm/kvm_host.h>
#include "emulate.h"

/* Somebody else's ops. */
struct device { struct { int (*read_gpr)(int reg); } *ops; };

int device_read(struct device *dev)
{
	return dev->ops->read_gpr(4);
}

#ifdef CONFIG_SMM
int stand_in(void)
{
	return 2;
}

int emulator_leave_smm(struct x86_emulate_ctxt *ctxt)
{
	return ctxt->id + 41;
}
#endif

static int apply(struct x86_emulate_ctxt *ctxt, void (*what)(struct x86_emulate_ctxt *ctxt))
{
	what(ctxt);
	return 1;
}

int emulate(struct x86_emulate_ctxt *ctxt)
{
	const struct x86_emulate_ops *ops = ctxt->ops;
	int sum = ops->read_gpr(ctxt, 3);

	(ctxt->ops->halt)(ctxt);
	EMULATE_BUG(ctxt);
	sum += apply(ctxt, ctxt->ops->halt);
	return sum + ctxt->ops->leave_smm(ctxt);
}
"""

X86_C = """
#include <asm/kvm_host.h>
#include "emulate.h"
#include "pmu.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* pmu.c has others of these names. */
#define SCALE 10
struct own { char a[3]; };
enum { OWN_FIRST, OWN_SECOND };

static int own_value = 4;

#ifndef CONFIG_SMM
static int stand_in(void)
{
	return 1;
}
#endif

static int __maybe_unused own_function(int n)
{
	struct own own = { .a = { n } };

	return sizeof(struct own) * SCALE * OWN_SECOND + own.a[0];
}

/* A header that only pmu.c includes has another of this name. */
static int sync_regs(int n)
{
	return own_function(n) + own_value;
}

#define BITS 32
#define FNAME(name) name##32
#include "paging_tmpl.h"
#undef BITS
#undef FNAME
#define BITS 64
#define FNAME(name) name##64
#include "paging_tmpl.h"

struct kvm_x86_ops kvm_x86_ops __read_mostly;

#define KVM_X86_OP(func)					     \\
	DEFINE_STATIC_CALL_NULL(kvm_x86_##func,			     \\
				*(((struct kvm_x86_ops *)0)->func));
#define KVM_X86_OP_OPTIONAL KVM_X86_OP
#define KVM_X86_OP_OPTIONAL_RET0 KVM_X86_OP
#include <asm/kvm-x86-ops.h>
EXPORT_STATIC_CALL_GPL(kvm_x86_get_cpl);

int __common_exit_now(struct kvm_vcpu *vcpu)
{
	return 1000 + vcpu->id;
}
EXPORT_SYMBOL_GPL(__common_exit_now);

int hv_flush(struct kvm_vcpu *vcpu)
{
	return 2000 + vcpu->id;
}

int common_smi(struct kvm_vcpu *vcpu)
{
	return 3000 + vcpu->id;
}

static void call_it(const char *name, emergency_cb *cb)
{
	say(name, !!cb);
	if (cb)
		cb();
}

static bool has_flush(void)
{
	return kvm_x86_ops.flush;
}

/* Bears the name an op will want. */
static int kvm_x86_dev_attr(int attr)
{
	if (!kvm_x86_ops.dev_attr)
		return -1;
	return static_call(kvm_x86_dev_attr)(attr);
}

/* The vendors bind a function of this name. */
static int namesake(struct kvm_vcpu *vcpu)
{
	return static_call(kvm_x86_twin)(vcpu) + 7;
}

static void events(struct kvm_vcpu *vcpu)
{
	int expired = 0;

	if (kvm_x86_ops.sync_pir)
		say("sync", static_call_cond(kvm_x86_sync_pir)(vcpu));
	else
		say("no sync", 0);
	say("sync anyway", static_call(kvm_x86_sync_pir)(vcpu));
	if (kvm_x86_ops.timer != NULL &&
	    vcpu->id) {
		kvm_x86_call(timer)(vcpu, 17, &expired);
		say("timer", expired);
	}
	if (kvm_x86_ops.timer == NULL)
		say("no timer", 0);
	static_call_cond(kvm_x86_timer)(vcpu, 23, &expired);
	say("expired", expired);
	say("exit now", static_call
	    (kvm_x86_exit_now)
		(vcpu));
	say("namesake", namesake(vcpu));
	say("has flush", has_flush());
	if (kvm_x86_ops.flush)
		say("flush", kvm_x86_call(flush)(vcpu));
	if (kvm_x86_ops.flush == hv_flush)
		say("flush is hv's", kvm_x86_call(flush)(vcpu));
	say("precreate", kvm_x86_call(precreate)(vcpu));
	static_call_cond(kvm_x86_blocking)(vcpu);
}

static int emulator_read_gpr(struct x86_emulate_ctxt *ctxt, int reg)
{
	return ctxt->id * 50 + reg;
}

static void emulator_halt(struct x86_emulate_ctxt *ctxt)
{
	say("halt", ctxt->id);
}

#ifndef CONFIG_SMM
static int emulator_leave_smm(struct x86_emulate_ctxt *ctxt)
{
	return ctxt->id + 40;
}
#endif

static const struct x86_emulate_ops emulate_ops = {
	.read_gpr = emulator_read_gpr,
	.halt = emulator_halt,
	.leave_smm = emulator_leave_smm,
};

static void init_emulate(struct x86_emulate_ctxt *ctxt)
{
	ctxt->ops = &emulate_ops;
	ctxt->id = 9;
}

void exercise(void)
{
	struct kvm_vcpu vcpu = { .id = 5, .cpl = 1 };
	struct x86_emulate_ctxt ctxt;
	emergency_cb *kept;
	unsigned int reason;

	init_emulate(&ctxt);
	say("emulate", emulate(&ctxt));
	for (reason = 0; reason < 6; reason++)
		say("exit", kvm_x86_call(handle_exit)(&vcpu, reason));
	say("reclaim", kvm_x86_call(reclaim)(&vcpu));
	kvm_x86_call(set_cpl)(&vcpu, read_cpl(&vcpu) + 1);
	say("cpl", kvm_x86_ops.get_cpl(&vcpu));
	say("intercept", kvm_x86_call(intercept)(&vcpu, LATE));
	events(&vcpu);
	say("wbinvd", kvm_x86_call(wbinvd)());
	say("attr", kvm_x86_dev_attr(7));
	say("state", kvm_x86_ops.nested_ops->state ?
		kvm_x86_ops.nested_ops->state(&vcpu, 3) : -1);
	if (!kvm_x86_ops.nested_ops->evmcs)
		say("no evmcs", 0);
	call_it("emergency", kvm_x86_ops.emergency);
	kept = kvm_x86_ops.emergency;
	call_it("kept", kept);
	say("walk", walk32(&vcpu) + walk64(&vcpu));
	trace_kvm_exit(&vcpu);
	trace_both(&vcpu);
	pmu(&vcpu);
#ifdef CONFIG_SMM
	say("smi", kvm_x86_ops.smi(&vcpu));
#endif
#ifdef CONFIG_NEVER
	say("never", kvm_x86_call(get_cpl)(&vcpu));
#endif
	say(pr_fmt("own"), sync_regs(6));
	say("trace points", trace_points);
	say("stand in", stand_in());
	say("size", kvm_x86_ops.vm_size);
	kvm_x86_ops.hardware_enable = NULL;
	say("gone", !kvm_x86_ops.hardware_enable);
	kvm_x86_call(hardware_unsetup)();
}

static void kvm_ops_update(struct kvm_x86_init_ops *ops)
{
	memcpy(&kvm_x86_ops, ops->runtime_ops, sizeof(kvm_x86_ops));
#define __KVM_X86_OP(func) \\
	static_call_update(kvm_x86_##func, kvm_x86_ops.func);
#define KVM_X86_OP(func) \\
	WARN_ON(!kvm_x86_ops.func); __KVM_X86_OP(func)
#define KVM_X86_OP_OPTIONAL __KVM_X86_OP
#define KVM_X86_OP_OPTIONAL_RET0 __KVM_X86_OP
#include <asm/kvm-x86-ops.h>
#undef __KVM_X86_OP
	kvm_pmu_ops_update(ops->pmu_ops);
}

static void register_pt(unsigned int (*handler)(void))
{
	say("pt", handler ? handler() : 0);
}

static void check(void *opaque)
{
	struct kvm_x86_init_ops *ops = opaque;

	say("setup", ops->hardware_setup());
}

int kvm_x86_vendor_init(struct kvm_x86_init_ops *ops)
{
	if (kvm_x86_ops.hardware_enable)
		return -1;
	check(ops);
	kvm_ops_update(ops);
	register_pt(ops->pt_intr);
	return kvm_x86_call(hardware_enable)();
}
EXPORT_SYMBOL_GPL(kvm_x86_vendor_init);

static int __init kvm_x86_init(void)
{
	say("common init", 1);
	return 0;
}
module_init(kvm_x86_init);

static void __exit kvm_x86_exit(void)
{
}
module_exit(kvm_x86_exit);
"""

VENDOR_C = """
#include <asm/kvm_host.h>
#include "../pmu.h"
#include "caps.h"

static int VV_enable(void) { return 0; }
static void VV_unsetup(void) { say("VV unsetup", 0); }
static void VV_emergency(void) { say("VV emergency", 0); }
static int VV_get_cpl(struct kvm_vcpu *vcpu);
static int VV_get_cpl(struct kvm_vcpu *vcpu) { return vcpu->cpl + NUMBER; }
static void VV_set_cpl(struct kvm_vcpu *vcpu, int cpl) { vcpu->cpl = cpl; }
static int VV_intercept(struct kvm_vcpu *vcpu, enum stage stage) { return NUMBER * 10 + stage; }
static int namesake(struct kvm_vcpu *vcpu) { return NUMBER * 600 + vcpu->id; }
static int VV_sync_pir(struct kvm_vcpu *vcpu) { return NUMBER * 100; }
static int VV_exit_now(struct kvm_vcpu *vcpu) { return NUMBER * 200; }
static int VV_check(struct kvm_vcpu *vcpu) { return NUMBER * 300; }
static int VV_state(struct kvm_vcpu *vcpu, int size) { return NUMBER * 400 + size; }
static int VV_pmu_reset(struct kvm_vcpu *vcpu) { return NUMBER * 500; }
static __init int VV_hardware_setup(void);
VV_MORE

static const struct kvm_x86_nested_ops VV_nested_ops = {
	.check = VV_check,
	.state = VV_state,
};

struct kvm_pmu_ops VV_pmu_ops __initdata = {
	.reset = VV_pmu_reset,
	VV_PMU
	.EVENTS = NUMBER,
};

static struct kvm_x86_ops VV_x86_ops __initdata = {
	.name = "VV",
	.hardware_enable = VV_enable,
	.hardware_unsetup = VV_unsetup,
	.emergency = VV_emergency,
	.vm_size = sizeof(struct kvm_vcpu) * NUMBER,
	.get_cpl = VV_get_cpl,
	.set_cpl = VV_set_cpl,
	.intercept = VV_intercept,
	.exit_now = VV_exit_now,
	.handle_exit = VV_handle_exit,
	.twin = namesake,
	.wbinvd = cpu_has_wbinvd,
#ifdef CONFIG_SMM
	.smi = common_smi,
#endif
	VV_TABLE
	.nested_ops = &VV_nested_ops,
};

static struct kvm_x86_init_ops VV_init_ops __initdata = {
	.hardware_setup = VV_hardware_setup,
	.pt_intr = NULL,
	.runtime_ops = &VV_x86_ops,
	.pmu_ops = &VV_pmu_ops,
};

VV_SETUP

static int __init VV_init(void)
{
	return kvm_x86_vendor_init(&VV_init_ops);
}
module_init(VV_init);
"""

CAPS_H = """
#pragma once
static inline int cpu_has_wbinvd(void)
{
	return 77;
}
"""

# A function in one configuration, an inline in the other.
SVM_CAPS_H = CAPS_H + """
#ifdef CONFIG_SEV
int sev_reclaim(struct kvm_vcpu *vcpu);
#else
static inline int sev_reclaim(struct kvm_vcpu *vcpu)
{
	return 70;
}
#endif

#ifdef CONFIG_SEV
int sev_flush(struct kvm_vcpu *vcpu);
#else
static inline int sev_flush(struct kvm_vcpu *vcpu)
{
	return 72;
}
#endif

static inline void sev_setup(struct kvm_x86_ops *x86_ops)
{
	if (option("no-timer"))
		x86_ops->flush = sev_flush;
}
"""

SEV_C = """
#include <asm/kvm_host.h>
#include "caps.h"

#ifdef CONFIG_SEV
int sev_reclaim(struct kvm_vcpu *vcpu) { return vcpu->id + 71; }
int sev_flush(struct kvm_vcpu *vcpu) { return vcpu->id + 73; }
#endif
"""

NESTED_H = """
void nested_setup(int (*handlers[])(struct kvm_vcpu *));
void flush_setup(struct kvm_x86_ops *x86_ops);
#ifdef CONFIG_SEV
int vmx_flush(struct kvm_vcpu *vcpu);
#endif
"""

FLUSH_H = """
static inline int vmx_flush(struct kvm_vcpu *vcpu)
{
	return 80;
}
"""

# Only this file sees the inline that it binds.
NESTED_C = """
#include <asm/kvm_host.h>
#include "nested.h"

#ifdef CONFIG_SEV
int vmx_flush(struct kvm_vcpu *vcpu) { return 81; }
#else
#include "flush.h"
#endif

void flush_setup(struct kvm_x86_ops *x86_ops)
{
	if (option("no-apicv"))
		x86_ops->precreate = vmx_flush;
}

static int vmx_exit_vmxon(struct kvm_vcpu *vcpu) { return 104; }
static int vmx_exit_vmxoff(struct kvm_vcpu *vcpu) { return 105; }

void nested_setup(int (*handlers[])(struct kvm_vcpu *))
{
	handlers[4] = vmx_exit_vmxon;
	handlers[0] = vmx_exit_vmxoff;
}
"""

VMX = {
    "VV_MORE": """
#include "nested.h"

static int vmx_exit_intr(struct kvm_vcpu *vcpu) { return 100; }
static int vmx_exit_hlt(struct kvm_vcpu *vcpu) { return 101; }
#ifdef CONFIG_SMM
static int vmx_exit_smi(struct kvm_vcpu *vcpu) { return 102; }
#endif

static int (*vmx_exit_handlers[])(struct kvm_vcpu *vcpu) = {
	[0]		= vmx_exit_intr,
	[1]		= vmx_exit_hlt,
#ifdef CONFIG_SMM
	[2]		= vmx_exit_smi,
#endif
	[4]		= vmx_exit_hlt,
};

static int vmx_handle_exit(struct kvm_vcpu *vcpu, unsigned int reason)
{
	if (reason >= ARRAY_SIZE(vmx_exit_handlers) || !vmx_exit_handlers[reason])
		return -1;
	return vmx_exit_handlers[reason](vcpu);
}

static void vmx_timer(struct kvm_vcpu *vcpu, unsigned long deadline, int *expired)
{
	*expired = deadline + vcpu->id;
}

static unsigned int vmx_pt(void) { return 42; }
static int vmx_precreate(struct kvm_vcpu *vcpu) { return 61; }
""",
    "VV_PMU": "",
    "VV_TABLE": ".sync_pir = vmx_sync_pir,\n\t.timer = vmx_timer,\n"
                "\t.precreate = vmx_precreate,\n\t.dev_attr = NULL,",
    "VV_SETUP": """
static __init int vmx_hardware_setup(void)
{
	if (option("no-apicv"))
		vmx_x86_ops.sync_pir = NULL;
	flush_setup(&vmx_x86_ops);
	if (option("no-timer")) {
		vmx_x86_ops.timer = NULL;
		vmx_x86_ops.exit_now = __common_exit_now;
	}
	if (option("pt"))
		nested_setup(vmx_exit_handlers);
	if (option("pt"))
		vmx_init_ops.pt_intr = vmx_pt;
	else
		vmx_init_ops.pt_intr = NULL;
	if (option("hyperv"))
		vmx_x86_ops.flush
			= hv_flush;
	return 0;
}
""",
}

SVM = {
    "VV_MORE": """
static int svm_exit_hlt(struct kvm_vcpu *vcpu) { return 200; }
static int svm_exit_npf(struct kvm_vcpu *vcpu) { return vcpu->id + 201; }

static int (*const svm_exit_handlers[])(struct kvm_vcpu *vcpu) = {
	[2] = svm_exit_hlt, [3] = svm_exit_npf,
};

static int svm_handle_exit(struct kvm_vcpu *vcpu, unsigned int reason)
{
	return reason < ARRAY_SIZE(svm_exit_handlers) && svm_exit_handlers[reason] ?
		svm_exit_handlers[reason](vcpu) : -1;
}

static void svm_blocking(struct kvm_vcpu *vcpu) { say("svm blocks", vcpu->id); }
static int svm_early(struct kvm_vcpu *vcpu, unsigned idx) { return idx + 900; }
static int sev_dev_attr(int attr) { return attr + 800; }
""",
    "VV_PMU": ".early = svm_early,",
    "VV_TABLE": ".blocking = svm_blocking,\n\t.reclaim = sev_reclaim,\n#ifdef CONFIG_SEV\n"
                "\t.dev_attr = sev_dev_attr,\n#endif",
    "VV_SETUP": """
static void avic_setup(struct kvm_x86_ops *x86_ops)
{
	if (option("no-apicv"))
		x86_ops->blocking = NULL;
}

static __init int svm_hardware_setup(void)
{
	avic_setup(&svm_x86_ops);
	sev_setup(&svm_x86_ops);
	(void)svm_sync_pir;
	return 0;
}
""",
}

MAKEFILE = """
ccflags-y += -I $(srctree)/arch/x86/kvm
include $(srctree)/virt/kvm/Makefile.kvm
kvm-y += x86.o pmu.o emulate.o
kvm-intel-y += vmx/vmx.o vmx/nested.o
kvm-amd-y += svm/svm.o svm/sev.o
obj-$(CONFIG_KVM) += kvm.o
obj-$(CONFIG_KVM_INTEL) += kvm-intel.o
obj-$(CONFIG_KVM_AMD) += kvm-amd.o
"""

SHIM_H = """
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <stdint.h>
typedef uint8_t u8;
struct kvm_vcpu;
#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define module_param(name, type, mode) extern int param_of_##name
#define __init
#define __exit
#define __initdata
#define __read_mostly
#define __ref
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __maybe_unused __attribute__((unused))
#define EXPORT_SYMBOL_GPL(x) extern int unused_##x
#define EXPORT_STATIC_CALL_GPL(x) extern int unused_##x
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))
#define WARN_ON_ONCE(x) WARN_ON(x)
#define WARN_ON(x) do { if (x) say("WARN", __LINE__); } while (0)
#define MODULE_ALIAS(x) extern int alias_of_it
#define TP_PROTO(x) x
#define TP_fast_assign(x) x
#define TRACE_EVENT(name, proto, assign) \\
	static inline void trace_##name(proto) { assign } extern int traced_##name
static inline void say(const char *what, long value) { printf("%s %ld\\n", what, value); }
static inline bool option(const char *name)
{
	const char *all = getenv("OPTIONS");
	return all && strstr(all, name);
}
/* A static call of nothing does nothing; it must not be used where it has a value. */
static inline long call_nothing(void) { return 0; }
#define DECLARE_STATIC_CALL(name, type) extern typeof(type) *pointer_of_##name
#define DEFINE_STATIC_CALL_NULL(name, type) typeof(type) *pointer_of_##name
#define static_call_update(name, func) (pointer_of_##name = (func))
#define static_call(name) \\
	(pointer_of_##name ? pointer_of_##name : (typeof(pointer_of_##name))call_nothing)
#define static_call_cond(name) static_call(name)
#define module_init(fn) \\
	static void __attribute__((constructor)) construct_##fn(void) { if (fn()) exit(3); } \\
	extern int initialised
#define module_exit(fn) \\
	static __maybe_unused void (*exit_of_##fn)(void) = fn
"""

MAIN_C = """
void exercise(void);
int main(void) { exercise(); return 0; }
"""


def _vendor(name, number, parts):
    text = VENDOR_C
    for mark, new in parts.items():
        text = text.replace(mark, new)
    return text.replace("VV", name).replace("NUMBER", str(number))


def files():
    """The tree: {path: text}"""
    kvm, asm = "arch/x86/kvm", "arch/x86/include/asm"
    return {
        "include/linux/traps.h": TRAPS_H,
        f"{asm}/kvm_host.h": HOST_H,
        f"{asm}/kvm-x86-ops.h": OPS_H,
        f"{asm}/kvm-x86-pmu-ops.h": PMU_OPS_H,
        f"{kvm}/Makefile": MAKEFILE,
        f"{kvm}/x86.c": X86_C,
        f"{kvm}/pmu.c": PMU_C,
        f"{kvm}/pmu.h": PMU_H,
        f"{kvm}/emulate.c": EMULATE_C,
        f"{kvm}/emulate.h": EMULATE_H,
        f"{kvm}/vmx/nested.c": NESTED_C,
        f"{kvm}/vmx/nested.h": NESTED_H,
        f"{kvm}/vmx/flush.h": FLUSH_H,
        f"{kvm}/trace.h": TRACE_H,
        f"{kvm}/paging_tmpl.h": TMPL_H,
        f"{kvm}/vmx/vmx.c": _vendor("vmx", 1, VMX),
        f"{kvm}/vmx/caps.h": CAPS_H,
        f"{kvm}/svm/svm.c": _vendor("svm", 2, SVM),
        f"{kvm}/svm/caps.h": SVM_CAPS_H,
        f"{kvm}/svm/sev.c": SEV_C,
        "virt/kvm/Makefile.kvm": "kvm-y += ../../../virt/kvm/kvm_main.o\n",
        "virt/kvm/kvm_main.c": MAIN_C,
    }
