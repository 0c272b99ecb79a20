# SPDX-License-Identifier: GPL-2.0-only
"""Writes the ops headers: a prototype for each op, and each vendor's bodies.

ops/<subject>.h declares every op once; ops/<vendor>/mono/<subject>.h, found by
the vendor's include path, gives the bodies.  A body is a direct call.  Where
stock alters the pointer at run time, the body asks the selector that took the
pointer's place in the struct.
"""

import lex

HEAD = """/* SPDX-License-Identifier: GPL-2.0-only */
/* Made by monolithize from struct {name}. {what} */
#ifndef {guard}
#define {guard}
"""


def _signature(ops, member, name, attributes="static __always_inline"):
    params = ", ".join(f"{kind}{'' if kind.endswith('*') else ' '}{param}"
                       for kind, param in member.params) or "void"
    gap = "" if member.returns.endswith("*") else " "
    return f"{attributes}{' ' if attributes else ''}{member.returns}{gap}{name}({params})"


def opaque(ops, member, facts):
    """True if a parameter's type is defined in another header of KVM."""
    return any(len(words) > 1 and words[0] in ("enum", "struct", "union") and "*" not in kind and
               words[1] not in facts.complete.get(ops.source, ())
               and words[1] in facts.types
               for kind, _ in member.params for words in [kind.split()])


def _conds(conds):
    return " && ".join(f"({c})" for c in conds)


def _if(conds, lines):
    if not conds or not lines:
        return lines
    return [f"#if {_conds(conds)}"] + lines + ["#endif"]


def _common(binding, member):
    """Conditions of a binding beyond those of its member."""
    return tuple(c for c in binding.cond if c not in member.cond)


class Vendor:
    """The bodies of one struct's ops at one vendor."""

    def __init__(self, ops, vendor, facts, pointers):
        self.ops, self.vendor, self.facts = ops, vendor, facts
        self.pointers = pointers    # the struct still holds pointers

    def dynamic(self, op):
        """Stock alters this op at this vendor while it sets itself up."""
        return (self.vendor, op) in self.ops.cleared or \
            any(b.assigned for b in self.ops.get(self.vendor, op))

    def selected(self, op, binding, base=None):
        live = base or self.ops.live
        func = self.target(op, binding)
        if self.pointers:
            if binding.func in self.facts.inlines:
                return f"{live}{op}"    # its address differs from file to file; asked for last
            return f"{live}{op} == {binding.func}"
        return f"{live}has_{op} == {self.ops.prefix}{op}_is_{binding.func}" if func else ""

    def bindings(self, op):
        """Those of the op, an inline last."""
        return sorted(self.ops.get(self.vendor, op), key=lambda b: b.func in self.facts.inlines)

    def target(self, op, binding):
        """The function to call: the bound one, or its copy where it is an inline."""
        if binding.func in self.facts.inlines:
            return f"{self.ops.prefix}{op}_body"
        return binding.func

    def declarations(self):
        lines, done = [], set()
        for member in self.ops.ops():
            for b in self.ops.get(self.vendor, member.name):
                name = self.target(member.name, b)
                conds = tuple(dict.fromkeys(member.cond + b.cond))
                if (name, conds) in done:
                    continue
                done.add((name, conds))
                text = (f"extern {member.typedef} {name};" if member.typedef
                        else _signature(self.ops, member, name, "") + ";")
                lines += _if(conds, [text])
        return lines

    def constants(self):
        lines = []
        for member in self.ops.ops():
            op = member.name
            if op not in self.ops.needs_selector:
                continue
            names = list(dict.fromkeys(b.func for b in self.ops.get(self.vendor, op)))
            values = [f"\t{self.ops.prefix}{op}_is_{func} = {n},"
                      for n, func in enumerate(names, 1)]
            values += [f"\t{self.ops.prefix}{op}_is_{func} = 255,	/* never here */"
                       for func in sorted(self.ops.compared.get(op, ())) if func not in names]
            if values:
                lines += ["enum {"] + values + ["};"]
        return lines

    def _return(self, member, binding):
        call = f"{self.target(member.name, binding)}({', '.join(n for _, n in member.params)});"
        return call if member.returns == "void" else f"return {call}"

    def _zero(self, member):
        return "" if member.returns == "void" else f"\treturn ({member.returns})0;"

    def macro(self, member):
        """An op with a parameter whose type is not complete where the ops are declared."""
        bindings = self.ops.get(self.vendor, member.name)
        if self.dynamic(member.name) or any(_common(b, member) for b in bindings):
            raise lex.Error(self.ops.source, member.line, f"{member.name} has a parameter of "
                            "incomplete type and more than one body")
        name = self.ops.prefix + member.name
        if bindings:
            return [f"#define {name} {self.target(member.name, bindings[0])}", ""]
        return [f"#define {name}(...) (({member.returns})0)", ""]

    def body(self, member):
        """Lines of the function that is the op."""
        op, bindings = member.name, self.bindings(member.name)
        initial = [b for b in bindings if not b.assigned]
        lines = []
        if self.dynamic(op):
            for n, b in enumerate(bindings):
                call = self._return(member, b)
                sure = (self.vendor, op) not in self.ops.cleared and initial and \
                    n + 1 == len(bindings) and not any(_common(x, member) for x in bindings)
                if sure:
                    return lines + [f"\t{call}"]
                stop = "\n\t\treturn;\n\t}" if member.returns == "void" else ""
                brace = " {" if stop else ""
                lines += _if(_common(b, member),
                             [f"\tif ({self.selected(op, b)}){brace}", f"\t\t{call}{stop}"])
            return lines + [self._zero(member)]
        word = "#if"
        for b in initial:
            cond = _common(b, member)
            if not cond:
                return lines + ["#else"] * bool(lines) + [f"\t{self._return(member, b)}"] + \
                    ["#endif"] * bool(lines)
            lines += [f"{word} {_conds(cond)}", f"\t{self._return(member, b)}"]
            word = "#elif"
        if lines:
            return lines + ["#else", self._zero(member), "#endif"]
        return [self._zero(member)]

    def unused(self, member):
        """Only handed on, never called, so there is no struct to ask what it is now."""
        op = member.name
        if self.ops.live or not self.dynamic(op):
            return False
        if op in self.ops.called:
            raise lex.Error(self.ops.source, member.line,
                            f"{op} is altered at run time, but its struct is not kept")
        return True

    def attributes(self, member):
        funcs = {b.func for b in self.ops.get(self.vendor, member.name)}
        # Setup runs while the vendor module loads, its caller is not thrown away with it.
        if funcs & self.facts.inits:
            return "static __ref __maybe_unused"
        return "static __always_inline"

    def functions(self):
        lines = []
        for member in self.ops.ops():
            out = []
            if opaque(self.ops, member, self.facts):
                out += self.macro(member)
            elif not member.typedef and not self.unused(member):
                out += [_signature(self.ops, member, self.ops.prefix + member.name,
                                   self.attributes(member)), "{"]
                out += [line for line in self.body(member) if line] + ["}", ""]
            out += self.pointer(member)
            lines += _if(member.cond, out)
        return lines

    def predicate(self, member):
        """Whether the op is there: a constant if nothing alters it."""
        op, ops = member.name, self.ops
        if not _is_tested(ops, member):
            return []
        lines, word = [], "#if"
        if self.dynamic(op) or (None, op) in ops.cleared:
            lines = [f"\treturn {ops.live}has_{op};"]
        else:
            for b in ops.get(self.vendor, op):
                cond = _common(b, member)
                if not cond:
                    lines += ["#else"] * bool(lines) + ["\treturn true;"]
                    break
                lines += [f"{word} {_conds(cond)}", "\treturn true;"]
                word = "#elif"
            else:
                lines += ["#else"] * bool(lines) + ["\treturn false;"]
            lines += ["#endif"] * (word == "#elif")
        return _if(member.cond, [f"static __always_inline bool {ops.has(op)}(void)", "{"] +
                   lines + ["}", ""])

    def pointer(self, member):
        """The op as a value, for those who hand it to the kernel."""
        ops, op = self.ops, member.name
        if op not in ops.valued:
            return []
        if member.typedef:
            kind = f"{member.typedef} *"
        else:
            kind = f"typeof({_signature(ops, member, '(*)', '')}) "
        argument = "void" if ops.live else f"const struct {ops.name} *ops"
        lines = [f"static __always_inline {kind}{ops.prefix}{op}_ptr({argument})", "{"]
        for b in self.bindings(op):
            test = f"\tif ({self.selected(op, b, None if ops.live else 'ops->')})\n\t"
            if op not in ops.needs_selector and not self.pointers:
                test = ""
            lines += _if(_common(b, member), [f"{test}\treturn {self.target(op, b)};"])
        return lines + ["\treturn NULL;", "}", ""]


def _is_tested(ops, member):
    return member.name in ops.tested and ops.live


def bodies(ops, vendor, facts, pointers, constants=False):
    """ops/<vendor>/mono/<subject>.h; `constants`: with predicates as far as they are constant"""
    guard = f"__MONO_{vendor}_{ops.subject}_H".upper()
    text = HEAD.format(name=ops.name, guard=guard, what=f"What the ops are on {vendor.upper()}.")
    writer = Vendor(ops, vendor, facts, pointers)
    lines = [""] + writer.declarations() + [""]
    if not pointers:
        lines += writer.constants() + [""]
    lines += writer.functions()
    if constants:
        for member in ops.ops():
            lines += writer.predicate(member)
    lines += ["#endif", ""]
    return text + "\n".join(lines)


def prototypes(ops, facts, pointers, constants=False):
    """ops/<subject>.h"""
    guard = f"__MONO_OPS_{ops.subject}_H".upper()
    lines = ["", "#include <ops/vendor.h>", ""]
    if ops.live_variable and ops.live_variable[1] in facts.exposed_variables:
        lines += [f"extern struct {ops.name} {ops.live_variable[0]};", ""]
    for member in ops.ops():
        if member.typedef or opaque(ops, member, facts) or not ops.live and \
           member.name not in ops.called:
            continue
        attributes = ("static __maybe_unused" if facts.is_init(ops, member.name)
                      else "static __always_inline")
        lines += _if(member.cond, [_signature(ops, member, ops.prefix + member.name,
                                              attributes) + ";"])
    for member in ops.ops():
        if not _is_tested(ops, member):
            continue
        if constants:
            lines += _if(member.cond, [f"static __always_inline bool {ops.has(member.name)}(void);"])
            continue
        what = (f"{ops.live}{member.name}" if pointers else f"{ops.live}has_{member.name}")
        lines += _if(member.cond, ["", f"static __always_inline bool {ops.has(member.name)}(void)",
                                   "{", f"\treturn {what};", "}"])
    lines += ["", f"#include <mono/{ops.subject}.h>", "", "#endif", ""]
    return HEAD.format(name=ops.name, guard=guard,
                       what="Every op once; the bodies are the vendor's.") + "\n".join(lines)


VENDOR = """/* SPDX-License-Identifier: GPL-2.0-only */
/* Which vendor a file is compiled for. The include path picks the ops' bodies. */
#ifndef __MONO_OPS_VENDOR_H
#define __MONO_OPS_VENDOR_H

#if defined(__VMX__) == defined(__SVM__)
#error "one of __VMX__ and __SVM__, please"
#endif

#endif
"""
