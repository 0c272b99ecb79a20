# SPDX-License-Identifier: GPL-2.0-only
"""What the monolithic form allows beyond the conversion; a commit per step.

None of it is needed for a module without ops tables.  Each step is derived from
the tree as the conversion itself is, and what it does not understand is an error.
"""

import emit
import facts
import lex
import steps
import tables
import tree as trees
import unit

EMULATOR = "x86_emulate_ops"


# -- callbacks of the emulator -----------------------------------------------

class _Callbacks:
    """A struct of callbacks that has one implementation."""

    def __init__(self, conv, struct):
        self.source = self.table = None
        self.bound = {}         # member -> the functions it is bound to
        for source in conv.tree.sources():
            tokens = source.tokens
            for at, tok in enumerate(tokens[:-3]):
                if tok.text != "struct" or tokens[at + 1].text != struct or tok.macro:
                    continue
                if tokens[at + 2].text == "{":
                    self.source, self.at = source.name, at
                    self.members, self.end = tables._struct(source, at + 2)
                elif tokens[at + 3].text == "=" and tokens[at + 4].text == "{":
                    if self.table:
                        raise lex.Error(source.name, tok.line, f"a second {struct}")
                    self.table = (source.name, at, tokens[at + 2].text)
                    self._bind(source, at + 4)

    def _bind(self, source, brace):
        for member, at, _stop, value in tables.entries(source, brace):
            if len(value) != 1 or member in self.bound:
                raise lex.Error(source.name, source.tokens[at].line,
                                f"{member} is bound to more than one function")
            self.bound[member] = value[0]

    def prototypes(self, source):
        """The struct's text as declarations, with its comments."""
        tokens, changes = source.tokens, []
        start, stop = tokens[self.at + 2].end, tokens[self.end].pos
        for member in self.members.values():
            first, last = member.span
            if member.kind != "op":
                raise lex.Error(source.name, member.line, f"{member.name} is no callback")
            func = self.bound.get(member.name)
            text = emit._signature(None, member, func, "") + ";" if func else ""
            changes.append((tokens[first].pos - start, tokens[last - 1].end - start, text))
        body = lex.edit(source.text[start:stop], changes)
        return "\n".join(line[1:] if line.startswith("\t") else line
                         for line in body.strip("\n").split("\n"))


def _holder(source, struct):
    """The struct that points to the callbacks."""
    tokens = source.tokens
    for at, tok in enumerate(tokens[:-2]):
        if tok.text == "struct" and tokens[at + 2].text == "{" and not tok.macro:
            inside = [t.text for t in tokens[at + 3:source.close(at + 2)]]
            if any(inside[i:i + 2] == [struct, "*"] for i in range(len(inside))):
                return tokens[at + 1].text
    raise lex.Error(source.name, 0, f"nothing points to struct {struct}")


def _is_pointer(source, at, struct):
    """True if the name at `at` is declared in its function as a pointer to the struct."""
    func, tokens = source.function_at(at), source.tokens
    return bool(func) and any(
        tokens[i].text == struct and tokens[i + 1].text == "*" and
        tokens[i + 2].text == tokens[at].text for i in range(func.start, func.end - 2))


def _pointer_uses(source, calls, holder):
    """(first, last) tokens of `x->ops->member` and `ops->member`, and what remains of
    the pointer: (start, end) of its declaration as a member and of its assignment."""
    tokens, uses, gone, struct = source.tokens, [], [], EMULATOR
    for at, tok in enumerate(tokens[:-2]):
        if tok.text == "ops" and tokens[at + 1].text == "->":
            if tok.macro:
                # A macro's parameter has no type; where the struct is, it must be the holder.
                if source.name == calls.source and tokens[at - 1].text == "->" and \
                   tokens[at + 2].text in calls.members:
                    uses.append((at - 2, at + 2))
            elif tokens[at - 1].text == "->":
                if _is_pointer(source, at - 2, holder):
                    uses.append((at - 2, at + 2))
            elif _is_pointer(source, at, struct):
                uses.append((at, at + 2))
        elif tok.text == struct and tokens[at + 1].text == "*" and tokens[at + 3].text == ";":
            first = at - 1 - (tokens[at - 2].text == "const")
            gone.append((first, at + 4))
        elif tok.text == "ops" and tokens[at - 1].text == "->" and tokens[at + 1].text == "=" and \
                tokens[at + 2].text == "&" and tokens[at + 4].text == ";":
            gone.append((at - 2, at + 5))
    return uses, gone


def _direct(conv, source, calls, holder):
    """Changes that put the bound function in the place of each use of a callback."""
    uses, gone = _pointer_uses(source, calls, holder)
    tokens, changes = source.tokens, []
    for first, last in uses:
        member, after, before = tokens[last], tokens[last + 1].text, tokens[first - 1].text
        func = calls.bound.get(member.text)
        if not func or (after != "(" and not (before in "(," and after in "),")):
            raise lex.Error(source.name, member.line, f"callback {member.text} is neither called "
                            "nor handed on")
        changes.append((tokens[first].pos, tokens[last].end, func))
        conv.report.add(source.name, member.line, "callback", member.text, func, "tokens")
    for first, end in gone:
        target = tokens[first:end]
        if tokens[first + 1].text == "->" and target[-2].text != calls.table[2]:
            continue
        changes.append((*steps.line_span(source, first, end), ""))
    return changes


def emulator(conv):
    calls = _Callbacks(conv, EMULATOR)
    if not calls.source or not calls.table:
        conv.report.note(f"no struct {EMULATOR} with one implementation: nothing to do")
        return
    holder = _holder(conv.tree.source(calls.source), EMULATOR)
    for name in conv.tree.code():
        source = conv.tree.source(name)
        changes = _direct(conv, source, calls, holder)
        if name == calls.source:
            tokens = source.tokens
            changes.append((tokens[calls.at].pos, tokens[calls.end + 1].end,
                            calls.prototypes(source)))
        if name == calls.table[0]:
            at = calls.table[1]
            first = at - 1 - (source.tokens[at - 2].text == "static")
            end = source.close(at + 4) + 2
            changes.append((*steps.line_span(source, first, end), ""))
        steps.change(conv, name, changes)
        source = conv.tree.source(name)
        hidden = {f.name for f in source.functions} & set(calls.bound.values())
        if hidden and name.endswith(".c"):
            steps.change(conv, name, facts.without_static(source, hidden))
    steps.unused_pointers(conv, {EMULATOR})
    for source in conv.tree.sources():
        left = next((t for t in source.tokens if t.text == EMULATOR), None)
        if left:
            raise lex.Error(source.name, left.line, f"struct {EMULATOR} is still used")
    conv.git.commit("call the emulator's callbacks directly",
                    f"struct {EMULATOR} had one implementation.")


# -- tables of exit handlers -------------------------------------------------

class _Table:
    """static int (*name[])(parameters) = { [reason] = handler, ... };"""

    def __init__(self, source, at, vendor):
        tokens = source.tokens      # at: the name
        self.source, self.name, self.vendor = source.name, tokens[at].text, vendor
        self.open = at - (4 if tokens[at - 1].text == "const" else 3)
        self.const = tokens[at - 1].text == "const"
        self.returns = tokens[self.open].text
        self.close = source.close(at + 4)
        self.params = tables.parameters(source, at + 5, self.close)
        self.brace = self.close + 2
        self.end = source.close(self.brace) + 2
        self.handlers, self.values = [], []
        self._entries(source)

    def _entries(self, source):
        tokens, at, end = source.tokens, self.brace + 1, self.end - 2
        while at < end:
            if tokens[at].macro or tokens[at].text == ",":
                at += 1
                continue
            close = source.close(at) if tokens[at].text == "[" else at
            if tokens[close + 1].text != "=" or tokens[close + 2].kind != "name" or \
               tokens[close + 3].text not in (",", "}"):
                raise lex.Error(source.name, tokens[at].line,
                                "an entry that is not [reason] = handler")
            self.values.append(close + 2)
            self.add(tokens[close + 2].text)
            at = close + 3

    def add(self, handler):
        if handler not in self.handlers:
            self.handlers.append(handler)

    def constant(self, handler):
        return f"{self.name}_{handler}"

    def signature(self, name):
        params = ", ".join(f"{k}{'' if k.endswith('*') else ' '}{n}" for k, n in self.params)
        return f"{self.returns} {name}({params})"

    def header(self, elsewhere):
        guard = f"__MONO_{self.name}_H".upper()
        lines = ["/* SPDX-License-Identifier: GPL-2.0-only */",
                 f"/* Made by monolithize: what {self.name} holds in place of pointers. */",
                 f"#ifndef {guard}", f"#define {guard}", "", "enum {"]
        lines += [f"\t{self.constant(h)} = {n}," for n, h in enumerate(self.handlers, 1)]
        lines += ["};", ""]
        lines += [self.signature(h) + ";" for h in elsewhere]
        return "\n".join(lines + ["", "#endif", ""])

    def dispatch(self, conds):
        arguments = ", ".join(n for _, n in self.params)
        lines = ["", f"static __always_inline {self.returns} {self.name}_call(u8 which, "
                 + self.signature("")[len(self.returns) + 2:], "{", "\tswitch (which) {"]
        for handler in self.handlers:
            lines += emit._if(conds.get(handler, ()),
                              [f"\tcase {self.constant(handler)}:",
                               f"\t\treturn {handler}({arguments});"])
        return "\n".join(lines + ["\t}", "\t/* The table holds nothing else. */",
                                  "\tWARN_ON_ONCE(1);", "\treturn 0;", "}"])


def _tables(conv):
    for name in conv.tree.code():
        vendor = trees.vendor_of(name)
        if not vendor or not name.endswith(".c"):
            continue
        source = conv.tree.source(name)
        tokens = source.tokens
        for at, tok in enumerate(tokens[:-6]):
            if tok.kind == "name" and [t.text for t in tokens[at + 1:at + 5]] == \
                    ["[", "]", ")", "("] and not source.function_at(at) and not tok.macro:
                table = _Table(source, at, vendor) if \
                    tokens[source.close(at + 4) + 1].text == "=" else None
                if table:
                    yield table


def _receivers(conv, table):
    """(function, number of the argument) of each call the table is handed to."""
    found = set()
    source = conv.tree.source(table.source)
    tokens = source.tokens
    for at, tok in enumerate(tokens):
        if tok.text != table.name or tokens[at - 1].text not in "(," or \
           tokens[at + 1].text not in "),":
            continue
        opener, commas = at - 1, 0
        while tokens[opener].text != "(":
            commas += tokens[opener].text == ","
            opener -= 1
        if tokens[opener - 1].text != "ARRAY_SIZE":
            found.add((tokens[opener - 1].text, commas))
    return found


def _receive(conv, table, func):
    """Turn the parameter of a function that alters the table, and its assignments."""
    for name in conv.tree.code():
        source = conv.tree.source(name)
        if trees.vendor_of(name) != table.vendor:
            continue
        tokens, changes = source.tokens, []
        for at, tok in enumerate(tokens[:-8]):
            # func ( int ( * PARAM [ ] ) ( ... ) )
            if tok.text != func or tokens[at + 1].text != "(" or tokens[at + 3].text != "(" or \
               tokens[at + 4].text != "*" or tokens[at + 6].text != "[":
                continue
            param, stop = tokens[at + 5].text, source.close(at + 9)
            changes.append((tokens[at + 2].pos, tokens[stop].end, f"u8 {param}[]"))
            body = source.function_at(at)
            for i in range(body.body, body.end) if body else ():
                if tokens[i].text != param:
                    continue
                close = source.close(i + 1) if tokens[i + 1].text == "[" else i
                if tokens[close + 1].text != "=" or tokens[close + 2].kind != "name" or \
                   tokens[close + 3].text != ";":
                    raise lex.Error(name, tokens[i].line, f"{param} is not simply assigned to")
                table.add(tokens[close + 2].text)
                changes.append((tokens[close + 2].pos, tokens[close + 2].end,
                                table.constant(tokens[close + 2].text)))
                conv.report.add(name, tokens[i].line, "handler", tokens[close + 2].text,
                                table.constant(tokens[close + 2].text), "tokens")
            if body:
                # After the includes at the top, before the handlers.
                code = next(i for i, t in enumerate(tokens) if t.text == "{" and not t.macro)
                last = max(end for n, _s, end in source.directives
                           if n == "include" and end < code)
                changes.append((tokens[last - 1].end, tokens[last - 1].end,
                                f"\n#include <mono/{table.name}.h>"))
        steps.change(conv, name, changes)


def _elsewhere(conv, table):
    """Handlers that other files define become visible."""
    own = {f.name for f in conv.tree.source(table.source).functions}
    away = [h for h in table.handlers if h not in own]
    for name in conv.tree.code():
        if trees.vendor_of(name) not in (None, table.vendor) or not name.endswith(".c"):
            continue
        source = conv.tree.source(name)
        defined = {f.name for f in source.functions} & set(away)
        if defined:
            steps.change(conv, name, facts.without_static(source, defined))
    return away


def _rewrite_table(conv, table):
    source = conv.tree.source(table.source)
    tokens = source.tokens
    at = next(i for i, t in enumerate(tokens[:-6]) if t.text == table.name and
              [x.text for x in tokens[i + 1:i + 5]] == ["[", "]", ")", "("])
    table = _Table(source, at, table.vendor)
    conds = {tokens[v].text: tokens[v].cond for v in table.values}
    return table, conds


def exit_tables(conv):
    for found in list(_tables(conv)):
        table, conds = _rewrite_table(conv, found)
        for func, _number in sorted(_receivers(conv, table)):
            _receive(conv, table, func)
        fresh, conds = _rewrite_table(conv, table)
        fresh.handlers, table = table.handlers, fresh
        source = conv.tree.source(table.source)
        tokens, changes = source.tokens, []
        const = "const " if table.const else ""
        changes.append((tokens[table.open].pos, tokens[table.close].end,
                        f"{const}u8 {table.name}[]"))
        for value in table.values:
            changes.append((tokens[value].pos, tokens[value].end,
                            table.constant(tokens[value].text)))
            conv.report.add(table.source, tokens[value].line, "handler", tokens[value].text,
                            table.constant(tokens[value].text), "tokens")
        changes.append((tokens[table.end - 1].end, tokens[table.end - 1].end,
                        "\n" + table.dispatch(conds)))
        changes.append((source.text.rfind("\n", 0, tokens[table.open].pos) + 1,) * 2 +
                       (f"#include <mono/{table.name}.h>\n\n",))
        for at in range(table.end, len(tokens)):
            if tokens[at].text == table.name and tokens[at + 1].text == "[":
                close = source.close(at + 1)
                if tokens[close + 1].text == "(":
                    changes.append((tokens[at].pos, tokens[at].pos, f"{table.name}_call("))
                    changes.append((tokens[close].end, tokens[close + 1].end, ", "))
                    conv.report.add(table.source, tokens[at].line, "dispatch", table.name,
                                    f"{table.name}_call()", "tokens")
        steps.change(conv, table.source, changes)
        away = _elsewhere(conv, table)
        conv.tree.write(f"ops/{table.vendor}/mono/{table.name}.h", table.header(away))
    conv.git.commit("dispatch exits by a switch",
                    "A small number for each handler stands in the tables in the place of a "
                    "pointer; a switch makes it a direct call.")


# -- predicates --------------------------------------------------------------

def predicates(conv):
    """An op that nothing alters is there or not: the vendor's header says which."""
    steps.headers(conv, False, True)
    conv.git.commit("make constant predicates constants",
                    "Only an op that is altered at run time has to be asked for.")


def run(conv):
    emulator(conv)
    exit_tables(conv)
    predicates(conv)
    unit.one_unit(conv)
