# SPDX-License-Identifier: GPL-2.0-only
# The emulator's KUnit module: the emulator alone, in a world of the test's making.
mv-emul-kunit := $(mv-emul) tests/kunit/emul_world.o tests/kunit/emul_case.o
mv-emul-kunit += tests/kunit/emul_decode_test.o tests/kunit/emul_exec_test.o
mv-emul-kunit += core/emul/task.o tests/kunit/emul_task_test.o
mv-emul-kunit += tests/kunit/emul_io_test.o tests/kunit/emul_corpus_test.o
