#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads KTAP files with the kernel's own KUnit parser and adds them up.

usage: ktap.py KERNEL-SOURCE FILE...
Prints the cases that did not pass (all with -v) and "N passed, N failed";
fails unless everything passed and something ran.
"""

import io
import sys


def main():
    args = [a for a in sys.argv[1:] if a != "-v"]
    if len(args) < 2 or "--help" in args:
        print(__doc__)
        return 2
    sys.path.insert(0, args[0] + "/tools/testing/kunit")
    import kunit_parser     # pylint: disable=import-error,import-outside-toplevel

    passed = failed = 0
    for name in args[1:]:
        text = io.StringIO()
        # The parser prints through this object and offers no parameter for it
        kunit_parser.stdout._output = text      # pylint: disable=protected-access
        with open(name, encoding="utf-8", errors="replace") as f:
            test = kunit_parser.parse_run_tests(f)
        c = test.counts
        good = c.passed + c.skipped
        bad = c.failed + c.crashed + c.errors
        if not test.ok_status() and not bad:
            bad = 1
        if bad or "-v" in sys.argv:
            print(text.getvalue(), end="")
        else:
            print(f"{name.rsplit('/', 1)[-1].removesuffix('.ktap')}: {good} passed")
        passed += good
        failed += bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
