# SPDX-License-Identifier: GPL-2.0-only
"""C as tokens with their line, preprocessor condition and function.

Enough of C to find names and take declarations apart.  It does not expand
macros and knows no types.
"""

import bisect
import re

_TOKEN = re.compile(r"""
    (?P<space>(?:[ \t\f\r]|\\\n)+)
  | (?P<newline>\n)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<string>L?"(?:\\.|[^"\\])*"|L?'(?:\\.|[^'\\\n])+')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<mark>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\.\.\.|\#\#|.)
""", re.X | re.S)

_CLOSER = {"(": ")", "[": "]", "{": "}"}


class Error(Exception):
    """What the tool does not understand, with the place."""

    def __init__(self, where, line, text):
        super().__init__(f"{where}:{line}: {text}")


class Token:
    """One token; `macro` is true inside a preprocessor directive."""

    __slots__ = ("kind", "text", "pos", "end", "line", "macro", "cond")

    def __init__(self, kind, text, pos, line, macro, cond):
        self.kind, self.text, self.pos, self.line = kind, text, pos, line
        self.end = pos + len(text)
        self.macro, self.cond = macro, cond

    def __repr__(self):
        return f"{self.text}@{self.line}"


class Function:
    """A function's name and its tokens: [start, body) is the head."""

    def __init__(self, name, name_at, start, body, end):
        self.name, self.name_at = name, name_at
        self.start, self.body, self.end = start, body, end


def _negate(cond):
    return f"!({cond})"


class _Conditions:
    """The stack of #if conditions, each as an expression #if accepts."""

    def __init__(self):
        self.stack = []

    def directive(self, name, rest):
        if name == "if":
            self.stack.append(([], rest))
        elif name == "ifdef":
            self.stack.append(([], f"defined({rest})"))
        elif name == "ifndef":
            self.stack.append(([], f"!defined({rest})"))
        elif name in ("elif", "else") and self.stack:
            before, now = self.stack.pop()
            before = before + [_negate(now)]
            self.stack.append((before, rest if name == "elif" else "1"))
        elif name == "endif" and self.stack:
            self.stack.pop()

    def now(self):
        conds = []
        for before, cond in self.stack:
            conds += before
            if cond != "1":
                conds.append(cond)
        return tuple(conds)


class Source:
    """A file's text, tokens, directives and functions."""

    def __init__(self, name, text):
        self.name, self.text = name, text
        self.tokens = []
        self.directives = []    # (name, first token, one past the last)
        self._scan()
        self._functions = None

    def _scan(self):
        line, fresh, macro, start, cond = 1, True, False, 0, ()
        conditions = _Conditions()
        for match in _TOKEN.finditer(self.text):
            kind, text = match.lastgroup, match.group()
            if kind == "newline":
                if macro:
                    cond = self._directive(start, conditions)
                macro, fresh = False, True
            elif kind not in ("space", "comment"):
                if fresh and text == "#":
                    macro, start = True, len(self.tokens)
                self.tokens.append(Token(kind, text, match.start(), line, macro, cond))
                fresh = False
            line += text.count("\n")
        if macro:
            self._directive(start, conditions)

    def _directive(self, start, conditions):
        toks = self.tokens[start:]
        name = toks[1].text if len(toks) > 1 else ""
        rest = ""
        if len(toks) > 2:
            rest = self.text[toks[2].pos:toks[-1].end]
            rest = re.sub(r"/\*.*?\*/", " ", rest, flags=re.S)
            rest = re.sub(r"\s*\\\n\s*", " ", rest)
        if name == "ifndef" and not self.directives and \
           re.match(rf"\s*#\s*define\s+{re.escape(rest)}\b", self.text[toks[-1].end:]):
            name, rest = "if", "1"      # an include guard
        self.directives.append((name, start, len(self.tokens)))
        if name in ("if", "ifdef", "ifndef", "elif", "else", "endif"):
            conditions.directive(name, rest)
        return conditions.now()

    def close(self, index):
        """The token that closes the bracket at `index`."""
        opener = self.tokens[index].text
        closer, depth = _CLOSER[opener], 0
        macro = self.tokens[index].macro
        for at in range(index, len(self.tokens)):
            tok = self.tokens[at]
            if tok.macro and not macro:
                continue
            if tok.text == opener:
                depth += 1
            elif tok.text == closer:
                depth -= 1
                if not depth:
                    return at
        raise Error(self.name, self.tokens[index].line, f"{opener} is never closed")

    def words(self, start, end):
        """The text of [start, end) in one line, without comments."""
        out, last = "", None
        for tok in self.tokens[start:end]:
            if tok.macro and not self.tokens[start].macro:
                continue
            if last is not None and tok.pos > last.end:
                out += " "
            out += tok.text
            last = tok
        return out

    @property
    def functions(self):
        """Functions in the usual form: name(...) { ... } with the brace in column 0."""
        if self._functions is None:
            self._functions = list(self._find_functions())
            self._bodies = [f.start for f in self._functions]
        return self._functions

    def _find_functions(self):
        tokens, at, start = self.tokens, 0, 0
        while at < len(tokens):
            tok = tokens[at]
            if tok.macro:
                at += 1
                if at < len(tokens) and not tokens[at].macro:
                    start = at
                continue
            if tok.text == "{":
                end = self._block_end(at)
                func = self._head(start, at, end)
                if func:
                    yield func
                at = end
                start = at if func else start
            elif tok.text == ";":
                at += 1
                start = at
            else:
                at += 1

    def _block_end(self, at):
        """One past the closing brace; for a brace in column 0, its like ends it."""
        tokens = self.tokens
        tok = tokens[at]
        if tok.pos and self.text[tok.pos - 1] == "\n":
            for i in range(at + 1, len(tokens)):
                if tokens[i].text == "}" and self.text[tokens[i].pos - 1] == "\n":
                    return i + 1
        return self.close(at) + 1

    def _head(self, start, brace, end):
        """A function if a parameter list stands before the brace."""
        tokens = self.tokens
        paren = brace - 1
        if paren <= start or tokens[paren].text != ")":
            return None
        at = start
        while at < brace:
            if tokens[at].text == "(" and not tokens[at].macro:
                closing = self.close(at)
                if closing == paren:
                    break
                at = closing
            at += 1
        if at >= brace or at == start:
            return None
        name_at = at - 1
        name = tokens[name_at].text
        if tokens[name_at].kind != "name":
            if tokens[name_at].text != ")":
                return None
            # FNAME(walk)(...): a name made by a macro
            name = None
        return Function(name, name_at, start, brace, end)

    def function_at(self, index):
        """The function that holds a token, or None."""
        funcs = self.functions
        at = bisect.bisect_right(self._bodies, index) - 1
        if at >= 0 and funcs[at].start <= index < funcs[at].end:
            return funcs[at]
        return None


def edit(text, changes):
    """Apply (start, end, replacement) changes, which must not overlap."""
    out, last = [], 0
    for start, end, new in sorted(changes):
        if start < last:
            raise ValueError("overlapping changes")
        out += [text[last:start], new]
        last = end
    return "".join(out) + text[last:]
