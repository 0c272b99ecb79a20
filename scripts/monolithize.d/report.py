# SPDX-License-Identifier: GPL-2.0-only
"""report.txt: one line for each site, what it was and what became of it."""

import collections


class Report:
    """Collects lines; the place is that of the input tree where it is known."""

    def __init__(self):
        self.rows, self.notes = [], []

    def add(self, name, line, kind, what, done, by):
        self.rows.append((name, line, kind, what, done, by))

    def site(self, site, line):
        self.add(site.name, line, site.kind, f"{site.ops.name}.{site.op}", site.new(), site.by)

    def note(self, text):
        self.notes.append(text)

    def text(self):
        counts = collections.Counter((kind, by) for _, _, kind, _, _, by in self.rows)
        lines = ["# Made by monolithize. Every place that was changed, by file and line of the",
                 "# input tree: FILE:LINE KIND WHAT -> BECAME (BY)", ""]
        lines += [f"{name}:{line} {kind} {what} -> {done} ({by})"
                  for name, line, kind, what, done, by in
                  sorted(self.rows, key=lambda row: (row[0], row[1], row[2], row[3]))]
        lines += ["", "# Sites by kind and by what converted them"]
        lines += [f"# {number:6} {kind} ({by})" for (kind, by), number in sorted(counts.items())]
        if self.notes:
            lines += ["", "# Notes"] + [f"# {note}" for note in self.notes]
        return "\n".join(lines) + "\n"
