# SPDX-License-Identifier: GPL-2.0-only
"""Proves properties of converted modules against the stock modules of the kernel.

It reads objects, not their making: symbols, relocations and sections of the
built modules, and the structs of the converted source.
"""

import collections
import json
import os
import re
import shutil
import struct
import subprocess
import sys

import kbuild
import sites
import tables
import tree as trees

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "checks"))
import elf              # noqa: E402  pylint: disable=wrong-import-position

# What a mitigation or the loader finds its places by; lost sections mean lost mitigations.
KEPT = (".return_sites", ".retpoline_sites", ".call_sites", ".ibt_endbr_seal", ".orc_unwind",
        "__mcount_loc", "__bug_table", ".cfi_sites")
STT_FUNC = 2
ENDBR = b"\xf3\x0f\x1e\xfa"


def base(name):
    """A function's name without what the compiler adds to copies and parts of it."""
    return re.sub(r"\.(constprop|isra|part|cold|lto_priv)(\.\d+)?", "", name)


class Module:
    """One module, or several that were one function's home together."""

    def __init__(self, *paths):
        self.thunks, self.calls = collections.Counter(), collections.defaultdict(set)
        self.symbols, self.sections = set(), set()
        self.endbr, self.plain_returns = set(), collections.Counter()
        self.reached = set()        # functions that may be called through a pointer
        self.returns, self.return_sites = 0, 0
        self.static_calls, self.text = 0, 0
        for path in paths:
            self._read(elf.Object(path))
            self._returns(path)
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
                    if info >> 4:
                        self.reached.add(base(label))
        return {section: sorted(spans) for section, spans in found.items()}

    def _branch_targets(self, obj, functions):
        for number, spans in functions.items():
            at = obj.sections[number].offset
            self.endbr |= {base(name) for start, _, name in spans
                           if obj.data[at + start:at + start + 4] == ENDBR}

    def _returns(self, path):
        """Returns that go through no thunk, by function."""
        name, listing = "", subprocess.run(
            ["objdump", "-d", "-w", "--no-show-raw-insn", path], capture_output=True, text=True,
            check=True).stdout
        for line in listing.splitlines():
            head = re.match(r"[0-9a-f]+ <([^>]+)>:", line)
            if head:
                name = base(head.group(1))
            elif re.search(r"\t(bnd )?ret[q]?\b", line):
                self.plain_returns[name] += 1

    def _read(self, obj):
        functions = self._functions(obj)
        self._branch_targets(obj, functions)
        for number, section in enumerate(obj.sections):
            self.sections.add(section.name)
            if section.name == ".return_sites":
                self.return_sites += section.size // 4
            if re.match(r"\.(init\.)?(ro)?data", section.name):
                for reloc in obj.relocs(section.name):
                    self._taken(functions, reloc, (0,))
            if not section.flags & elf.SHF_EXECINSTR:
                continue
            self.text += section.size
            spans = functions.get(number, [])
            for reloc in obj.relocs(section.name):
                self._reloc(obj, functions, spans, reloc,
                            section.offset + reloc.offset)

    def _taken(self, functions, reloc, offsets):
        """An address of a function, as an operand or in data."""
        places = {reloc.value + reloc.addend + offset for offset in offsets}
        self.reached |= {base(name) for start, _, name in functions.get(reloc.section, ())
                         if start in places}

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
            self._taken(functions, reloc, (0, 4))
            return
        if target.startswith("__x86_indirect_thunk"):
            self.thunks[base(caller)] += 1
        self.returns += target == "__x86_return_thunk"
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
    """function -> what it is compiled with: the files that define it, or the unit of many"""
    homes = collections.defaultdict(set)
    with open(os.path.join(output, "Kbuild"), encoding="utf-8") as file:
        one_unit = kbuild.UNIT in file.read()
    for source in trees.Tree(output).sources():
        inside = one_unit and source.name.startswith(trees.KVM + "/")
        for func in source.functions:
            homes[func.name].add(trees.KVM if inside else source.name)
    return homes


class Edges:
    """The verdict on (caller, op) pairs of stock at one vendor."""

    def __init__(self, mono, output, vendor):
        self.mono, self.bound, self.homes = mono, _bindings(output, vendor), _homes(output)
        self.names = {base(s) for s in mono.symbols}
        # A part that was split off is not the function: its head may be inlined.
        self.whole = {base(s) for s in mono.symbols if not re.search(r"\.(part|cold)\b", s)}
        self.called = set().union(*mono.calls.values())
        self.seen = self.direct = self.inlined = 0
        self.missing = []

    def look(self, caller, op, sure=True):
        """A pair; not `sure` is one that may not be compiled in this configuration."""
        bodies = self.bound.get(op, set()) & self.names
        if not bodies:
            return              # the vendor lacks the op as configured: nothing is called
        calls = self.mono.calls.get(caller, set())
        if op in calls:             # the op itself was not inlined
            calls = calls | self.mono.calls.get(op, set())
        if calls & bodies:
            self.seen, self.direct = self.seen + 1, self.direct + 1
            return
        # In one file the compiler may inline the body; elsewhere a whole caller may be gone.
        together = self.homes[caller] & set().union(*(self.homes[b] for b in bodies))
        inlined = together or (bodies & self.called and
                               (caller not in self.whole or caller.startswith("__traceiter")))
        self.seen += bool(sure or inlined)
        self.inlined += bool(inlined)
        if sure and not inlined:
            self.missing.append(f"{caller}() does not call {'/'.join(sorted(bodies))}")


def source_edges(root):
    """(function, op, whether without condition) of each call of an op in a stock tree."""
    tree = trees.Tree(root)
    all_ops, lists = tables.derive(tree)
    macros = sites.call_macros(tree)
    finder = sites.Finder(all_ops, {name: macro[0] for name, macro in macros.items()})
    for source in tree.sources():
        if source.name in lists:
            continue
        skip = [tuple(b) for b in sites.op_list_blocks(tree, lists, [source])
                .get(source.name, ())]
        skip += [(start, end) for name, start, end in source.directives
                 if name == "define" and source.tokens[start + 2].text in macros]
        for site in finder.find(source, skip):
            if site.kind in sites.CALLS and site.plain:
                yield (source.name, site.function, site.ops.prefix + site.op,
                       not site.cond and source.name.endswith(".c"))


def _edges(judge, stock, mono, output, vendor, pristine):
    """Each call of an op in stock is a call of the bound function, or was inlined."""
    edges = Edges(mono, output, vendor)
    for caller, targets in sorted(stock.calls.items()):
        for target in sorted(targets):
            if target.startswith("__SCT__kvm_x86_"):
                edges.look(caller, target[len("__SCT__"):])
    judge.say(not edges.missing, f"{vendor}: {edges.seen} (function, op) pairs in stock's code, "
              f"{edges.direct} direct, {edges.inlined} inlined", edges.missing)
    edges = Edges(mono, output, vendor)
    for name, caller, op, sure in sorted(set(source_edges(pristine))):
        if trees.vendor_of(name) in (None, vendor):
            edges.look(caller, op, sure)
    judge.say(not edges.missing and edges.seen > 0,
              f"{vendor}: {edges.seen} (function, op) pairs in stock's source, "
              f"{edges.direct} direct, {edges.inlined} inlined", edges.missing)


def _inlined(name, stock, mono):
    """What stock's function calls, and what that calls in turn, and the converted does not:
    functions that may have become part of it."""
    found, new = set(), {name}
    while new:
        new = {callee for caller in new for callee in stock.calls.get(caller, ())
               if callee not in mono.calls.get(name, ())} - found - {name}
        found |= new
    return found


def _thunks(judge, stock, mono, vendor):
    """Per function; one that has grown must have taken in functions that lost as many."""
    grown, moved = [], 0
    for name, count in sorted(mono.thunks.items()):
        more = count - stock.thunks[name]
        if more <= 0:
            continue
        given = sum(max(0, stock.thunks[f]) for f in _inlined(name, stock, mono))
        moved += 1
        if more > given:
            grown.append(f"{name}(): {stock.thunks[name]} -> {count}")
    total, before = sum(mono.thunks.values()), sum(stock.thunks.values())
    judge.say(total <= before and not grown,
              f"{vendor}: indirect calls {before} -> {total}, in no function more than before "
              f"but in {moved} that took in others", grown)


def _mitigations(judge, stock, mono, vendor):
    """Returns through their thunk and listed, branch targets and padding where they were."""
    more = [f"{name}(): {stock.plain_returns[name]} -> {count} returns" for name, count in
            sorted(mono.plain_returns.items()) if count > stock.plain_returns[name]]
    judge.say(not more, f"{vendor}: returns without a thunk "
              f"{sum(stock.plain_returns.values())} -> {sum(mono.plain_returns.values())}", more)
    judge.say(mono.returns == mono.return_sites and bool(mono.returns) == bool(stock.returns),
              f"{vendor}: {mono.returns} returns through the thunk, {mono.return_sites} listed")
    names = {base(s) for s in mono.symbols}
    # Only what a pointer can reach needs one; handlers that a switch calls do not.
    bare = sorted((stock.endbr & mono.reached) - mono.endbr)
    judge.say(not bare, f"{vendor}: functions that begin with ENDBR {len(stock.endbr)} -> "
              f"{len(mono.endbr)}, none that needs it is without", bare)
    padded = {base(s[6:]) for s in stock.symbols if s.startswith("__pfx_")}
    now = {base(s[6:]) for s in mono.symbols if s.startswith("__pfx_")}
    bare = sorted((padded & names) - now)
    judge.say(not bare, f"{vendor}: functions with padding {len(padded)} -> {len(now)}, "
              "none of stock's lost", bare)


def vendor_check(judge, output, vendor, stock_paths, mono_path, pristine):
    stock, mono = Module(*stock_paths), Module(mono_path)
    left = sorted(s for s in mono.symbols if re.match(r"__SC[KT]__kvm_x86_", s))
    judge.say(not left, f"{vendor}: no static call of an op", left)
    judge.say(not mono.exports, f"{vendor}: exports {stock.exports} -> {mono.exports}")
    lost = sorted(set(KEPT) & stock.sections - mono.sections)
    judge.say(not lost, f"{vendor}: sections of mitigations and unwinding kept", lost)
    _mitigations(judge, stock, mono, vendor)
    _thunks(judge, stock, mono, vendor)
    _edges(judge, stock, mono, output, vendor, pristine)
    figures = {kind: {"indirect calls": sum(m.thunks.values()), "static calls": m.static_calls,
                      "exports": m.exports, "text bytes": m.text}
               for kind, m in (("stock", stock), ("mono", mono))}
    print(f"     {vendor}: " + ", ".join(f"{name} {now} -> {figures['mono'][name]}"
                                         for name, now in figures["stock"].items()))
    return figures


def build(output, kdir, jobs, flags="-Werror"):
    """Build with warnings as errors; the log is kept.  True if it ends well."""
    with open(os.path.join(output, "build.log"), "w", encoding="utf-8") as log:
        return not subprocess.run(["make", "-C", kdir, f"M={output}", f"-j{jobs}",
                                   f"KCFLAGS={flags}"], stdout=log, stderr=log,
                                  check=False).returncode


def warnings(folder):
    """What the compiler, objtool and modpost said, without the place."""
    with open(os.path.join(folder, "build.log"), encoding="utf-8", errors="replace") as log:
        return [line.strip() for line in log if re.search(r"\b(warning|WARNING|error|ERROR):",
                                                           line)]


def pristine_tree(output):
    """The first step of the output, which is stock KVM, in a folder of its own."""
    folder = os.path.join(output, ".stock")
    if not os.path.exists(os.path.join(folder, "Kbuild")):
        first = subprocess.run(["git", "-C", output, "rev-list", "--max-parents=0", "HEAD"],
                               check=True, capture_output=True, text=True).stdout.strip()
        os.makedirs(folder, exist_ok=True)
        archive = subprocess.run(["git", "-C", output, "archive", first], check=True,
                                 capture_output=True).stdout
        subprocess.run(["tar", "-C", folder, "-xf", "-"], input=archive, check=True)
    for name in ("mono-config.h", "mono-config.mk"):
        if os.path.exists(os.path.join(output, name)):
            shutil.copy(os.path.join(output, name), folder)
        elif os.path.exists(os.path.join(folder, name)):
            os.unlink(os.path.join(folder, name))
    return folder


def build_both(judge, output, kdir, jobs):
    """True if the converted modules build, without a warning."""
    good = build(output, kdir, jobs)
    said = warnings(output)
    judge.say(good and not said, "both modules build without warnings",
              said[:20] or [f"see {output}/build.log"] * (not good))
    return good


def run(output, kdir, stock, jobs):
    """Build, compare, and return the number of findings."""
    judge, output = Judge(), os.path.abspath(output)
    _structs(judge, output)
    if not build_both(judge, output, kdir, jobs):
        return judge.bad
    pristine = pristine_tree(output)
    if not stock:
        stock = pristine
        if not build(pristine, kdir, jobs, ""):
            judge.say(False, f"stock does not build: see {pristine}/build.log")
            return judge.bad
    figures = {}
    for vendor, product in trees.VENDORS.items():
        paths = [os.path.join(stock, f"{name}.ko") for name in ("kvm", f"kvm-{product}")]
        if not all(map(os.path.exists, paths)):
            judge.say(False, f"no stock modules in {stock} to compare with")
            continue
        figures[vendor] = vendor_check(judge, output, vendor, paths, os.path.join(
            output, f"kvm-{product}-mono.ko"), pristine)
    with open(os.path.join(output, "figures.json"), "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=1)
    return judge.bad
