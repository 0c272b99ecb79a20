# SPDX-License-Identifier: GPL-2.0-only
"""What every check needs: the list of files, arguments, how to report.

Not a check itself. A check prints its findings, one a line, then one line of
summary, and exits with 0 (clean), 1 (findings) or 2 (it could not look).
"""
import argparse
import os
import re
import subprocess
import sys

VENDORS = {"svm": "__SVM__", "vmx": "__VMX__", "fake": "__FAKE__"}


def arguments(doc, *extra):
    """Parse --root, and what @extra adds as (flags, keywords) pairs."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.getcwd(),
                        help="the tree to look at (default: the current directory)")
    for flags, keywords in extra:
        parser.add_argument(flags, **keywords)
    return parser.parse_args()


def files(root):
    """Paths below @root, relative to it: what git knows or would add."""
    if os.path.exists(os.path.join(root, ".git")):
        git = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
                             capture_output=True, check=True)
        names = git.stdout.decode().split("\0")
    else:
        names = []
        for base, dirs, leaves in os.walk(root):
            dirs[:] = [d for d in dirs if not d.startswith(".")]
            names += [os.path.relpath(os.path.join(base, leaf), root) for leaf in leaves]
    return sorted({n for n in names if n and os.path.isfile(os.path.join(root, n))})


def sources(root, suffixes=(".c", ".h", ".S")):
    """The C and assembly files that are not generated."""
    return [n for n in files(root)
            if n.endswith(suffixes) and not n.endswith((".mod.c", "/asm-offsets.h"))]


def scripts(root):
    """Executable text: pairs of path and interpreter, by the first line."""
    found = []
    for name in files(root):
        with open(os.path.join(root, name), "rb") as stream:
            line = stream.readline(200)
        if line.startswith(b"#!"):
            found.append((name, line[2:].decode(errors="replace").strip()))
    return found


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as stream:
        return stream.read()


def without_comments(text):
    """C text with comments and string contents blanked; line numbers stay."""
    def blank(match):
        piece = match.group(0)
        if piece[0] in "\"'":
            return piece[0] + " " * (len(piece) - 2) + piece[0]
        return re.sub(r"[^\n]", " ", piece)
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
                  blank, text, flags=re.S)


def finish(findings, summary):
    """Print and exit as a check does."""
    for finding in findings:
        print(finding)
    print(f"{summary}, {len(findings)} finding{'s' if len(findings) != 1 else ''}")
    sys.exit(1 if findings else 0)


def cannot(reason):
    print(reason)
    sys.exit(2)
