# SPDX-License-Identifier: GPL-2.0-only
"""What the measurements share: building the modules, starting emulated hosts, results."""

import csv
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
TESTS = BENCH.parent
CACHE = Path(os.environ.get("MONOVISOR_CACHE", Path.home() / ".cache" / "monovisor"))
KERNEL = CACHE / "kernel" / "test"
VENDORS = ["svm", "vmx"]
# The vendor's CPU in Bochs
MODEL = {"svm": "ryzen", "vmx": "haswell"}
STOCK = {"svm": "kvm-amd.ko", "vmx": "kvm-intel.ko"}


def setup(vendor, guests=False, count=False):
    """Get what such a host needs; count: the Bochs that counts."""
    parts = ["packages", *(["guests"] if guests else []),
             *(["bochs"] if vendor == "vmx" or count else []), "kernel-test"]
    subprocess.run([TESTS / "rig" / "setup", *parts], check=True)
    if guests:
        subprocess.run([TESTS / "guests" / "mkinitrd"], check=True)
    if count:
        subprocess.run([BENCH / "count" / "setup"], check=True)


def build():
    """Build the modules. Return: the directory they are in."""
    done = subprocess.run([TESTS / "rig" / "build"], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1]


def make_clients():
    subprocess.run(["make", "-s", "-C", BENCH], check=True)


def run(vendor, load, command, timeout, counts=None):
    """
    Boot a host of this vendor, load what the options LOAD of run-l1 say, run the command.
    Return: what it printed. counts: (variable, file) for the counting Bochs. It ends with the
    file of MONOVISOR_BOOT, before the command does.
    """
    env = dict(os.environ)
    rig = []
    ends_with = None
    if counts:
        variable, path = counts
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        env.update({"MONOVISOR_CACHE": str(CACHE / "count"), variable: str(path.resolve())})
        rig = ["--rig", "bochs", "--model", MODEL[vendor]]
        ends_with = path if variable == "MONOVISOR_BOOT" else None
    line = [TESTS / "rig" / "run-l1", "--vendor", vendor, *rig, "--timeout", timeout, *load,
            "--", *command]
    # Of a host that is ended by intention, run-l1 complains.
    complaints = subprocess.PIPE if ends_with else None
    done = subprocess.run([str(word) for word in line], stdout=subprocess.PIPE,
                          stderr=complaints, text=True, errors="replace", check=False, env=env)
    if ends_with.exists() if ends_with else done.returncode == 0:
        return done.stdout
    sys.stdout.write(done.stdout + (done.stderr or ""))
    sys.exit(f"{os.path.basename(sys.argv[0])}: the host on {vendor} with {' '.join(load)} "
             f"failed ({done.returncode})")


def ratio(ours, stock):
    return f"{ours / stock:.2f}" if stock > 0 else "-"


def write_csv(path, head, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="ascii") as f:
        writer = csv.writer(f)
        writer.writerow(head)
        writer.writerows(rows)
