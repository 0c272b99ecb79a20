/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one place that asks which vendor is being compiled. Everything else
 * includes this file and names vendor headers through the macros below; no
 * other file tests __VMX__, __SVM__ or __FAKE__.
 */
#ifndef MONOVISOR_OPS_VENDOR_H
#define MONOVISOR_OPS_VENDOR_H

#if defined(__VMX__) + defined(__SVM__) + defined(__FAKE__) != 1
#error "Define exactly one of __VMX__, __SVM__ and __FAKE__"
#endif

/*
 * VENDOR_INLINE_H  bodies of the ops that ops/ declares static inline
 * VENDOR_PTE_H     format of a second-stage page-table entry
 * VENDOR_NAME      prefix of log lines and of the module's name
 * VENDOR_RIVAL     stock module that can hold the same hardware
 * VENDOR_ISA       whose exit reasons a trace shows, as readers of traces know it
 * VENDOR_AMD_CPU   the guest runs on a CPU of AMD's, not on one of Intel's
 */
#if defined(__VMX__)
#define VENDOR_INLINE_H	"vmx/inline.h"
#define VENDOR_PTE_H	"vmx/pte.h"
#define VENDOR_NAME	"vmx"
#define VENDOR_RIVAL	"kvm_intel"
#define VENDOR_ISA	1
#define VENDOR_AMD_CPU	0
#elif defined(__SVM__)
#define VENDOR_INLINE_H	"svm/inline.h"
#define VENDOR_PTE_H	"svm/pte.h"
#define VENDOR_NAME	"svm"
#define VENDOR_RIVAL	"kvm_amd"
#define VENDOR_ISA	2
#define VENDOR_AMD_CPU	1
#else
#define VENDOR_INLINE_H	"tests/fake/inline.h"
#define VENDOR_PTE_H	"tests/fake/pte.h"
#define VENDOR_NAME	"fake"
#define VENDOR_RIVAL	"kvm"
#define VENDOR_ISA	0
#define VENDOR_AMD_CPU	1	/* the emulator's tables of cases say what is Intel's */
#endif

#endif /* MONOVISOR_OPS_VENDOR_H */
