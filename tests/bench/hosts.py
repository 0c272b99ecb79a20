# SPDX-License-Identifier: GPL-2.0-only
"""What the measurements share: building the modules, starting emulated hosts, ratios."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("MONOVISOR_CACHE", Path.home() / ".cache" / "monovisor"))
KERNEL = CACHE / "kernel" / "test"
VENDORS = ["svm", "vmx"]
STOCK = {"svm": "kvm-amd.ko", "vmx": "kvm-intel.ko"}


def setup(vendor, guests=False):
    """Get what such a host needs."""
    parts = ["packages", *(["guests"] if guests else []),
             *(["bochs"] if vendor == "vmx" else []), "kernel-test"]
    subprocess.run([TESTS / "rig" / "setup", *parts], check=True)
    if guests:
        subprocess.run([TESTS / "guests" / "mkinitrd"], check=True)


def build():
    """Build the modules. Return: the directory they are in."""
    done = subprocess.run([TESTS / "rig" / "build"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1]


def run(vendor, load, command, timeout):
    """
    Boot a host of this vendor, load what the options LOAD of run-l1 say, run the command.
    Return: what it printed.
    """
    line = [TESTS / "rig" / "run-l1", "--vendor", vendor, "--timeout", timeout, *load, "--", *command]
    done = subprocess.run([str(word) for word in line], stdout=subprocess.PIPE, text=True,
                          errors="replace", check=False)
    if done.returncode == 0:
        return done.stdout
    sys.stdout.write(done.stdout)
    sys.exit(f"{os.path.basename(sys.argv[0])}: the host on {vendor} with {' '.join(load)} "
             f"failed ({done.returncode})")


def ratio(ours, stock):
    return f"{ours / stock:.2f}" if stock > 0 else "-"
