// SPDX-License-Identifier: GPL-2.0-only
//
// Matches: an op tested for NULL, with or without a comparison.  Calls, assignments
// and values must be gone before, so what is left of the ops is tests.
// Becomes: kvm_x86_has_op(), or the selector itself where the struct in use cannot
// be named.
// Safe because the predicate reads, at the same moment, what took the pointer's
// place.
// Parameter: the names of the ops.

@disable is_null, isnt_null1, not_ptr1, not_ptr2@
identifier OP =~ "";	// @ops@
fresh identifier H = "kvm_x86_has_" ## OP;
@@
(
- kvm_x86_ops.OP != NULL
+ H()
|
- kvm_x86_ops.OP == NULL
+ !H()
|
- kvm_x86_ops.OP
+ H()
)

@disable is_null, isnt_null1, not_ptr1, not_ptr2@
identifier OP =~ "";	// @ops@
fresh identifier H = "kvm_x86_has_nested_" ## OP;
@@
(
- kvm_x86_ops.nested_ops->OP != NULL
+ H()
|
- kvm_x86_ops.nested_ops->OP == NULL
+ !H()
|
- kvm_x86_ops.nested_ops->OP
+ H()
)

@disable is_null, isnt_null1, not_ptr1, not_ptr2@
identifier OP =~ "";	// @ops@
fresh identifier H = "kvm_x86_has_pmu_" ## OP;
@@
(
- kvm_x86_ops.pmu_ops->OP
+ H()
|
- kvm_pmu_ops.OP
+ H()
)

@@
struct kvm_x86_init_ops *P;
identifier OP =~ "";	// @ops@
fresh identifier H = "has_" ## OP;
@@
- P->OP
+ P->H
