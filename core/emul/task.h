/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Switching tasks in software, for a CPU that leaves all of it to us once it
 * has checked the gate and the new TSS's descriptor.
 */
#ifndef MONO_CORE_EMUL_TASK_H
#define MONO_CORE_EMUL_TASK_H

#include "core/emul/emul.h"

/* Numbered as VMX qualifies the exit. */
enum emul_task_source {
	EMUL_TASK_CALL,
	EMUL_TASK_IRET,
	EMUL_TASK_JMP,
	EMUL_TASK_GATE,		/* of the IDT */
};

struct emul_task_switch {
	u16 selector;		/* of the new task's TSS */
	enum emul_task_source source;
	bool external;		/* no instruction asked for it: EXT in error codes */
	bool has_error;		/* the event has an error code for the new stack */
	u32 error_code;
	u32 next_ip;		/* where the old task goes on */
	/* Results */
	bool switched;		/* an exception, if any, is the new task's */
	bool trap;		/* the new task's T flag: a #DB is due */
};

enum emul_status emul_task_switch(struct emul_ctxt *c, struct emul_task_switch *sw);

#endif /* MONO_CORE_EMUL_TASK_H */
