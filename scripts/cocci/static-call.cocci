// SPDX-License-Identifier: GPL-2.0-only
//
// Matches: static_call(kvm_x86_op)(...) and static_call_cond(kvm_x86_op)(...).
// Becomes: kvm_x86_op(...).
// Safe because a static call of an op reaches the function in the op's table
// entry, which is what the function kvm_x86_op() calls.  A conditional call of an
// op that a vendor lacks does nothing, and so does that vendor's kvm_x86_op().
// The arguments stay as they are and are evaluated as before.
// Parameter: the names of the ops with their prefix.

@@
identifier OP =~ "^kvm_x86_";	// @symbols@
expression list ES;
@@
(
- static_call(OP)(ES)
+ OP(ES)
|
- static_call_cond(OP)(ES)
+ OP(ES)
)
