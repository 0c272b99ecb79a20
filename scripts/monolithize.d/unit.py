# SPDX-License-Identifier: GPL-2.0-only
"""Makes one compilation unit of all files of a vendor, so that the compiler can put any
function in the place of its call.

The unit is a list of #includes that make writes from the tree's own object lists. For
that the files must bear each other: names that two of them give to something of their
own become different, and a macro of one file ends with it. Tracepoints are made in files
beside, as their headers can be asked for them but once in a unit; virt/kvm stays apart,
as it has weak functions.
"""

import os
import re

import emit
import kbuild
import lex
import steps
import tree as trees

_CREATE = "CREATE_TRACE_POINTS"
TRACE = "mono_trace_"


def files(conv):
    """The C files of arch/x86/kvm that the object lists name, with their vendor."""
    names = set(re.findall(r"(?<![\w/.])(\w[\w/-]*)\.o\b", conv.lists))
    known = set(conv.tree.code()) | {f"{trees.KVM}/{v}/mono_init.c" for v in trees.VENDORS}
    return sorted(f for f in (f"{trees.KVM}/{n}.c" for n in names)
                  if f in known and not os.path.basename(f).startswith(TRACE))


# -- tracepoints -------------------------------------------------------------

def tracepoints(conv):
    """Make the tracepoints of each file in one beside it, with the same includes."""
    for name in files(conv):
        source = conv.tree.source(name)
        tokens, at = source.tokens, next(
            (n for n, (kind, start, _end) in enumerate(source.directives)
             if kind == "define" and source.tokens[start + 2].text == _CREATE), None)
        if at is None:
            continue
        _, start, end = source.directives[at]
        kind, first, last = source.directives[at + 1]
        if kind != "include" or tokens[start].cond:
            raise lex.Error(name, tokens[start].line, f"no header behind {_CREATE}")
        lines = ["// SPDX-License-Identifier: GPL-2.0-only",
                 f"/* Made by monolithize: the tracepoints of {os.path.basename(name)}. */"]
        for kind, begin, stop in source.directives[:at]:
            if kind == "include":
                lines += emit._if(tokens[begin].cond,
                                  [source.text[tokens[begin].pos:tokens[stop - 1].end]])
        lines += ["", f"#define {_CREATE}", source.text[tokens[first].pos:tokens[last - 1].end], ""]
        folder, stem = os.path.split(name[:-2])
        conv.tree.write(f"{folder}/{TRACE}{stem}.c", "\n".join(lines))
        vendor = trees.vendor_of(name)
        obj = os.path.relpath(f"{folder}/{TRACE}{stem}.o", trees.KVM)
        conv.lists += f"kvm{'-' + trees.VENDORS[vendor] if vendor else ''}-y += {obj}\n"
        conv.report.add(name, tokens[start].line, "trace", _CREATE, f"{TRACE}{stem}.c", "tokens")
        steps.change(conv, name, [(*steps.line_span(source, start, end), "")])
    conv.tree.write("objects.mk", conv.lists)


# -- names -------------------------------------------------------------------

def _statements(source):
    """(first, end) of each declaration at file scope; a body counts as its last token."""
    tokens, at, start = source.tokens, 0, 0
    while at < len(tokens):
        tok = tokens[at]
        if tok.macro:
            at += 1
            start = at
        elif tok.text == "{":
            func = source.function_at(at)
            at = func.end if func and func.body == at else source.close(at) + 1
            if func:
                yield start, at
                start = at
        elif tok.text == ";":
            yield start, at + 1
            at += 1
            start = at
        else:
            at += 1


def _without_bodies(texts):
    out, depth = [], 0
    for text in texts:
        depth -= text == "}"
        out += [text] * (not depth)
        depth += text == "{"
    return out


def _declared(source, first, end):
    """(name, whether only this file knows it) of what a declaration makes."""
    tokens, found = source.tokens, []
    code = [i for i in range(first, end) if not tokens[i].macro]
    texts = [tokens[i].text for i in code]
    if not texts:
        return found
    func = source.function_at(code[0])
    for n, text in enumerate(texts[:-2]):
        if func and code[n] >= func.body:
            break
        if text in ("struct", "union", "enum") and texts[n + 2] == "{":
            found.append((texts[n + 1], True))
        if text == "enum" and "{" in texts[n:n + 3]:
            inside = texts[texts.index("{", n) + 1:]
            found += [(b, True) for a, b in zip(["{"] + inside, inside)
                      if a in ("{", ",") and re.fullmatch(r"[A-Za-z_]\w*", b)]
    if texts[0] == "typedef":
        # typedef X name; typedef X name(...); typedef X (*name)(...);
        at = texts.index("(") if "(" in texts and "{" not in texts else len(texts) - 1
        return found + [(texts[at + 2] if texts[at + 1:at + 2] == ["*"] else texts[at - 1], True)]
    static = "static" in texts[:texts.index("{")] if "{" in texts else "static" in texts
    if func:
        # Behind the parameters, too, something in parentheses may stand: __acquires(...).
        name = texts[texts.index("(") - 1] if func.name else None
        return found + ([(name, static)] if name else [])
    if texts[0] in ("struct", "union", "enum") and "{" in texts[1:3] and texts[-2] == "}":
        return found
    texts = _without_bodies(texts)
    stop = next((n for n, t in enumerate(texts) if t in "=[;("), len(texts))
    if stop < len(texts) and texts[stop] == "(":
        # A macro that defines something, or a prototype
        inside = texts[stop + 1:len(texts) - 1 - texts[::-1].index(")")]
        if re.fullmatch(r"DEFINE_[A-Z_]+", texts[stop - 1]) and inside:
            name = inside[-1] if "PER_CPU" in texts[stop - 1] else inside[0]
            return found + [(name, static)]
        return found
    names = [t for t in texts[:stop] if re.fullmatch(r"[A-Za-z_]\w*", t) and
             not t.startswith("__")]
    if "extern" not in texts[:stop] and len(names) > 1:
        found.append((names[-1], static))
    return found


def _own_names(source):
    """{name: whether only this file knows it} of all that a file defines."""
    found = {}
    for first, end in _statements(source):
        for name, own in _declared(source, first, end):
            found[name] = found.get(name, True) and own
    return found


def _prototypes(source):
    """Functions that a header declares: an includer's static one is there without them."""
    tokens = source.tokens
    return {tokens[i].text for first, end in _statements(source) for i in range(first, end - 1)
            if tokens[i].kind == "name" and tokens[i + 1].text == "(" and not tokens[i].macro}


def _parameters(source):
    """Variables whose names are those of parameters of the module."""
    tokens = source.tokens
    return {tokens[at + 2].text for at, tok in enumerate(tokens[:-3])
            if tok.text.startswith("module_param") and "named" not in tok.text}


def _together(one, other):
    """True if files of these vendors, None for both, are in one unit."""
    return one == other or None in (one, other)


def _includes(conv, name, headers):
    """Headers of the tree that a file includes, and they in turn, by their last names."""
    found, new = set(), {name}
    while new:
        texts = [t for n in new for kind, start, end in conv.tree.source(n).directives
                 if kind == "include" for t in ["".join(
                     x.text for x in conv.tree.source(n).tokens[start + 2:end])]]
        last = {os.path.basename(t.strip('"<>')) for t in texts}
        new = {h for h in headers if os.path.basename(h) in last} - found
        found |= new
    return found


_PROTOTYPE = re.compile(r"^[A-Za-z_][^\n;{}=()#]*?\b(\w+)\(", re.M)


def _kernel_functions(conv):
    """What the kernel's own headers declare: another file of the unit may include it."""
    found = set()
    for top in ("include", "arch/x86/include"):
        for folder, _dirs, entries in os.walk(os.path.join(conv.tree.input, top)):
            for entry in entries:
                if entry.endswith(".h") and not entry.startswith("kvm"):
                    with open(os.path.join(folder, entry), encoding="utf-8",
                              errors="replace") as file:
                        found.update(_PROTOTYPE.findall(file.read()))
    return found


def names(conv):
    """Give different names to what two files of a unit call alike."""
    sources = {name: conv.tree.source(name) for name in files(conv)}
    own = {name: _own_names(source) for name, source in sources.items()}
    headers = {}
    for name in conv.tree.code():
        if name.endswith(".h") and name.startswith(trees.KVM):
            headers[name] = set(_own_names(conv.tree.source(name)))
    kernel = _kernel_functions(conv)
    everywhere = set().union(*own.values())
    for file, mine in own.items():
        vendor, source = trees.vendor_of(file), sources[file]
        others = [theirs for other, theirs in own.items()
                  if other != file and _together(vendor, trees.vendor_of(other))]
        others.append(kernel)
        # Beside what it includes a file builds already.
        known = _includes(conv, file, headers)
        others += [found for name, found in headers.items()
                   if name not in known and _together(vendor, trees.vendor_of(name))]
        # One that stands in for another file's is there only if that is not.
        stands_in = set().union(*(_prototypes(conv.tree.source(name)) for name in known))
        kept, wanted = _parameters(source), {}
        for name, alone in sorted(mine.items()):
            if not alone or not any(name in theirs for theirs in others):
                continue
            if name in stands_in:
                continue
            if name in kept:
                if any(name in theirs and name in _parameters(sources[other])
                       for other, theirs in own.items() if other != file):
                    raise lex.Error(file, 0, f"two parameters of a module are called {name}")
                continue
            new = os.path.relpath(file[:-2], trees.KVM).replace("/", "_").replace("-", "_")
            new = f"{new}_{name}"
            if new in everywhere:
                raise lex.Error(file, 0, f"{name} has a namesake, and {new} is taken")
            wanted[name] = new
        spots = [tok for at, tok in enumerate(source.tokens) if tok.text in wanted and
                 source.tokens[at - 1].text not in (".", "->")]
        for tok in spots:
            conv.report.add(file, tok.line, "name", tok.text, wanted[tok.text], "tokens")
        steps.change(conv, file, [(t.pos, t.end, wanted[t.text]) for t in spots])


# -- macros ------------------------------------------------------------------

def _left(source):
    """Macros that are still defined at a file's end."""
    defined = {}
    for kind, start, _end in source.directives:
        if kind in ("define", "undef"):
            defined[source.tokens[start + 2].text] = kind == "define"
    return [name for name, is_left in defined.items() if is_left]


def macros(conv):
    """A macro of a file ends with it; how messages begin starts with it."""
    in_headers = {}
    for header in (s for s in conv.tree.sources() if s.name.endswith(".h")):
        in_headers.setdefault(trees.vendor_of(header.name), set()).update(_left(header))
    for name in files(conv):
        source, vendor = conv.tree.source(name), trees.vendor_of(name)
        seen = in_headers.get(None, set()).union(
            *(in_headers.get(v, ()) for v in trees.VENDORS if vendor in (None, v)))
        mine = _left(source)
        guards = {source.tokens[start + 2].text for kind, start, _ in source.directives
                  if kind == "ifndef"}
        doubt = [m for m in mine if m in seen and m not in guards | {"pr_fmt"}]
        if doubt:
            raise lex.Error(name, 0, f"{doubt[0]} is a macro of a header, too")
        text = ["#undef pr_fmt\n"] + ["#define pr_fmt(fmt) fmt\n"] * ("pr_fmt" not in mine)
        text += [source.text] + [f"#undef {m}\n" for m in mine if m != "pr_fmt"]
        conv.tree.write(name, "".join(text))


def guards(conv):
    """A header with code that two files include must know that it has been there."""
    including = {}
    headers = [name for name in conv.tree.code() if name.startswith(trees.KVM + "/")
               and name.endswith(".h")]
    for name in files(conv):
        for header in _includes(conv, name, headers):
            including.setdefault(header, set()).add(name)
    for header, users in including.items():
        source = conv.tree.source(header)
        guarded = source.directives and source.directives[0][0] in ("ifndef", "if", "pragma")
        if source.functions and not guarded and len(users) > 1:
            raise lex.Error(header, 1, f"no include guard, and {len(users)} files include it")


def one_unit(conv):
    guards(conv)
    tracepoints(conv)
    names(conv)
    macros(conv)
    text = conv.tree.read("Kbuild")
    if kbuild.MONO not in text:
        raise lex.Error("Kbuild", 0, "its rules are not those of the step before")
    conv.tree.write("Kbuild", text.replace(kbuild.MONO, kbuild.UNIT))
    conv.git.commit("compile each vendor as one unit",
                    "A file that includes the others lets the compiler inline across them.")
