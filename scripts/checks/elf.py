# SPDX-License-Identifier: GPL-2.0-only
"""Read sections and relocations of a 64-bit ELF object; just what checks need."""
import collections
import struct

Section = collections.namedtuple("Section", "name kind flags offset size link info entsize")
Reloc = collections.namedtuple("Reloc", "offset section value symbol addend")

SHT_RELA = 4
SHF_EXECINSTR = 4


def text(blob, offset):
    return blob[offset:blob.index(b"\0", offset)].decode()


class Object:
    """sections: list of Section; relocs(name): what is applied to a section."""

    def __init__(self, path):
        with open(path, "rb") as stream:
            self.data = stream.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path}: not a 64-bit little-endian ELF file")
        table, = struct.unpack_from("<Q", self.data, 40)
        entry, count, names = struct.unpack_from("<HHH", self.data, 58)
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, table + i * entry)
               for i in range(count)]
        strings = raw[names][4]
        self.sections = [Section(text(self.data, strings + r[0]), r[1], r[2], r[4], r[5],
                                 r[6], r[7], r[9]) for r in raw]

    def symbol(self, table, index):
        """Name, index of the section, and value of a symbol."""
        symtab = self.sections[table]
        name, _, _, section, value, _ = struct.unpack_from(
            "<IBBHQQ", self.data, symtab.offset + index * 24)
        if name:
            label = text(self.data, self.sections[symtab.link].offset + name)
        else:
            label = self.sections[section].name if section < len(self.sections) else ""
        return label, section, value

    def relocs(self, name):
        """Relocations of the section called @name; section: the index they point into."""
        for rela in self.sections:
            if rela.kind != SHT_RELA or self.sections[rela.info].name != name:
                continue
            for position in range(rela.offset, rela.offset + rela.size, 24):
                offset, info, addend = struct.unpack_from("<QQq", self.data, position)
                label, section, value = self.symbol(rela.link, info >> 32)
                yield Reloc(offset, section, value, label, addend)

    def code(self):
        """Names of the sections that hold instructions."""
        return [s.name for s in self.sections if s.flags & SHF_EXECINSTR and s.size]
