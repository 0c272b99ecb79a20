// SPDX-License-Identifier: GPL-2.0-only
//
// Matches: kvm_x86_ops.op(...), kvm_x86_ops->op(...), a call through one of its
// nested_ops and pmu_ops, and one through a pointer to the setup ops.
// Becomes: kvm_x86_op(...), kvm_x86_nested_op(...), kvm_x86_pmu_op(...),
// kvm_x86_init_op(...).
// Safe because a module has one vendor, so the pointer can only be that vendor's;
// an op altered at run time decides in its body as the pointer did.
// Parameter: the names of the ops.

@@
identifier OP =~ "";	// @ops@
expression list ES;
fresh identifier F = "kvm_x86_" ## OP;
@@
(
- kvm_x86_ops.OP(ES)
+ F(ES)
|
- kvm_x86_ops->OP(ES)
+ F(ES)
)

@@
identifier OP =~ "";	// @ops@
expression E;
expression list ES;
fresh identifier F = "kvm_x86_nested_" ## OP;
@@
- E.nested_ops->OP(ES)
+ F(ES)

@@
identifier OP =~ "";	// @ops@
expression E;
expression list ES;
fresh identifier F = "kvm_x86_pmu_" ## OP;
@@
(
- E.pmu_ops->OP(ES)
+ F(ES)
|
- kvm_pmu_ops.OP(ES)
+ F(ES)
)

@@
identifier OP =~ "";	// @ops@
struct kvm_x86_init_ops *P;
expression list ES;
fresh identifier F = "kvm_x86_init_" ## OP;
@@
- P->OP(ES)
+ F(ES)
