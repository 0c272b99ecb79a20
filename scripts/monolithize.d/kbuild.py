# SPDX-License-Identifier: GPL-2.0-only
"""Turns the tree's own Makefile of KVM into a Kbuild for one module per vendor.

Object lists and their conditions are taken over as they are.  A line whose
meaning is not known is an error, so that no object or flag is lost silently.
"""

import re

import lex
import tree as trees

TOP = """# SPDX-License-Identifier: GPL-2.0-only
# Made by monolithize. One source, one module per vendor; MONO_STOCK=1 builds the
# three stock modules from the same folder (only the first commit can).

mono-here := $(if $(filter /% ./%,$(src)),$(src),$(srctree)/$(src))
LINUXINCLUDE := -I$(mono-here)/arch/x86/include $(LINUXINCLUDE)
ccflags-y += -I$(mono-here) -I$(mono-here)/arch/x86/kvm -I$(mono-here)/virt/kvm
ccflags-y += $(if $(wildcard $(mono-here)/mono-config.h),-include $(mono-here)/mono-config.h)
-include $(mono-here)/mono-config.mk

include $(mono-here)/objects.mk

mono-kvm := $(patsubst ../../../%,%,$(foreach o,$(kvm-y) $(kvm-m),$(if $(filter ../%,$o),$o,arch/x86/kvm/$o)))
mono-intel := $(addprefix arch/x86/kvm/,$(kvm-intel-y) $(kvm-intel-m))
mono-amd := $(addprefix arch/x86/kvm/,$(kvm-amd-y) $(kvm-amd-m))
kvm-y :=
kvm-m :=
kvm-intel-y :=
kvm-intel-m :=
kvm-amd-y :=
kvm-amd-m :=

AFLAGS_arch/x86/kvm/vmx/vmenter.o := -iquote $(obj)
AFLAGS_arch/x86/kvm/svm/vmenter.o := -iquote $(obj)
$(obj)/arch/x86/kvm/vmx/vmenter.o $(obj)/arch/x86/kvm/svm/vmenter.o: \\
	$(if $(wildcard $(mono-here)/arch/x86/kvm/kvm-asm-offsets.c),$(obj)/kvm-asm-offsets.h)
$(obj)/kvm-asm-offsets.h: $(obj)/arch/x86/kvm/kvm-asm-offsets.s FORCE
	$(call filechk,offsets,__KVM_ASM_OFFSETS_H__)
targets += arch/x86/kvm/kvm-asm-offsets.s
CFLAGS_arch/x86/kvm/kvm-asm-offsets.o := -D__VMX__ -I$(mono-here)/ops/vmx
clean-files += kvm-asm-offsets.h
"""

STOCK = """
obj-m := kvm.o kvm-intel.o kvm-amd.o
kvm-y := $(mono-kvm)
kvm-intel-y := $(mono-intel)
kvm-amd-y := $(mono-amd)
"""

MONO = """
# The assembly is the vendor's alone and knows no ops.
mono-asm := %/vmenter.o
mono-objects = $(patsubst %.o,%.$(1).o,$(filter-out $(mono-asm),$(2))) $(filter $(mono-asm),$(2))

obj-m := kvm-intel-mono.o kvm-amd-mono.o
kvm-intel-mono-y := $(call mono-objects,vmx,$(mono-kvm) $(mono-intel))
kvm-amd-mono-y := $(call mono-objects,svm,$(mono-kvm) $(mono-amd))

define mono-rules
$$(obj)/%.$(1).o: modname := $(2)
$$(obj)/%.$(1).o: ccflags-y += -D$(3) -I$$(mono-here)/ops/$(1)
$$(obj)/%.$(1).o: $$(src)/%.c FORCE
	$$(call if_changed_rule,cc_o_c)
endef
$(eval $(call mono-rules,vmx,kvm-intel-mono,__VMX__))
$(eval $(call mono-rules,svm,kvm-amd-mono,__SVM__))
"""

UNIT = r"""
# What is not compiled as part of the vendor's unit: assembly, tracepoints, and virt/kvm,
# whose weak functions give way to others when they are linked.
mono-apart := %/vmenter.o virt/%
mono-apart += $(foreach o,$(mono-kvm) $(mono-intel) $(mono-amd),$(if $(findstring /mono_trace_,$o),$o))
mono-asm := %/vmenter.o
mono-objects = $(patsubst %.o,%.$(1).o,$(filter-out $(mono-asm),$(filter $(mono-apart),$(2)))) \
	$(filter $(mono-asm),$(2)) unit.$(1).o

obj-m := kvm-intel-mono.o kvm-amd-mono.o
kvm-intel-mono-y := $(call mono-objects,vmx,$(mono-kvm) $(mono-intel))
kvm-amd-mono-y := $(call mono-objects,svm,$(mono-kvm) $(mono-amd))
mono-vmx := $(filter-out $(mono-apart),$(mono-kvm) $(mono-intel))
mono-svm := $(filter-out $(mono-apart),$(mono-kvm) $(mono-amd))

filechk_mono-unit = printf '\043include "%s"\n' $(patsubst %.o,%.c,$(2))

define mono-rules
$$(obj)/%.$(1).o: modname := $(2)
$$(obj)/%.$(1).o: ccflags-y += -D$(3) -I$$(mono-here)/ops/$(1)
$$(obj)/%.$(1).o: $$(src)/%.c FORCE
	$$(call if_changed_rule,cc_o_c)
$$(obj)/unit.$(1).c: FORCE
	$$(call filechk,mono-unit,$$(mono-$(1)))
$$(obj)/unit.$(1).o: $$(obj)/unit.$(1).c FORCE
	$$(call if_changed_rule,cc_o_c)
clean-files += unit.$(1).c
endef
$(eval $(call mono-rules,vmx,kvm-intel-mono,__VMX__))
$(eval $(call mono-rules,svm,kvm-amd-mono,__SVM__))
"""

MAKEFILE = """# SPDX-License-Identifier: GPL-2.0-only
# Made by monolithize.
KDIR ?= /lib/modules/$(shell uname -r)/build

modules clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

.PHONY: modules clean
"""

# Known lines that the generated Kbuild makes superfluous, and why.
_REPLACED = (
    (r"ccflags-y \+= -I ?\S+", "include path of the new folder"),
    (r"obj-\$\(CONFIG_\w+\)\s*\+= kvm(-\w+)?\.o", "modules are named anew"),
    (r"AFLAGS_\w+/vmenter\.o\s*:= -iquote \$\(obj\)", "rule with the new path"),
    (r"\$\(obj\)/\w+/vmenter\.o: \$\(obj\)/kvm-asm-offsets\.h", "rule with the new path"),
    (r"\$\(obj\)/kvm-asm-offsets\.h: .*", "rule with the new path"),
    (r"\t\$\(call filechk,offsets,__KVM_ASM_OFFSETS_H__\)", "rule with the new path"),
    (r"(targets|clean-files) \+= kvm-asm-offsets\.\w", "rule with the new path"),
    (r"OBJECT_FILES_NON_STANDARD_vmenter\.o := y", "rule with the new path"),
)
_KEPT = (
    r"kvm(-intel|-amd)?-(y|\$\(CONFIG_\w+\))\s*[:+]= .*",
    r"KVM \??:?= \.\./\.\./\.\./virt/kvm",
    r"ccflags-\$\(CONFIG_\w+\) \+= -Werror",
    r"(ifdef|ifndef|ifeq|ifneq|else|endif)\b.*",
)


def _logical_lines(text):
    """(number, line) with continuations joined."""
    start, held = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        if line.endswith("\\"):
            held += line[:-1].rstrip() + " "
            continue
        yield start, held + (line.strip() if held else line.rstrip())
        start, held = 0, ""


def objects(tree, report, name=f"{trees.KVM}/Makefile"):
    """objects.mk: the Makefile's object lists with their conditions."""
    out = []
    for number, line in _logical_lines(tree.read(name)):
        plain = re.sub(r"\s+#.*$|^#.*$", "", line)
        flat = re.sub(r"[ \t]+", " ", plain) if not plain.startswith("\t") else plain
        if not flat.strip():
            continue
        include = re.fullmatch(r"include \$\(srctree\)/(virt/kvm/Makefile\.kvm)", flat)
        if include:
            report.add(name, number, "makefile", flat, "taken in", "objects.mk")
            out += objects(tree, report, include.group(1))
            continue
        why = next((why for pattern, why in _REPLACED if re.fullmatch(pattern, flat)), None)
        if why:
            report.add(name, number, "makefile", flat.strip(), why, "Kbuild")
        elif any(re.fullmatch(pattern, flat) for pattern in _KEPT):
            out.append(flat)
        else:
            raise lex.Error(name, number, f"a line of make that is not understood: {flat}")
    return out


def non_standard(tree):
    """5.10 and 6.1 tell objtool not to look at vmenter.S when frame pointers are on."""
    if "OBJECT_FILES_NON_STANDARD_vmenter.o" not in tree.read(f"{trees.KVM}/Makefile"):
        return ""
    return ("\nifeq ($(CONFIG_FRAME_POINTER),y)\n"
            "OBJECT_FILES_NON_STANDARD_arch/x86/kvm/vmx/vmenter.o := y\n"
            "OBJECT_FILES_NON_STANDARD_arch/x86/kvm/svm/vmenter.o := y\n"
            "OBJECT_FILES_NON_STANDARD_vmenter.o := y\nendif\n")
