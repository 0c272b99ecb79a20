# SPDX-License-Identifier: GPL-2.0-only
"""Finds every use of an op and says of which kind it is.

This is the tool's own reading of the tree, made from tokens; the semantic
patches are another.  rewrite.py compares the two.
"""

import re

import lex
import tree as trees

CALLS = ("static-call", "macro-call", "pointer-call")


class Site:
    """Tokens [start, end) of a source stand for an op or a test of it."""

    def __init__(self, source, start, end, kind, ops, op, base="", other=None):
        self.name, self.line = source.name, source.tokens[start].line
        self.start, self.end = start, end
        self.kind, self.ops, self.op = kind, ops, op
        self.base, self.other = base, other
        self.pos = (source.tokens[start].pos, source.tokens[end - 1].end)
        self.cond = source.tokens[start].cond
        self.by = ""
        func = source.function_at(start)
        # What Coccinelle sees: a function in the usual form, no macro's body.
        self.plain = bool(func and func.name and not source.tokens[start].macro)
        self.function = func.name if func and func.name else "-"
        self.vendor = trees.vendor_of(source.name)

    def new(self):
        """What stands there afterwards."""
        ops, op = self.ops, self.op
        live = self.base == ops.live
        if self.kind in CALLS:
            return ops.prefix + op
        if self.kind == "value":
            argument = "" if live or not ops.live and self.base else None
            if argument is None or not live:
                argument = re.sub(r"->$", "", self.base)
                argument = f"&{argument[:-1]}" if argument.endswith(".") else argument
            return f"{ops.prefix}{op}_ptr({argument})"
        if self.kind in ("test", "unequal-null", "equal-null"):
            text = f"{ops.has(op)}()" if live else f"{self.base}has_{op}"
            return f"!{text}" if self.kind == "equal-null" else text
        if self.kind == "compare":
            return f"{self.base}has_{op} {self.other[0]} {ops.prefix}{op}_is_{self.other[1]}"
        if self.kind == "clear":
            return f"{self.base}has_{op} = 0"
        assert self.kind == "assign", self.kind
        return f"{self.base}has_{op} = {ops.prefix}{op}_is_{self.other[1]}"


class Finder:
    """Finds the sites of a tree, given its ops."""

    def __init__(self, all_ops, call_macros):
        self.all_ops, self.call_macros = all_ops, call_macros
        self.links, self.variables = {}, {}
        for ops in all_ops.values():
            for name in list(ops.variables.values()) + [(ops.live_variable or [None])[0]]:
                self.variables[name] = ops
            for member in ops.members.values():
                if member.kind == "link":
                    self.links[member.name] = all_ops[member.target]
        self.by_symbol = {ops.prefix + m.name: (ops, m.name)
                          for ops in all_ops.values() for m in ops.ops()}

    def find(self, source, skip=()):
        """Sites of one file; `skip` are token ranges of the op tables themselves."""
        tokens, found, at = source.tokens, [], 0
        while at < len(tokens):
            gone = next((end for start, end in skip if start <= at < end), None)
            site = None
            if gone is not None:
                at = gone
                continue
            if tokens[at].kind == "name":
                site = self._static_call(source, at) or self._member(source, at)
            if site:
                found.append(site)
                at = site.end
            else:
                at += 1
        return found

    def _static_call(self, source, at):
        tokens, text = source.tokens, source.tokens[at].text
        if at + 4 >= len(tokens):
            return None
        argument = tokens[at + 2]
        if text in ("static_call", "static_call_cond") and tokens[at + 1].text == "(" and \
           argument.text.startswith("kvm_x86_"):
            found, kind = self.by_symbol.get(argument.text), "static-call"
        elif text in self.call_macros and tokens[at + 1].text == "(":
            found = self.by_symbol.get(self.call_macros[text] + argument.text)
            kind = "macro-call"
        elif re.match(r"(EXPORT_)?STATIC_CALL|static_call_|DEFINE_STATIC_CALL", text) and \
                tokens[at + 1].text == "(" and argument.text.startswith("kvm_x86_") and \
                not text.startswith("EXPORT_"):
            raise lex.Error(source.name, tokens[at].line, f"{text} of an op outside the tables")
        else:
            return None
        if not found:
            raise lex.Error(source.name, argument.line, f"{argument.text} is no op")
        if tokens[at + 3].text != ")" or tokens[at + 4].text != "(":
            raise lex.Error(source.name, argument.line,
                            f"{text} of {argument.text} is not called where it is named")
        return Site(source, at, at + 4, kind, *found)

    def _base(self, source, at):
        """(first token, ops) if the expression before `.op` or `->op` is an ops struct."""
        tokens = source.tokens
        mark, before = tokens[at - 1].text, tokens[at - 2]
        if mark not in (".", "->") or before.kind != "name":
            return None
        name = before.text
        if mark == "->" and name in self.links and tokens[at - 3].text in (".", "->"):
            first = at - 4
            while tokens[first - 1].text in (".", "->"):
                first -= 2
            return first, self.links[name]
        if mark == "." and name in self.variables and tokens[at - 3].text not in (".", "->"):
            return at - 2, self.variables[name]
        if mark == "->" and tokens[at - 3].text not in (".", "->"):
            ops = self._pointer(source, at, name)
            return (at - 2, ops) if ops else None
        return None

    def _pointer(self, source, at, name):
        """The ops struct a local or a parameter points to."""
        func, tokens = source.function_at(at), source.tokens
        if not func:
            return None
        for i in range(at - 3, func.start + 2, -1):
            if tokens[i].text == name and tokens[i - 1].text == "*" and \
               tokens[i - 3].text == "struct":
                return self.all_ops.get(tokens[i - 2].text)
        return None

    def _member(self, source, at):
        """An expression that begins at `at` and ends with a member of an ops struct."""
        tokens, last = source.tokens, at
        if tokens[at - 1].text in (".", "->"):
            return None
        while last + 2 < len(tokens) and tokens[last + 1].text in (".", "->"):
            last += 2
        while last > at:
            base = self._base(source, last)
            if base and base[0] == at:
                return self._use(source, at, last, base[1])
            last -= 2
        return None

    def _use(self, source, at, last, ops):
        tokens, op = source.tokens, source.tokens[last].text
        member = ops.members.get(op)
        if not member and op.startswith("has_") and op[4:] in ops.members:
            return None         # converted already
        if not member:
            raise lex.Error(source.name, tokens[last].line,
                            f"struct {ops.name} has no member {op}")
        if member.kind != "op":
            return None
        base = source.words(at, last)
        after, then = tokens[last + 1].text, tokens[last + 2].text
        before = tokens[at - 1].text
        if after == "(":
            return Site(source, at, last + 1, "pointer-call", ops, op, base)
        if after == "=":
            return self._assignment(source, at, last, ops, op, base)
        if after in ("==", "!=") and then == "NULL":
            kind = "equal-null" if after == "==" else "unequal-null"
            return Site(source, at, last + 3, kind, ops, op, base)
        if after in ("==", "!="):
            if tokens[last + 2].kind != "name" or tokens[last + 3].text in ("(", ".", "->"):
                raise lex.Error(source.name, tokens[last].line, f"{op} compared with an expression")
            return Site(source, at, last + 3, "compare", ops, op, base, (after, then))
        if before in ("==", "!=", "&", "*", "sizeof"):
            raise lex.Error(source.name, tokens[last].line, f"{before} before {op}")
        kind = "value" if self._is_value(source, at, last) else "test"
        return Site(source, at, last + 1, kind, ops, op, base)

    def _assignment(self, source, at, last, ops, op, base):
        tokens, stop = source.tokens, last + 2
        while tokens[stop].text != ";":
            stop += 1
        value = [t.text for t in tokens[last + 2:stop]]
        if len(value) != 1 or tokens[stop - 1].kind != "name":
            raise lex.Error(source.name, tokens[last].line,
                            f"{op} is set to an expression: {' '.join(value)}")
        if value == ["NULL"]:
            return Site(source, at, stop, "clear", ops, op, base)
        return Site(source, at, stop, "assign", ops, op, base, ("=", value[0]))

    def _is_value(self, source, at, last):
        """True where the pointer itself is wanted: an argument, a right-hand side."""
        tokens = source.tokens
        before, after = tokens[at - 1].text, tokens[last + 1].text
        if before == "=":
            return after in (";", ",")
        if before == "return" and after == ";":
            func = source.function_at(at)
            head = [t.text for t in source.tokens[func.start:func.name_at]] if func else []
            if not set(head) & {"bool", "int"} or "*" in head:
                raise lex.Error(source.name, tokens[at].line, "an op is returned as a pointer")
            return False
        if before in "(," and after in "),":
            opener = at - 1
            depth = 0
            while tokens[opener].text != "(" or depth:
                depth += (tokens[opener].text == ")") - (tokens[opener].text == "(")
                opener -= 1
            caller = tokens[opener - 1]
            return caller.kind == "name" and caller.text not in ("if", "while", "return")
        return False


def call_macros(tree):
    """Macros that only add a prefix to a static call: {name: (prefix, file, line)}."""
    found = {}
    for source in tree.sources():
        for name, start, end in source.directives:
            texts = [t.text for t in source.tokens[start:end]]
            # # define NAME ( func ) static_call ( prefix ## func )
            if name == "define" and len(texts) == 12 and texts[6] == "static_call" and \
               texts[9] == "##" and texts[4] == texts[10]:
                found[texts[2]] = (texts[8], source.name, start, end)
    return found


def op_list_blocks(tree, lists, sources=None):
    """Token ranges that include an op list, with the macros that expand it, per file."""
    blocks, heads = {}, {name.split("/")[-1] for name in lists}
    for source in sources or tree.sources():
        dirs = source.directives
        for n, (name, start, end) in enumerate(dirs):
            words = source.words(start, end)
            if name != "include" or not any(words.endswith(f"/{h}>") for h in heads):
                continue
            first, last = n, n
            while first and _helper(source, dirs[first - 1], "define"):
                first -= 1
            while last + 1 < len(dirs) and _helper(source, dirs[last + 1], "undef"):
                last += 1
            begin, stop = dirs[first][1], dirs[last][2]
            strange = next((t for t in source.tokens[begin:stop] if not t.macro), None)
            if strange:
                raise lex.Error(source.name, strange.line, "code among the macros of an op list")
            blocks.setdefault(source.name, []).append((begin, stop))
    return blocks


def _helper(source, directive, kind):
    name, start, _end = directive
    return name == kind and re.match(r"(__)?KVM_X86_\w*OP", source.tokens[start + 2].text)
