// SPDX-License-Identifier: GPL-2.0-only
//
// Matches: an op that is handed to a function as an argument, or assigned.
// Becomes: kvm_x86_op_ptr(), which gives the same function or NULL.
// Safe because the receiver gets the value it got before.  It is the kernel that
// calls through it, where it registers callbacks; the module itself does not.
// Parameter: the names of the ops.

@@
identifier OP =~ "";	// @ops@
identifier CALLEE;
expression list[N] BEFORE;
expression list AFTER;
fresh identifier P = "kvm_x86_" ## OP ## "_ptr";
@@
  CALLEE(BEFORE,
- kvm_x86_ops.OP
+ P()
  , AFTER)

@@
identifier OP =~ "";	// @ops@
expression E;
fresh identifier P = "kvm_x86_" ## OP ## "_ptr";
@@
  E =
- kvm_x86_ops.OP
+ P()
  ;

@@
identifier OP =~ "";	// @ops@
struct kvm_x86_init_ops *O;
identifier CALLEE;
expression list[N] BEFORE;
expression list AFTER;
fresh identifier P = "kvm_x86_init_" ## OP ## "_ptr";
@@
  CALLEE(BEFORE,
- O->OP
+ P(O)
  , AFTER)
