# SPDX-License-Identifier: GPL-2.0-only
"""Applies a semantic patch and holds its result against the tool's own reading.

Coccinelle converts functions; it does not look into macro bodies and trace
events, where sites are replaced token by token.  Then every file must be equal,
token by token, to what the site list says it must be.  A site that Coccinelle
could have seen and left is an error, and so is anything else it changed.
"""

import os
import re
import subprocess
import tempfile

import lex


class Patch:
    """A semantic patch of scripts/cocci with its parameters put in."""

    def __init__(self, folder, name, parameters):
        self.name = name
        path = os.path.join(folder, f"{name}.cocci")
        with open(path, encoding="utf-8") as file:
            text = file.read()

        def fill(match):
            if match.group(2) not in parameters:
                raise lex.Error(path, 0, f"nothing is known of the parameter {match.group(2)}")
            words = sorted(parameters[match.group(2)])
            return f'{match.group(1)}"^({"|".join(words) or "none"})$";'

        self.text = re.sub(r'(=~ )".*";\t// @(\w+)@', fill, text)

    def apply(self, tree, files):
        """Run spatch in place over files of the tree."""
        with tempfile.NamedTemporaryFile("w", suffix=".cocci") as file, \
                tempfile.NamedTemporaryFile("w", suffix=".files") as groups:
            file.write(self.text)
            file.flush()
            # A group each: spatch would take files named together for one program.
            groups.write("\n\n".join(tree.path(name) for name in files) + "\n")
            groups.flush()
            done = subprocess.run(
                ["spatch", "--very-quiet", "--no-includes", "--in-place", "--no-show-diff",
                 "--sp-file", file.name, "--file-groups", groups.name],
                capture_output=True, text=True, check=False)
        noise = [line for line in done.stderr.splitlines()
                 if line and not re.match(r"warning: |\s*(\(|\)|;)|Note:|HANDLING|diff|init_defs",
                                          line)]
        if done.returncode:
            raise lex.Error(self.name + ".cocci", 0, "spatch fails: " + " ".join(noise[-3:]))
        for name in files:
            tree.changed(name)


def expected(source, sites, extra=()):
    """The text a file must be equal to."""
    return lex.edit(source.text, [(*s.pos, s.new()) for s in sites] + list(extra))


def same_tokens(name, text, wanted):
    """Raise an error at the first token in which two texts differ."""
    new, old = lex.Source(name, text).tokens, lex.Source(name, wanted).tokens
    for a, b in zip(new, old):
        if a.text != b.text:
            raise lex.Error(name, b.line, f"the semantic patch left {a.text!r} "
                                          f"where {b.text!r} was expected")
    if len(new) != len(old):
        raise lex.Error(name, 0, "the semantic patch changed the end of the file")


def convert(tree, patches, found, refind):
    """Convert the sites in `found` ({file: [Site]}) with patches, one after the other.

    `refind` finds the remaining sites of a file.  Sites get `.by`.
    """
    wanted = {name: expected(tree.source(name), sites) for name, sites in found.items() if sites}
    files = sorted(name for name in wanted if any(s.plain for s in found[name]))
    for patch in patches:
        if files:
            patch.apply(tree, files)
    for name, text in wanted.items():
        left = refind(tree.source(name))
        stuck = next((s for s in left if s.plain), None)
        if stuck:
            raise lex.Error(name, stuck.line, f"no semantic patch converts this {stuck.kind} "
                                              f"of {stuck.op} in {stuck.function}()")
        if left:
            tree.write(name, expected(tree.source(name), left))
        same_tokens(name, tree.read(name), text)
        for site in found[name]:
            site.by = "tokens" if not site.plain else "+".join(p.name for p in patches)
