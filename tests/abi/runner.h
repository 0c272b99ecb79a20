/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the runner (main.c) and the checks (harness.c) agree on: the exit
 * status of a test's process and the page both can write to.
 */
#ifndef ABI_RUNNER_H
#define ABI_RUNNER_H

enum { RESULT_OK, RESULT_FAIL, RESULT_SKIP, NR_RESULTS };

#define SKIP_REASON_SIZE	256
extern char *skip_reason;

#endif
