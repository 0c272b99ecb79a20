# SPDX-License-Identifier: GPL-2.0-only
"""The steps of the conversion, each a commit of the output that builds."""

import os
import re
import subprocess

import emit
import facts
import kbuild
import lex
import rewrite
import sites
import tables
import tree as trees

EXPORTS = ("EXPORT_SYMBOL", "EXPORT_SYMBOL_GPL", "EXPORT_STATIC_CALL", "EXPORT_STATIC_CALL_GPL",
           "EXPORT_PER_CPU_SYMBOL", "EXPORT_PER_CPU_SYMBOL_GPL",
           "EXPORT_TRACEPOINT_SYMBOL_GPL", "MODULE_ALIAS", "MODULE_ALIAS_MISCDEV")


class Git:
    """The repository of the output."""

    def __init__(self, root):
        self.root = root
        self.run("init", "-q")

    def run(self, *arguments):
        return subprocess.run(
            ["git", "-C", self.root, "-c", "user.name=monolithize",
             "-c", "user.email=monolithize@localhost", "-c", "commit.gpgsign=false",
             "-c", "core.autocrlf=false", "-c", "gc.auto=0"] + list(arguments),
            check=True, capture_output=True, text=True).stdout

    def commit(self, subject, body):
        self.run("add", "-A")
        if self.run("status", "--porcelain"):
            self.run("commit", "-q", "-m", subject, "-m", body)


class Conversion:
    """State that the steps share."""

    def __init__(self, original, output, patches, report):
        self.original = trees.Tree(original)
        self.report, self.patches = report, patches
        self.git = Git(output)
        self._import(output)
        self.tree = trees.Tree(output, original)
        self._derive()

    def _import(self, output):
        copy = trees.Tree.__new__(trees.Tree)
        copy.root, copy.input, copy._sources = output, output, {}
        for name in self.original.names:
            copy.write(name, self.original.read(name))
        lists = kbuild.objects(self.original, self.report)
        self.lists = "\n".join(["# Made by monolithize from the tree's Makefile."] + lists) + "\n"
        copy.write("objects.mk", self.lists)
        copy.write("Makefile", kbuild.MAKEFILE)
        copy.write(".gitignore", "*.o\n*.ko\n*.mod\n*.mod.c\n*.cmd\n*.s\n.tmp_versions/\n"
                   "Module.symvers\nmodules.order\nreport.txt\nkvm-asm-offsets.h\nmono-config.*\nbuild.log\nfigures.json\nunit.*.c\n.stock/\n")
        copy.write("Kbuild", kbuild.TOP + kbuild.non_standard(self.original) + kbuild.STOCK)
        self.git.commit("import KVM as it is",
                        "The three stock modules, built outside of the kernel's tree.")

    def _derive(self):
        """Learn the ops of the tree and all sites, before anything changes."""
        tree = self.tree
        self.all_ops, self.op_lists = tables.derive(tree)
        self.macros = sites.call_macros(tree)
        prefixes = {name: macro[0] for name, macro in self.macros.items()}
        self.finder = sites.Finder(self.all_ops, prefixes)
        self.sites = {name: self.find(tree.source(name)) for name in tree.code()}
        tables.learn(self.all_ops, [s for found in self.sites.values() for s in found])
        self.facts = facts.Facts(tree, self.all_ops)

    def find(self, source, kinds=None):
        if source.name in self.op_lists:
            return []
        skip = [tuple(b) for b in sites.op_list_blocks(self.tree, self.op_lists, [source])
                .get(source.name, ())]
        skip += [(start, end) for name, start, end in source.directives
                 if name == "define" and source.tokens[start + 2].text in self.macros]
        return [s for s in self.finder.find(source, skip) if not kinds or s.kind in kinds]

    def parameters(self):
        names = {m.name for ops in self.all_ops.values() for m in ops.ops()}
        symbols = {ops.prefix + m.name for ops in self.all_ops.values() for m in ops.ops()}
        return {"ops": names, "symbols": symbols, "structs": set(self.all_ops)}

    def patch(self, name):
        return rewrite.Patch(self.patches, name, self.parameters())

    def convert(self, kinds, names):
        """Convert all sites of some kinds and report each with its line of the input."""
        found = {name: self.find(self.tree.source(name), kinds) for name in self.tree.code()}
        for name, now in found.items():
            first = [s for s in self.sites[name] if s.kind in kinds]
            if [s.op for s in first] != [s.op for s in now]:
                raise lex.Error(name, 0, "a step before lost or made sites")
            for site, origin in zip(now, first):
                site.first_line = origin.line
        rewrite.convert(self.tree, [self.patch(n) for n in names], found,
                        lambda source: self.find(source, kinds))
        for now in found.values():
            for site in now:
                self.report.site(site, site.first_line)
        return any(found.values())


def change(conv, name, changes):
    if changes:
        conv.tree.write(name, lex.edit(conv.tree.source(name).text, changes))


def line_span(source, start, end):
    """Character range of tokens [start, end), with their line where nothing else is on it."""
    first, last, text = source.tokens[start].pos, source.tokens[end - 1].end, source.text
    bol = text.rfind("\n", 0, first) + 1
    eol = text.find("\n", last)
    eol = len(text) if eol < 0 else eol + 1
    if not text[bol:first].strip() and not text[last:eol].strip():
        return bol, eol
    return first, last


# -- one module per vendor ---------------------------------------------------

def _lone_macros(source, wanted):
    """(start, end, name) of NAME(...); outside of functions."""
    tokens = source.tokens
    for at, tok in enumerate(tokens[:-3]):
        if tok.macro or tok.kind != "name" or tokens[at + 1].text != "(" or \
           not wanted(tok.text) or source.function_at(at):
            continue
        end = source.close(at + 1) + 1
        if end < len(tokens) and tokens[end].text == ";":
            end += 1
        yield at, end, tok.text


def _exports(source):
    """(start, end) of each export and alias, as characters and as tokens."""
    for at, end, name in _lone_macros(source, lambda n: n.startswith(("EXPORT_", "MODULE_ALIAS"))):
        if name not in EXPORTS:
            raise lex.Error(source.name, source.tokens[at].line, f"{name} is not known")
        yield (*line_span(source, at, end), ""), at, end


def drop_exports(conv):
    tree, wanted = conv.tree, {}
    for source in tree.sources():
        gone = list(_exports(source))
        for _, at, end in gone:
            conv.report.add(source.name, source.tokens[at].line, "export",
                            source.words(at, end), "dropped", "modules")
        if gone:
            wanted[source.name] = lex.edit(source.text, [g[0] for g in gone])
    conv.patch("modules").apply(tree, sorted(wanted))
    for name, text in wanted.items():
        left = list(_exports(tree.source(name)))
        for _, at, end in left:
            conv.report.note(f"{name}: Coccinelle left {tree.source(name).words(at, end)}, "
                             "which stands beside a declaration it cannot parse; dropped by tokens")
        change(conv, name, [g[0] for g in left])
        rewrite.same_tokens(name, tree.read(name), text)


def trace_paths(conv):
    """Trace headers include themselves by a path that leads to the stock tree."""
    for source in conv.tree.sources():
        for name, start, end in source.directives:
            toks = source.tokens[start:end]
            if name == "define" and len(toks) > 3 and toks[2].text == "TRACE_INCLUDE_PATH":
                folder = os.path.dirname(source.name)
                path = os.path.relpath(folder, trees.KVM)
                path = path if path != "." else "../kvm"
                if source.name.startswith(trees.KVM):
                    change(conv, source.name, [(toks[3].pos, toks[-1].end, path)])
                    conv.report.add(source.name, toks[0].line, "trace", "TRACE_INCLUDE_PATH",
                                    path, "tokens")


def merge_inits(conv):
    """A module has one init function: where there were two, call one after the other."""
    found = {None: {}, "vmx": {}, "svm": {}}
    places = []
    for source in conv.tree.sources():
        for at, end, name in _lone_macros(source, lambda n: n in ("module_init", "module_exit")):
            vendor, func = trees.vendor_of(source.name), source.tokens[at + 2].text
            if name in found[vendor]:
                raise lex.Error(source.name, source.tokens[at].line, f"a second {name}")
            found[vendor][name] = func
            places.append((source.name, at, end, name, func, vendor))
    if not found[None]:
        return
    for name, at, end, kind, func, vendor in places:
        source = conv.tree.source(name)
        conv.report.add(name, source.tokens[at].line, kind, func, "called by mono_init.c", "tokens")
    for file in sorted({p[0] for p in places}):
        source, changes = conv.tree.source(file), []
        for name, at, end, kind, func, vendor in places:
            if name == file:
                changes += [(*line_span(source, at, end), "")]
                changes += _exposed(source, func, vendor is None and kind == "module_exit")
        change(conv, file, changes)
    for vendor, product in trees.VENDORS.items():
        conv.tree.write(f"{trees.KVM}/{vendor}/mono_init.c", _init_file(found, vendor))
        conv.lists += f"kvm-{product}-y += {vendor}/mono_init.o\n"
    conv.tree.write("objects.mk", conv.lists)


def _exposed(source, name, also_at_init):
    func = next((f for f in source.functions if f.name == name), None)
    if not func:
        raise lex.Error(source.name, 0, f"{name}() is not defined where it is registered")
    head = [t for t in source.tokens[func.start:func.body]
            if t.text != "static" and not (also_at_init and t.text == "__exit")]
    text = " ".join(t.text for t in head)
    text = re.sub(r"\s*([()])\s*", r"\1", text)
    return [(source.tokens[func.start].pos, source.tokens[func.body - 1].end, f"{text};\n\n{text}")]


def _init_file(found, vendor):
    first, then = found[None], found[vendor]
    undo = (f"\tif (ret)\n\t\t{first['module_exit']}();\n" if "module_exit" in first else "")
    exits = [f"\t{f['module_exit']}();\n" for f in (then, first) if "module_exit" in f]
    return f"""// SPDX-License-Identifier: GPL-2.0-only
/* Made by monolithize. What two modules did when they were loaded, in their order. */
#include <linux/init.h>
#include <linux/module.h>

int {first['module_init']}(void);
int {then['module_init']}(void);
""" + "".join(f"void {f['module_exit']}(void);\n" for f in (first, then) if "module_exit" in f) + f"""
static int __init mono_init(void)
{{
	int ret = {first['module_init']}();

	if (ret)
		return ret;
	ret = {then['module_init']}();
{undo}	return ret;
}}
module_init(mono_init);

static void __exit mono_exit(void)
{{
{''.join(exits)}}}
module_exit(mono_exit);
"""


def modules(conv):
    drop_exports(conv)
    trace_paths(conv)
    merge_inits(conv)
    conv.tree.write("Kbuild", kbuild.TOP + kbuild.non_standard(conv.tree) + kbuild.MONO)
    conv.tree.write("ops/vendor.h", emit.VENDOR)
    conv.git.commit("build one module per vendor",
                    "Common code is compiled once for each. Nothing is exported any more.")


# -- direct calls ------------------------------------------------------------

def free_names(conv):
    """Rename what bears the name of an op, unless it is the op's static call."""
    taken = {}
    for ops in conv.all_ops.values():
        for member in ops.ops():
            for name in (ops.prefix + member.name, ops.has(member.name),
                         f"{ops.prefix}{member.name}_ptr"):
                if name in taken:
                    raise lex.Error(ops.source, member.line, f"two ops would be called {name}")
                taken[name] = member.name
    for source in conv.tree.sources():
        changes = []
        for at, tok in enumerate(source.tokens):
            if tok.text not in taken or tok.kind != "name":
                continue
            before = source.tokens[at - 2].text.lower() if at > 1 else ""
            if "static_call" in before and source.tokens[at - 1].text == "(":
                continue
            changes.append((tok.pos, tok.end, tok.text + "_common"))
            conv.report.add(source.name, tok.line, "name", tok.text, tok.text + "_common", "tokens")
        change(conv, source.name, changes)
    _separate(conv)
    conv.git.commit("give way to the ops' names",
                    "Functions that are called like an op get another name, and so do the "
                    "bound functions of a file that bear the name of another file's.")


def _separate(conv):
    """Bound functions become visible; one that has a namesake in the module is renamed."""
    homes = {}
    for source in conv.tree.sources():
        for func in source.functions:
            homes.setdefault(func.name, set()).add(source.name)
    for file, names in conv.facts.hidden.items():
        vendor = trees.vendor_of(file)
        for name in sorted(names):
            rivals = [f for f in homes[name] - {file} if trees.vendor_of(f) in (None, vendor)]
            if rivals:
                new = f"{vendor}_{name}"
                if new in homes:
                    raise lex.Error(file, 0, f"{name} is also in {rivals[0]}, and {new} is taken")
                _rename(conv, file, name, new)
                conv.facts.rename(file, name, new, conv.all_ops)


def _rename(conv, file, old, new):
    source = conv.tree.source(file)
    spots = [tok for at, tok in enumerate(source.tokens) if tok.text == old and
             source.tokens[at - 1].text not in (".", "->")]
    for tok in spots:
        conv.report.add(file, tok.line, "name", old, new, "tokens")
    change(conv, file, [(tok.pos, tok.end, new) for tok in spots])


def _include_at(conv, ops):
    """Where the ops header goes: after the struct and the variable in use are declared."""
    source = conv.tree.source(ops.source)
    tokens, best = source.tokens, None
    root = ops if ops.live_variable else conv.all_ops[tables.ROOT]
    for at, tok in enumerate(tokens[:-4]):
        if tok.text != "struct" or tok.macro:
            continue
        if tokens[at + 1].text == ops.name and tokens[at + 2].text == "{":
            best = max(best or 0, source.close(at + 2) + 2)
        elif root.live_variable and tokens[at - 1].text == "extern" and \
                tokens[at + 2].text == root.live_variable[0] and tokens[at + 3].text == ";":
            best = max(best or 0, at + 4)
    return tokens[best - 1].end


def headers(conv, pointers, constants=False):
    for ops in conv.all_ops.values():
        conv.tree.write(f"ops/{ops.subject}.h",
                        emit.prototypes(ops, conv.facts, pointers, constants))
        for vendor in trees.VENDORS:
            conv.tree.write(f"ops/{vendor}/mono/{ops.subject}.h",
                            emit.bodies(ops, vendor, conv.facts, pointers, constants))


def _inline_bodies(conv):
    """Ops bound to a header's inline get a function beside the binding."""
    for ops in conv.all_ops.values():
        for (vendor, op), bindings in ops.bindings.items():
            inlines = [b for b in bindings if b.func in conv.facts.inlines]
            if len({b.func for b in inlines}) > 1:
                raise lex.Error(inlines[0].where, inlines[0].line, f"two inlines for {op}")
            for b in inlines:
                # The file that binds it sees the inline; a header may be several files'.
                member = ops.members[op]
                home = b.where if b.where.endswith(".c") else ops.homes[vendor]
                call = f"{b.func}({', '.join(n for _, n in member.params)});"
                call = call if member.returns == "void" else "return " + call
                head = emit._signature(ops, member, f"{ops.prefix}{op}_body", "")
                lines = emit._if(b.cond, ["", head, "{", f"\t{call}", "}"])
                conv.tree.write(home, conv.tree.read(home) + "\n".join(lines) + "\n")
                conv.report.add(b.where, b.line, "inline", b.func, f"{ops.prefix}{op}_body",
                                "tokens")


def expose(conv):
    """Make the bound functions and the live structs visible to the ops headers."""
    for name in conv.tree.code():
        source = conv.tree.source(name)
        names = conv.facts.hidden.get(name, set())
        if names:
            change(conv, name, facts.without_static(source, names))
            for func in sorted(names):
                conv.report.add(name, 0, "static", func, "visible in the module", "tokens")
    for ops in conv.all_ops.values():
        if ops.live_variable and ops.live_variable[1] in conv.facts.exposed_variables:
            source = conv.tree.source(ops.live_variable[1])
            for at, tok in enumerate(source.tokens[:-2]):
                if tok.text == ops.name and source.tokens[at + 1].text == ops.live_variable[0]:
                    static = source.tokens[at - 2]
                    change(conv, source.name, [(static.pos, static.end + 1, "")])
                    break


def unused_pointers(conv, structs):
    """Drop locals that only served calls which are direct now."""
    wanted = {}
    for source in conv.tree.sources():
        tokens, gone = source.tokens, []
        for at, tok in enumerate(tokens[:-5]):
            # struct S * name =
            if tok.text != "struct" or tokens[at + 1].text not in structs or \
               tokens[at + 2].text != "*" or tokens[at + 4].text != "=":
                continue
            func = source.function_at(at)
            name = tokens[at + 3].text
            if not func or sum(tokens[i].text == name and tokens[i - 1].text not in (".", "->")
                               for i in range(func.start, func.end)) > 1:
                continue
            end = next(i for i in range(at, func.end) if tokens[i].text == ";") + 1
            at -= tokens[at - 1].text == "const"
            gone.append((*line_span(source, at, end), ""))
            conv.report.add(source.name, tok.line, "unused", source.words(at, end), "dropped",
                            "unused")
        if gone:
            wanted[source.name] = lex.edit(source.text, gone)
    if wanted:
        patch = rewrite.Patch(conv.patches, "unused", {"structs": structs})
        patch.apply(conv.tree, sorted(wanted))
    for name, text in wanted.items():
        rewrite.same_tokens(name, conv.tree.read(name), text)


def direct_calls(conv):
    headers(conv, True)
    places = {}
    for ops in conv.all_ops.values():
        places.setdefault(ops.source, {}).setdefault(_include_at(conv, ops), []).append(ops)
    for name, at in places.items():
        change(conv, name, [(pos, pos, "".join(f"\n#include <ops/{o.subject}.h>" for o in
                                              sorted(group, key=lambda o: o.name)))
                            for pos, group in at.items()])
    expose(conv)
    _inline_bodies(conv)
    conv.git.commit("bind the ops by the compiler",
                    "ops/ declares each op as a function, with a body for each vendor. "
                    "Nothing calls them yet.")
    conv.convert(("static-call", "macro-call"), ["static-call", "macro-call"])
    conv.git.commit("make static calls of ops direct", "")
    conv.convert(("pointer-call",), ["pointer-call"])
    unused_pointers(conv, set(conv.all_ops))
    conv.git.commit("make calls through the ops structs direct", "")


# -- the tables --------------------------------------------------------------

def _drop_op_lists(conv):
    for name, blocks in sites.op_list_blocks(conv.tree, conv.op_lists).items():
        source = conv.tree.source(name)
        changes = [(*line_span(source, a, b), "") for a, b in blocks]
        for start, _ in blocks:
            conv.report.add(name, 0, "op-list", source.words(start, start + 6), "dropped", "tokens")
        change(conv, name, changes)
    for macro, (_, name, _, _) in conv.macros.items():
        source = conv.tree.source(name)
        span = next((s, e) for n, s, e in source.directives
                    if n == "define" and source.tokens[s + 2].text == macro)
        change(conv, name, [(*line_span(source, *span), "")])
        conv.report.add(name, 0, "call-macro", macro, "dropped", "tokens")
    for name in conv.op_lists:
        os.unlink(conv.tree.path(name))
        conv.tree.names.remove(name)


def _struct_members(conv, ops):
    source, changes = conv.tree.source(ops.source), []
    for at, tok in enumerate(source.tokens[:-2]):
        if tok.text == "struct" and source.tokens[at + 1].text == ops.name and \
           source.tokens[at + 2].text == "{":
            for member in tables._struct(source, at + 2)[0].values():
                if ops.members[member.name].kind != "op":
                    continue
                selector = member.name in ops.needs_selector
                changes.append((*line_span(source, *member.span),
                                f"\tu8 has_{member.name};\n" if selector else ""))
                conv.report.add(ops.source, ops.members[member.name].line, "member",
                                f"{ops.name}.{member.name}",
                                f"has_{member.name}" if selector else "dropped", "tokens")
    change(conv, ops.source, changes)


def _initialisers(conv, ops):
    for vendor, variable in ops.variables.items():
        for name in conv.tree.code():
            source = conv.tree.source(name)
            at = next((i for i, t in enumerate(source.tokens[:-3])
                       if t.text == ops.name and source.tokens[i + 1].text == variable and
                       "=" in [x.text for x in source.tokens[i + 2:i + 4]]), None)
            if at is None or trees.vendor_of(name) != vendor:
                continue
            brace = next(i for i in range(at, len(source.tokens)) if source.tokens[i].text == "{")
            changes = []
            for member, start, stop, value in tables.entries(source, brace):
                if ops.members[member].kind != "op":
                    continue
                keep = member in ops.needs_selector and value != ["NULL"]
                new = f"has_{member} = {ops.prefix}{member}_is_{value[0]}"
                changes.append((*line_span(source, start, stop), f"\t.{new},\n" if keep else ""))
            for b in (b for (v, _), bs in ops.bindings.items() if v == vendor for b in bs):
                if not b.assigned:
                    conv.report.add(b.where, b.line, "binding", b.func, "ops/", "tokens")
            change(conv, name, changes)


def no_tables(conv):
    kinds = ("clear", "assign", "compare", "value", "test", "equal-null", "unequal-null")
    conv.convert(kinds, ["alter", "value", "test"])
    _drop_op_lists(conv)
    for ops in conv.all_ops.values():
        _struct_members(conv, ops)
        _initialisers(conv, ops)
    headers(conv, False)
    leftovers(conv)
    conv.git.commit("drop the tables of ops",
                    "Where an op is tested or altered at run time, a selector takes the "
                    "pointer's place; all else is gone.")


def leftovers(conv):
    """Nothing of the old forms may be left."""
    for source in conv.tree.sources():
        for at, tok in enumerate(source.tokens[:-2]):
            follows = source.tokens[at + 2].text
            if re.match(r"(DEFINE_|DECLARE_|EXPORT_)?static_call", tok.text, re.I) and \
               follows.startswith("kvm_x86"):
                raise lex.Error(source.name, tok.line, f"{tok.text}({follows}) is left")
            if tok.text in conv.macros:
                raise lex.Error(source.name, tok.line, f"{tok.text} is left")


def run(conv):
    modules(conv)
    free_names(conv)
    direct_calls(conv)
    no_tables(conv)
