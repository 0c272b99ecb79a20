// SPDX-License-Identifier: GPL-2.0-only
//
// Matches: kvm_x86_call(op)(...) and kvm_pmu_call(op)(...), macros that give a
// static call its prefix.
// Becomes: kvm_x86_op(...) and kvm_x86_pmu_op(...).
// Safe for the reason given in static-call.cocci; the macro adds nothing else,
// which is verified before this patch is applied.
// Parameter: the names of the ops.

@@
identifier OP =~ "";	// @ops@
expression list ES;
fresh identifier F = "kvm_x86_" ## OP;
@@
- kvm_x86_call(OP)(ES)
+ F(ES)

@@
identifier OP =~ "";	// @ops@
expression list ES;
fresh identifier F = "kvm_x86_pmu_" ## OP;
@@
- kvm_pmu_call(OP)(ES)
+ F(ES)
