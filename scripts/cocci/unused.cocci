// SPDX-License-Identifier: GPL-2.0-only
//
// Matches: a local pointer to an ops struct that nothing reads any more, because
// the calls through it have become direct.
// Becomes: nothing.
// Safe because the initial value is a name or a chain of members; taking it has
// no effect.
// Parameter: the names of the ops structs.

@@
identifier S =~ "ops$";	// @structs@
identifier V, I;
@@
(
- struct S *V = I;
|
- const struct S *V = I;
)
  ... when != V

@@
identifier S =~ "ops$";	// @structs@
identifier V, P, M;
@@
(
- const struct S *V = P->M;
|
- struct S *V = P->M;
)
  ... when != V
