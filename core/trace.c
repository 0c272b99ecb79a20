// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one object of a module that holds the code of its tracepoints.
 */
#include "core/regs.h"
#include "core/vcpu.h"
#include "ops/run.h"

#define CREATE_TRACE_POINTS
#include "core/trace.h"
