// SPDX-License-Identifier: GPL-2.0-only
//
// Matches: EXPORT_SYMBOL(f) and its kin, and module aliases.
// Becomes: nothing.
// Safe because the one module that used the symbol now contains it, and because
// two modules that claim one device node by alias would both be loaded for it.
// Exports that the rest of the kernel looks up are listed in the report.

@@
declarer name EXPORT_SYMBOL;
declarer name EXPORT_SYMBOL_GPL;
identifier F;
@@
(
- EXPORT_SYMBOL(F);
|
- EXPORT_SYMBOL_GPL(F);
)

@@
declarer name EXPORT_STATIC_CALL;
declarer name EXPORT_STATIC_CALL_GPL;
declarer name EXPORT_TRACEPOINT_SYMBOL_GPL;
declarer name EXPORT_PER_CPU_SYMBOL;
declarer name EXPORT_PER_CPU_SYMBOL_GPL;
identifier F;
@@
(
- EXPORT_PER_CPU_SYMBOL(F);
|
- EXPORT_PER_CPU_SYMBOL_GPL(F);
|
- EXPORT_STATIC_CALL(F);
|
- EXPORT_STATIC_CALL_GPL(F);
|
- EXPORT_TRACEPOINT_SYMBOL_GPL(F);
)

@@
declarer name MODULE_ALIAS_MISCDEV;
declarer name MODULE_ALIAS;
expression E;
@@
(
- MODULE_ALIAS_MISCDEV(E);
|
- MODULE_ALIAS(E);
)
