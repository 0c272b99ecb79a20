# SPDX-License-Identifier: GPL-2.0-only
"""What the rest of the tree says about the functions that ops are bound to."""

import lex
import tree as trees


class Facts:
    """Where bound functions are defined, which are static, inline or __init."""

    def __init__(self, tree, all_ops):
        self.inlines, self.inits, self.hidden = {}, set(), {}
        self.exposed_variables = set()
        self.complete = {source.name: _types(source) for source in tree.sources()}
        self.types = set().union(*self.complete.values())
        bound = {}
        for ops in all_ops.values():
            for (vendor, _op), bindings in ops.bindings.items():
                for b in bindings:
                    bound.setdefault(b.func, set()).add(vendor)
        self._definitions(tree, bound)
        for ops in all_ops.values():
            if ops.live_variable:
                self._variable(tree, *ops.live_variable, ops.name)

    def _definitions(self, tree, bound):
        places = {}
        for source in tree.sources():
            for func in source.functions:
                if func.name in bound:
                    head = [t.text for t in source.tokens[func.start:func.name_at]]
                    places.setdefault(func.name, []).append((source, func, head))
        for name, found in places.items():
            plain = [f for f in found if not f[0].name.endswith(".h")]
            # An inline in a header is enough, even if another configuration has a function.
            inlines = [f[0].name for f in found if f[0].name.endswith(".h")]
            if inlines:
                self.inlines[name] = inlines[0]
                plain = []
            files = {f[0].name for f in plain if "static" in f[2]}
            if len({f[0].name for f in plain}) > 1 and files and \
               len({trees.vendor_of(f[0].name) for f in plain}) < len(plain):
                raise lex.Error(plain[0][0].name, plain[0][0].tokens[plain[0][1].name_at].line,
                                f"{name} is defined in several files")
            if any("__init" in f[2] for f in plain):
                self.inits.add(name)
            for file in files:
                self.hidden.setdefault(file, set()).add(name)

    def _variable(self, tree, name, file, struct):
        source = tree.source(file)
        for at, tok in enumerate(source.tokens[:-2]):
            if tok.text == struct and source.tokens[at + 1].text == name and \
               source.tokens[at - 2].text == "static":
                self.exposed_variables.add(file)

    def rename(self, file, old, new, all_ops):
        """A bound function of `file` has another name now."""
        vendor = trees.vendor_of(file)
        names = self.hidden[file]
        self.hidden[file] = names - {old} | {new}
        if old in self.inits:
            self.inits.add(new)
        for ops in all_ops.values():
            for (owner, _op), bindings in ops.bindings.items():
                for b in bindings:
                    if owner == vendor and b.func == old:
                        b.func = new

    def is_init(self, ops, op):
        return any(b.func in self.inits for v in trees.VENDORS for b in ops.get(v, op))


def _types(source):
    """Names of the structs, unions and enums a file defines."""
    tokens = source.tokens
    return {tokens[at + 1].text for at, tok in enumerate(tokens[:-2])
            if tok.text in ("struct", "union", "enum") and tokens[at + 2].text == "{"}


def without_static(source, names):
    """Changes that make functions visible to other files: `static` and `inline` go."""
    tokens, changes, start = source.tokens, [], 0
    at = 0
    while at < len(tokens):
        tok = tokens[at]
        if tok.macro:
            start = at + 1
        elif tok.text == "{":
            func = source.function_at(at)
            at = (func.end if func and func.body == at else source.close(at) + 1) - 1
            start = at + 1
        elif tok.text == ";":
            start = at + 1
        elif tok.kind == "name" and tok.text in names and tokens[at + 1].text == "(":
            for t in tokens[start:at]:
                if t.text in ("static", "inline", "__always_inline") and not t.macro:
                    changes.append((t.pos, t.end + 1, ""))
        at += 1
    return list(dict.fromkeys(changes))
