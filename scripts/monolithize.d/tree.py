# SPDX-License-Identifier: GPL-2.0-only
"""The part of a kernel tree that is converted: which files, whose they are.

Paths are those of the kernel, relative to its root, in the input and in the
output alike.
"""

import os
import re

import lex

KVM = "arch/x86/kvm"
GENERIC = "virt/kvm"
HEADERS = "arch/x86/include/asm"
VENDORS = {"vmx": "intel", "svm": "amd"}


def names(root):
    """Files of the conversion: KVM's two folders and its headers."""
    found = []
    for top in (KVM, GENERIC):
        for folder, dirs, files in os.walk(os.path.join(root, top)):
            dirs.sort()
            found += [os.path.relpath(os.path.join(folder, name), root)
                      for name in sorted(files)
                      if name.endswith((".c", ".h", ".S")) or
                      name.startswith(("Makefile", "Kconfig"))]
    folder = os.path.join(root, HEADERS)
    if os.path.isdir(folder):
        found += [f"{HEADERS}/{name}" for name in sorted(os.listdir(folder))
                  if re.fullmatch(r"kvm[-_].*\.h", name)]
    return found


def vendor_of(name):
    """vmx or svm for a vendor's file, None for one that both share."""
    if name.startswith(KVM + "/"):
        first = name[len(KVM) + 1:].split("/")[0]
        if first in VENDORS:
            return first
    return None


class Tree:
    """Files of a tree, scanned when asked for and after each change."""

    def __init__(self, root, original=None):
        self.root = root
        self.input = original or root
        self.names = names(root)
        if f"{KVM}/x86.c" not in self.names:
            raise lex.Error(root, 0, f"no kernel source: {KVM}/x86.c is missing")
        self._sources = {}

    def path(self, name):
        return os.path.join(self.root, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        self._sources.pop(name, None)

    def changed(self, name):
        """Another program wrote the file."""
        self._sources.pop(name, None)

    def code(self):
        """Names of C files and headers."""
        return [name for name in self.names if name.endswith((".c", ".h"))]

    def source(self, name):
        if name not in self._sources:
            self._sources[name] = lex.Source(name, self.read(name))
        return self._sources[name]

    def sources(self):
        return [self.source(name) for name in self.code()]

    def is_function_type(self, name, headers):
        """True if `name` is a typedef for a function (pointer members of it are ops)."""
        pattern = rf"\btypedef\b[^;{{}}]*?\(?\b{name}\s*\)?\s*\("
        if re.search(pattern, headers):
            return True
        for folder in (HEADERS, "include/linux"):
            folder = os.path.join(self.input, folder)
            for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                if not file.endswith(".h"):
                    continue
                with open(os.path.join(folder, file), encoding="utf-8", errors="replace") as f:
                    text = f.read()
                if name in text and re.search(pattern, text):
                    return True
        return False
