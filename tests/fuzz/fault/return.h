/* SPDX-License-Identifier: GPL-2.0-only */
/* A function, in assembly, that does nothing but return. */
#ifndef MONOVISOR_TESTS_FUZZ_FAULT_RETURN_H
#define MONOVISOR_TESTS_FUZZ_FAULT_RETURN_H

void fault_return(void);

#endif /* MONOVISOR_TESTS_FUZZ_FAULT_RETURN_H */
