// SPDX-License-Identifier: GPL-2.0-only
//
// Matches: an op that is set at run time to another function or to NULL, and an
// op that is compared with a function.
// Becomes: the selector of that op, a small integer in the pointer's place: 0 for
// NULL, else the constant kvm_x86_op_is_<function>.
// Safe because the selector lives in the same struct, is set where the pointer was
// and is copied with it; it can stand for no more functions than the tree assigns.
// Parameter: the names of the ops.

@null_x86@
identifier V =~ "^(kvm|vt|vmx|svm)_x86_ops$";
identifier OP =~ "";	// @ops@
fresh identifier H = "has_" ## OP;
@@
- V.OP = NULL
+ V.H = 0

@null_init@
identifier V =~ "^(vt|vmx|svm)_init_ops$";
identifier OP =~ "";	// @ops@
fresh identifier H = "has_" ## OP;
@@
- V.OP = NULL
+ V.H = 0

@set_x86@
identifier V =~ "^(vt|vmx|svm)_x86_ops$";
identifier OP =~ "";	// @ops@
identifier FN;
fresh identifier H = "has_" ## OP;
fresh identifier IS = "kvm_x86_" ## OP ## "_is_" ## FN;
@@
- V.OP = FN
+ V.H = IS

@set_init@
identifier V =~ "^(vt|vmx|svm)_init_ops$";
identifier OP =~ "";	// @ops@
identifier FN;
fresh identifier H = "has_" ## OP;
fresh identifier IS = "kvm_x86_init_" ## OP ## "_is_" ## FN;
@@
- V.OP = FN
+ V.H = IS

@set_pointer@
struct kvm_x86_ops *P;
identifier OP =~ "";	// @ops@
identifier FN !~ "^NULL$";
fresh identifier H = "has_" ## OP;
fresh identifier IS = "kvm_x86_" ## OP ## "_is_" ## FN;
@@
(
- P->OP = NULL
+ P->H = 0
|
- P->OP = FN
+ P->H = IS
)

@compare@
identifier OP =~ "";	// @ops@
identifier FN !~ "^NULL$";
fresh identifier H = "has_" ## OP;
fresh identifier IS = "kvm_x86_" ## OP ## "_is_" ## FN;
@@
(
- kvm_x86_ops.OP == FN
+ kvm_x86_ops.H == IS
|
- kvm_x86_ops.OP != FN
+ kvm_x86_ops.H != IS
)
