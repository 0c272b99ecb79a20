# SPDX-License-Identifier: GPL-2.0-only
"""Proves properties of converted modules against the stock modules of the kernel.

It reads objects, not their making: symbols, relocations and sections of the
built modules, and the structs of the converted source.
"""

import collections
import os
import re
import struct
import subprocess
import sys

import tables
import tree as trees

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "checks"))
import elf              # noqa: E402  pylint: disable=wrong-import-position

# What a mitigation or the loader finds its places by; lost sections mean lost mitigations.
KEPT = (".return_sites", ".retpoline_sites", ".call_sites", ".ibt_endbr_seal", ".orc_unwind",
        "__mcount_loc", "__bug_table", ".cfi_sites")
STT_FUNC = 2


def base(name):
    """A function's name without what the compiler adds to copies and parts of it."""
    return re.sub(r"\.(constprop|isra|part|cold|lto_priv)(\.\d+)?", "", name)


class Module:
    """One module, or several that were one function's home together."""

    def __init__(self, *paths):
        self.thunks, self.calls = collections.Counter(), collections.defaultdict(set)
        self.symbols, self.sections = set(), set()
        self.static_calls, self.text = 0, 0
        for path in paths:
            self._read(elf.Object(path))
        self.exports = sum(s.startswith("__ksymtab_") for s in self.symbols)

    def _functions(self, obj):
        """section index -> sorted [(start, end, name)]"""
        found = collections.defaultdict(list)
        for table in (s for s in obj.sections if s.kind == 2):
            for at in range(table.offset, table.offset + table.size, 24):
                name, info, _, section, value, size = struct.unpack_from("<IBBHQQ", obj.data, at)
                label = elf.text(obj.data, obj.sections[table.link].offset + name)
                self.symbols.add(label)
                if info & 15 == STT_FUNC and size:
                    found[section].append((value, value + size, label))
        return {section: sorted(spans) for section, spans in found.items()}

    def _read(self, obj):
        functions = self._functions(obj)
        for number, section in enumerate(obj.sections):
            self.sections.add(section.name)
            if not section.flags & elf.SHF_EXECINSTR:
                continue
            self.text += section.size
            spans = functions.get(number, [])
            for reloc in obj.relocs(section.name):
                self._reloc(obj, functions, spans, reloc,
                            section.offset + reloc.offset)

    def _reloc(self, obj, functions, spans, reloc, at_file):
        caller = next((name for start, end, name in spans if start <= reloc.offset < end), "?")
        target = reloc.symbol
        if target in {s.name for s in obj.sections}:
            # A call within the file: the section and an offset, less the operand's size.
            at = reloc.value + reloc.addend + 4
            target = next((name for start, _, name in functions.get(reloc.section, [])
                           if start == at), target)
        # Only calls and jumps: a static call's name is an operand where it is set up.
        code = obj.data[at_file - 2:at_file]
        if code[1] not in (0xe8, 0xe9) and not (code[0] == 0x0f and code[1] & 0xf0 == 0x80):
            return
        if target.startswith("__x86_indirect_thunk"):
            self.thunks[base(caller)] += 1
        self.static_calls += target.startswith("__SCT__")
        self.calls[base(caller)].add(base(target))


class Judge:
    """Collects findings and prints a line for each thing that was looked at."""

    def __init__(self):
        self.bad = 0

    def say(self, good, text, details=()):
        print(f"{'ok  ' if good else 'FAIL'} {text}")
        for line in details:
            print(f"     {line}")
        self.bad += not good


def _structs(judge, output):
    """No ops struct may hold a pointer to a function."""
    tree = trees.Tree(output)
    structs = tables._structs(tree)     # pylint: disable=protected-access
    names = [n for n in structs if os.path.exists(
        os.path.join(output, "ops", f"{tables.Ops(n, '', 0, 0).subject}.h"))]
    left = [f"{n}.{m.name}" for n in names for m in structs[n].members.values()
            if m.kind == "op"]
    judge.say(not left and bool(names), f"{len(names)} ops structs without function pointers", left)


def _bindings(output, vendor):
    """op symbol -> functions its body calls, read from the ops headers."""
    found, folder = {}, os.path.join(output, "ops", vendor, "mono")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = file.read()
        for match in re.finditer(r"^static [^\n]*?(kvm_x86_\w+)\([^\n]*\)\n\{\n(.*?)^\}", text,
                                 re.M | re.S):
            found[match.group(1)] = set(re.findall(r"(\w+)\([^()]*\);", match.group(2)))
        for match in re.finditer(r"^#define (kvm_x86_\w+) (\w+)$", text, re.M):
            found[match.group(1)] = {match.group(2)}
    return found


def _homes(output):
    """function -> the files that define it"""
    homes = collections.defaultdict(set)
    for source in trees.Tree(output).sources():
        for func in source.functions:
            homes[func.name].add(source.name)
    return homes


def _edges(judge, stock, mono, output, vendor):
    """Each static call of stock is a call of the bound function, or was inlined."""
    bound, homes = _bindings(output, vendor), _homes(output)
    seen, inlined, missing = 0, 0, []
    for caller, targets in stock.calls.items():
        for target in sorted(targets):
            if not target.startswith("__SCT__kvm_x86_"):
                continue
            bodies = bound.get(target[len("__SCT__"):], set()) & mono.symbols
            if not bodies:
                continue            # the vendor lacks the op as configured: nothing is called
            seen += 1
            if mono.calls.get(caller, set()) & bodies:
                continue
            inlined += 1
            # In one file the compiler may inline the body; elsewhere a whole caller may be gone.
            together = homes[caller] & set().union(*(homes[b] for b in bodies))
            absent = caller not in {base(s) for s in mono.symbols}
            if not together and not absent and not caller.startswith("__traceiter"):
                missing.append(f"{caller}() does not call {'/'.join(sorted(bodies))}")
    judge.say(not missing, f"{vendor}: {seen} calls of ops in stock, "
              f"{seen - inlined} direct, {inlined} inlined", missing)


def _thunks(judge, stock, mono, vendor):
    grown = [f"{name}(): {stock.thunks[name]} -> {count}" for name, count in
             sorted(mono.thunks.items()) if count > stock.thunks[name]]
    total, before = sum(mono.thunks.values()), sum(stock.thunks.values())
    judge.say(total <= before, f"{vendor}: indirect calls {before} -> {total}, functions with "
              f"more than before: {len(grown)}", grown)


def vendor_check(judge, output, vendor, stock_paths, mono_path):
    stock, mono = Module(*stock_paths), Module(mono_path)
    left = sorted(s for s in mono.symbols if re.match(r"__SC[KT]__kvm_x86_", s))
    judge.say(not left, f"{vendor}: no static call of an op", left)
    judge.say(not mono.exports, f"{vendor}: exports {stock.exports} -> {mono.exports}")
    lost = sorted(set(KEPT) & stock.sections - mono.sections)
    judge.say(not lost, f"{vendor}: sections of mitigations and unwinding kept", lost)
    _thunks(judge, stock, mono, vendor)
    _edges(judge, stock, mono, output, vendor)
    print(f"     {vendor}: text {stock.text} -> {mono.text} bytes")


def build(output, kdir, jobs):
    """Build with warnings as errors; the log is kept."""
    with open(os.path.join(output, "build.log"), "w", encoding="utf-8") as log:
        return subprocess.run(["make", "-C", kdir, f"M={output}", f"-j{jobs}",
                               "KCFLAGS=-Werror"], stdout=log, stderr=log,
                              check=False).returncode


def run(output, kdir, stock, jobs):
    """Build, compare, and return the number of findings."""
    judge, output = Judge(), os.path.abspath(output)
    failed = build(output, kdir, jobs)
    judge.say(not failed, "both modules build without warnings", [output + "/build.log"] * failed
              if failed else [])
    _structs(judge, output)
    if failed:
        return judge.bad
    stock = stock or os.path.join(kdir, trees.KVM)
    for vendor, product in trees.VENDORS.items():
        paths = [os.path.join(stock, f"{name}.ko") for name in ("kvm", f"kvm-{product}")]
        if not all(map(os.path.exists, paths)):
            judge.say(False, f"no stock modules in {stock} to compare with")
            continue
        vendor_check(judge, output, vendor, paths, os.path.join(output, f"kvm-{product}-mono.ko"))
    return judge.bad
