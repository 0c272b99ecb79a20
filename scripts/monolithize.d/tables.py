# SPDX-License-Identifier: GPL-2.0-only
"""What a tree says about its ops: structs, members, bindings, op lists.

Everything is taken from struct definitions, initialisers and assignments of
the tree at hand.  Nothing is known beforehand but the name kvm_x86_ops, with
which the search begins.
"""

import re

import lex
import tree as trees

ROOT = "kvm_x86_ops"
_TYPE_WORDS = {"void", "char", "short", "int", "long", "unsigned", "signed", "bool",
               "float", "double", "_Bool"}
_QUALIFIERS = {"const", "volatile", "__user", "__iomem", "__rcu", "restrict", "__force"}


class Member:
    """A member of an ops struct: an op, a link to another ops struct, or data."""

    def __init__(self, name, kind, line, cond):
        self.name, self.kind, self.line, self.cond = name, kind, line, cond
        self.span = (0, 0)          # its tokens
        self.returns, self.params, self.typedef, self.target = "", [], None, None


class Binding:
    """A body an op may have at one vendor; an assignment is one made at run time."""

    def __init__(self, func, cond, where, line, assigned=False):
        self.func, self.cond = func, cond
        self.where, self.line, self.assigned = where, line, assigned


class Ops:
    """One ops struct."""

    def __init__(self, name, source, first, last):
        self.name, self.source, self.first, self.last = name, source, first, last
        self.members = {}
        self.tested, self.valued, self.called = set(), set(), set()
        self.live = None            # the expression for what is in use, "x." or "x->"
        self.live_variable = None   # (name, file) of the variable behind it
        self.variables = {}         # vendor or None -> name of the initialised variable
        self.homes = {}             # vendor or None -> the file it is in
        self.bindings = {}          # (vendor, op) -> [Binding]
        self.cleared = set()        # (vendor or None, op): NULL is assigned at run time
        self.kinds = {}             # op -> macro in the op list, such as KVM_X86_OP
        self.needs_selector = set()
        self.compared = {}          # op -> functions it is compared with

    @property
    def subject(self):
        """kvm_x86_ops: x86, kvm_x86_nested_ops: nested, kvm_pmu_ops: pmu."""
        return re.sub(r"^kvm_(x86_)?|_?ops$", "", self.name) or "x86"

    @property
    def prefix(self):
        return "kvm_x86_" if self.name == ROOT else f"kvm_x86_{self.subject}_"

    def has(self, op):
        infix = "" if self.name == ROOT else f"{self.subject}_"
        return f"kvm_x86_has_{infix}{op}"

    def ops(self):
        return [m for m in self.members.values() if m.kind == "op"]

    def get(self, vendor, op):
        return self.bindings.get((vendor, op), [])


def parameters(source, start, end):
    """[(type, name)] of the parameter list between two parentheses."""
    tokens, groups, depth = source.tokens, [[]], 0
    for at in range(start, end):
        text = tokens[at].text
        depth += (text in "([") - (text in ")]")
        if text == "," and not depth:
            groups.append([])
        else:
            groups[-1].append(at)
    if groups == [[]] or [tokens[i].text for i in groups[0]] == ["void"]:
        return []
    return [_parameter(source, group, n) for n, group in enumerate(groups)]


def _parameter(source, group, number):
    tokens = source.tokens
    texts = [tokens[i].text for i in group]
    if "(" in texts:
        raise lex.Error(source.name, tokens[group[0]].line,
                        "a parameter that is a pointer to a function")
    plain = [t for t in texts if t not in _QUALIFIERS]
    named = (re.fullmatch(r"[A-Za-z_]\w*", plain[-1]) and plain[-1] not in _TYPE_WORDS and
             len(plain) > 1 and not (len(plain) == 2 and plain[0] in ("struct", "union", "enum")))
    if "[" in texts:
        raise lex.Error(source.name, tokens[group[0]].line, "a parameter that is an array")
    if not named:
        return source.words(group[0], group[-1] + 1), f"arg{number + 1}"
    return source.words(group[0], group[-1]), texts[-1]


def _struct(source, at):
    """Members of the struct whose opening brace is at `at`."""
    tokens, end = source.tokens, source.close(at)
    members, start, i = [], at + 1, at + 1
    while i < end:
        tok = tokens[i]
        if tok.macro:
            i += 1
            start = i
            continue
        if tok.text in "({[":
            i = source.close(i)
        elif tok.text == ";":
            members.append(_member(source, start, i))
            members[-1].span = (start, i + 1)
            start = i + 1
        i += 1
    return {m.name: m for m in members}, end


def _member(source, start, end):
    tokens = source.tokens
    texts = [t.text for t in tokens[start:end]]
    line, cond = tokens[start].line, tokens[start].cond
    if "(" in texts:
        at = start + texts.index("(")
        if texts[at - start + 1] != "*" or tokens[at + 3].text != ")":
            raise lex.Error(source.name, line, "a member that is neither data nor an op")
        member = Member(tokens[at + 2].text, "op", line, cond)
        member.returns = source.words(start, at)
        member.params = parameters(source, at + 5, source.close(at + 4))
        return member
    if "[" in texts or ":" in texts:
        at = min(texts.index(m) for m in "[:" if m in texts)
        return Member(texts[at - 1], "data", line, cond)
    member = Member(texts[-1], "data", line, cond)
    if len(texts) >= 3 and texts[-2] == "*":
        kind = [t for t in texts[:-2] if t not in _QUALIFIERS]
        member.target = kind[1] if len(kind) == 2 and kind[0] == "struct" else None
        member.typedef = kind[0] if len(kind) == 1 else None
    return member


def _structs(tree):
    """Every struct definition whose name ends with _ops."""
    found = {}
    for source in tree.sources():
        tokens = source.tokens
        for at, tok in enumerate(tokens[:-2]):
            name = tokens[at + 1].text
            if tok.text == "struct" and not tok.macro and tokens[at + 2].text == "{" and \
               re.fullmatch(r"kvm_\w*ops", name):
                ops = Ops(name, source.name, at, 0)
                ops.members, ops.last = _struct(source, at + 2)
                found[name] = ops
    return found


def _linked(found):
    """The structs that are connected with kvm_x86_ops by pointers."""
    if ROOT not in found:
        raise lex.Error(trees.HEADERS, 0, f"no struct {ROOT}")
    names, grown = {ROOT}, True
    while grown:
        grown = False
        for ops in found.values():
            targets = {m.target for m in ops.members.values()} & set(found)
            if (ops.name in names and not targets <= names) or \
               (ops.name not in names and targets & names):
                names |= targets | {ops.name}
                grown = True
    return {name: ops for name, ops in found.items() if name in names}


def _settle(tree, all_ops):
    """Give members their kinds: links, and ops by typedef."""
    headers = "".join(tree.read(n) for n in tree.code() if n.startswith(trees.HEADERS))
    for ops in all_ops.values():
        for member in ops.members.values():
            if member.kind == "op":
                continue
            if member.target in all_ops:
                member.kind = "link"
            elif member.typedef and tree.is_function_type(member.typedef, headers):
                member.kind = "op"


def _variables(tree, all_ops):
    """Variables of the ops structs: initialised ones are a vendor's, others are live."""
    for source in tree.sources():
        tokens = source.tokens
        for at, tok in enumerate(tokens[:-4]):
            if tok.text != "struct" or tok.macro or tokens[at + 1].text not in all_ops or \
               tokens[at + 2].kind != "name" or source.function_at(at):
                continue
            ops, name, end = all_ops[tokens[at + 1].text], tokens[at + 2].text, at + 3
            while tokens[end].text not in ("=", ";", ",", ")", "("):
                end += 1
            before = [t.text for t in tokens[max(0, at - 3):at]]
            if tokens[end].text == "=":
                vendor = trees.vendor_of(source.name)
                if vendor in ops.variables:
                    raise lex.Error(source.name, tok.line, f"a second {ops.name} of {vendor}")
                if tokens[end + 1].text != "{":
                    raise lex.Error(source.name, tok.line, f"{name} has no plain initialiser")
                ops.variables[vendor] = name
                ops.homes[vendor] = source.name
                _initialiser(source, end + 1, ops, vendor)
            elif tokens[end].text == ";" and "extern" not in before and \
                    source.name.endswith(".c") and not trees.vendor_of(source.name):
                ops.live, ops.live_variable = f"{name}.", (name, source.name)


def entries(source, brace):
    """(member, first token, one past the comma, value) of each .member = value."""
    tokens, at, end = source.tokens, brace + 1, source.close(brace)
    while at < end:
        tok = tokens[at]
        if tok.macro or tok.text == ",":
            at += 1
            continue
        if tok.text != "." or tokens[at + 2].text != "=":
            raise lex.Error(source.name, tok.line, "an initialiser that is not .member = value")
        stop = at + 3
        while stop < end and (tokens[stop].text != "," or tokens[stop].macro):
            stop = source.close(stop) if tokens[stop].text in "({[" else stop
            stop += 1
        value = [t.text for t in tokens[at + 3:stop] if not t.macro]
        yield tokens[at + 1].text, at, stop + (stop < end), value
        at = stop


def _initialiser(source, brace, ops, vendor):
    for member, at, _stop, value in entries(source, brace):
        tok = source.tokens[at]
        if member not in ops.members:
            raise lex.Error(source.name, tok.line, f"struct {ops.name} has no member {member}")
        if ops.members[member].kind == "op" and value != ["NULL"]:
            if len(value) != 1:
                raise lex.Error(source.name, tok.line,
                                f"{member} is bound to an expression: {' '.join(value)}")
            ops.bindings.setdefault((vendor, member), []).append(
                Binding(value[0], tok.cond, source.name, tok.line))


def _live(all_ops):
    """A struct without a variable of its own is reached through a link."""
    for _ in all_ops:
        for ops in all_ops.values():
            for member in ops.members.values():
                if ops.live and member.kind == "link" and not all_ops[member.target].live:
                    all_ops[member.target].live = f"{ops.live}{member.name}->"


def _op_lists(tree, all_ops):
    """The op lists: headers that hold nothing but KVM_X86_OP(name) and the like."""
    lists = {}
    for source in tree.sources():
        entries = []
        for at, tok in enumerate(source.tokens[:-3]):
            if re.fullmatch(r"KVM_X86_\w*OP\w*", tok.text) and not tok.macro and \
               source.tokens[at + 1].text == "(" and source.tokens[at + 3].text == ")":
                entries.append((tok.text, source.tokens[at + 2]))
        if not entries or not source.name.endswith("ops.h") or source.functions:
            continue
        key = "kvm_pmu_ops" if all("PMU" in kind for kind, _ in entries) else ROOT
        for kind, op in entries:
            member = all_ops[key].members.get(op.text)
            if not member or member.kind != "op":
                raise lex.Error(source.name, op.line,
                                f"the op list names {op.text}, struct {key} does not")
            all_ops[key].kinds[op.text] = kind
        lists[source.name] = key
    return lists


def derive(tree):
    """All ops structs of a tree by name, and the files that list ops."""
    all_ops = _linked(_structs(tree))
    _settle(tree, all_ops)
    _variables(tree, all_ops)
    _live(all_ops)
    for ops in all_ops.values():
        missing = set(trees.VENDORS) - set(ops.variables)
        if missing:
            raise lex.Error(ops.source, tree.source(ops.source).tokens[ops.first].line,
                            f"no initialised struct {ops.name} for {', '.join(sorted(missing))}")
    return all_ops, _op_lists(tree, all_ops)


def learn(all_ops, sites):
    """What the uses of the ops say: run-time bindings, tests, comparisons."""
    for site in sites:
        ops, op = site.ops, site.op
        if site.kind == "clear":
            ops.cleared.add((site.vendor, op))
        elif site.kind == "assign":
            if not site.vendor:
                raise lex.Error(site.name, site.line, f"common code binds {op}")
            known = ops.bindings.setdefault((site.vendor, op), [])
            if site.other[1] not in [b.func for b in known]:
                known.append(Binding(site.other[1], site.cond, site.name, site.line, True))
        elif site.kind == "compare":
            ops.compared.setdefault(op, set()).add(site.other[1])
        elif site.kind.endswith("-call"):
            ops.called.add(op)
        elif site.kind == "value":
            ops.valued.add(op)
        elif site.kind in ("test", "equal-null", "unequal-null"):
            ops.tested.add(op)
    for ops in all_ops.values():
        altered = {op for _, op in ops.cleared} | set(ops.compared) | \
            {op for (_, op), bindings in ops.bindings.items() if any(b.assigned for b in bindings)}
        ops.needs_selector = altered | ops.tested
