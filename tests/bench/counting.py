# SPDX-License-Identifier: GPL-2.0-only
"""Reads what the counting emulator (count/instrument.cc) wrote, and names addresses."""

import bisect
import re
import subprocess


def read_counts(path):
    """{(row, module): {kind: number}}, {(row, module): {address: number}}."""
    counts, profile = {}, {}
    for line in path.read_text().splitlines():
        words = line.split()
        if words[0] == "row":
            key = int(words[1]), int(words[3])
            counts[key] = {k: int(v) for k, v in zip(words[4::2], words[5::2])}
            profile[key] = {}
        else:
            profile[int(words[1]), int(words[2])][int(words[3], 16)] = int(words[4])
    return counts, profile


def sections(text):
    """{module number: {(file, section): address}} of what bench-l1 printed."""
    result = {}
    for line in text.splitlines():
        if line.startswith("section,"):
            _, number, module, section, address = line.split(",")[:5]
            result.setdefault(int(number), {})[module, section] = int(address, 16)
    return result


def module_files(kernel, modules):
    """{module: file}, of the kernel's build directory and ours."""
    kvm = kernel / "arch/x86/kvm"
    return {"kvm": kvm / "kvm.ko", "kvm-intel": kvm / "kvm-intel.ko",
            "kvm-amd": kvm / "kvm-amd.ko", "irqbypass": kernel / "virt/lib/irqbypass.ko",
            "monovisor-vmx": modules / "monovisor-vmx.ko",
            "monovisor-svm": modules / "monovisor-svm.ko"}


def functions(where, files, kernel):
    """Sorted [(address, name)] of the kernel and of the modules at these addresses."""
    found = []
    for line in (kernel / "System.map").read_text().splitlines():
        address, kind, name = line.split()
        if kind in "tTwW" and not name.startswith("__pfx_"):
            found.append((int(address, 16), name))
    for (module, section), base in where.items():
        text = subprocess.run(["objdump", "-t", "-j", section, files[module]], check=False,
                              capture_output=True, text=True).stdout
        for line in text.splitlines():
            m = re.match(r"([0-9a-f]{16}) .{5}[F ]. \S+\t[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
            if m and not m[2].startswith((".", "__pfx_")):
                found.append((base + int(m[1], 16), m[2]))
    return sorted(found)


def by_function(profile, symbols, exits):
    keys = [s[0] for s in symbols]
    total = {}
    for address, n in profile.items():
        i = bisect.bisect(keys, address) - 1
        name = symbols[i][1] if i >= 0 else "?"
        total[name] = total.get(name, 0) + n / exits
    return total
