# SPDX-License-Identifier: GPL-2.0-only
# The instruction emulator; its KUnit module links these without the rest of the core.
mv-emul := core/emul/insn.o core/emul/decode.o core/emul/modrm.o core/emul/move.o
mv-emul += core/emul/tables.o core/emul/tables_ext.o
mv-emul += core/emul/mem.o core/emul/flags.o core/emul/exec.o
mv-emul += core/emul/exec_alu.o core/emul/exec_move.o core/emul/exec_string.o
mv-emul += core/emul/exec_branch.o core/emul/exec_far.o core/emul/exec_system.o
mv-emul += core/emul/sse.o

mv-core += $(mv-emul) core/emul_env.o
