/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the compiler calls at the start of every basic block, and nothing else
 * does.
 */
#ifndef MONOVISOR_TESTS_COVERAGE_TABLE_H
#define MONOVISOR_TESTS_COVERAGE_TABLE_H

void __sanitizer_cov_trace_pc(void);

#endif /* MONOVISOR_TESTS_COVERAGE_TABLE_H */
