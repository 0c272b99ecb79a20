# SPDX-License-Identifier: GPL-2.0-only
"""Where the kernel's build directory and source are, for checks that use its tools.

Not a check itself.
"""
import glob
import os

import tree

CACHE = os.environ.get("MONOVISOR_CACHE", os.path.expanduser("~/.cache/monovisor"))

KDIR_OPTION = ("--kdir", {"help": "kernel build directory (default: $KDIR, else the cached "
                                  "test kernel)"})
KSRC_OPTION = ("--ksrc", {"help": "kernel source with scripts/ (default: $KSRC, else what "
                                  "belongs to the build directory, else the cached source)"})


def kdir(args):
    places = [args.kdir, os.environ.get("KDIR"), os.path.join(CACHE, "kernel", "test")]
    for place in places:
        if place and os.path.exists(os.path.join(place, "Makefile")):
            return os.path.abspath(place)
    return tree.cannot("no kernel build directory: set KDIR, or run tests/rig/setup")


def ksrc(args, needed):
    """A kernel source that has the file @needed."""
    places = [args.ksrc, os.environ.get("KSRC"),
              os.path.join(os.environ.get("KDIR", "/nowhere"), "source"),
              *sorted(glob.glob(os.path.join(CACHE, "src", "linux-source-*")), reverse=True)]
    for place in places:
        if place and os.path.exists(os.path.join(place, needed)):
            return os.path.abspath(place)
    return tree.cannot(f"no kernel source with {needed}: set KSRC, or run tests/rig/setup")
