# SPDX-License-Identifier: GPL-2.0-only
# Objects of the KUnit module: mv-fake is the contract in software, mv-kunit the suites.


mv-kunit += tests/kunit/emul_env_test.o

