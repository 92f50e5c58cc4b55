#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of characters for idna.c, from Python's own Unicode data.

usage: idna_table.py OUTPUT

PVALID is derived as RFC 5892 section 3 says. Joining types are not in Python's data: letters of
the joining scripts count as dual-joining but for those that are known to join on one side only.
"""
import sys
import unicodedata

VALID, MARK, VIRAMA, JOIN_D, JOIN_R, JOIN_T = 1, 2, 4, 8, 16, 32
RTL, AN, EN, LTR, NSM, ES, GREEK, HEBREW, KANA = 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384

# RFC 5892 section 2.6
PVALID_EXCEPTIONS = {0x00DF, 0x03C2, 0x06FD, 0x06FE, 0x0F0B, 0x3007}
DISALLOWED_EXCEPTIONS = {0x0640, 0x07FA, 0x302E, 0x302F, 0x3031, 0x3032, 0x3033, 0x3034, 0x3035, 0x303B}
# Join with what stands before them only: alef, dal, reh, waw and their relatives.
RIGHT_JOINING = set("آأؤإاةدذرزوٱٲٳٵٶٷ"
                    "ڈډڊڋڌڍڎڏڐڑڒړڔڕږڗژڙۀۃ"
                    "ۄۅۆۇۈۉۊۋۍۏەۮۯܐܕܖܗܘܙܞܨ"
                    "ܪܬݍݙݚݛݫݬݱݳݴ")
JOINING = [(0x0620, 0x064A), (0x066E, 0x06D5), (0x06EE, 0x06FF), (0x0710, 0x072F), (0x074D, 0x077F),
           (0x07CA, 0x07EA), (0x0840, 0x0858), (0x0860, 0x086A), (0x08A0, 0x08C7), (0x1820, 0x1878),
           (0x1887, 0x18AA), (0xA840, 0xA872)]
NOT_JOINING = {0x0621, 0x0674, 0x06D5}


def unstable(c):
    def fold(s):
        return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", s).casefold())
    return fold(c) != c


def ignorable(p):
    return (p in (0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0) or
            0x180B <= p <= 0x180F or 0x200B <= p <= 0x200F or 0x202A <= p <= 0x202E or
            0x2060 <= p <= 0x206F or 0xFE00 <= p <= 0xFE0F or 0xFFF0 <= p <= 0xFFF8 or
            0x1BCA0 <= p <= 0x1BCA3 or 0x1D173 <= p <= 0x1D17A or 0xE0000 <= p <= 0xE0FFF)


def valid(p, c, category):
    if p in PVALID_EXCEPTIONS:
        return True
    if p in DISALLOWED_EXCEPTIONS:
        return False
    if p == 0x2D or 0x30 <= p <= 0x39 or 0x61 <= p <= 0x7A:
        return True
    if unstable(c) or ignorable(p):
        return False
    if 0x20D0 <= p <= 0x20FF or 0x1D100 <= p <= 0x1D24F:  # ignorable blocks
        return False
    if 0x1100 <= p <= 0x11FF or 0xA960 <= p <= 0xA97F or 0xD7B0 <= p <= 0xD7FF:  # old Hangul jamo
        return False
    return category in ("Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc")


def properties(p):
    c = chr(p)
    category = unicodedata.category(c)
    if category in ("Cn", "Cs", "Co"):
        return 0
    bits = VALID if valid(p, c, category) else 0
    if category[0] == "M":
        bits |= MARK
    if unicodedata.combining(c) == 9:
        bits |= VIRAMA
    if category in ("Mn", "Me", "Cf") and p != 0x200C:
        bits |= JOIN_T
    elif any(first <= p <= last for first, last in JOINING) and category in ("Lo", "Lm") and p not in NOT_JOINING:
        bits |= JOIN_R if c in RIGHT_JOINING else JOIN_D
    bits |= {"R": RTL, "AL": RTL, "AN": AN, "EN": EN, "L": LTR, "NSM": NSM, "ES": ES, "CS": ES, "ET": ES,
             "ON": ES, "BN": ES}.get(unicodedata.bidirectional(c), 0)
    name = unicodedata.name(c, "")
    if name.startswith("GREEK "):
        bits |= GREEK
    if name.startswith("HEBREW "):
        bits |= HEBREW
    if (name.startswith(("HIRAGANA ", "KATAKANA ", "CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH",
                         "HALFWIDTH KATAKANA ", "CJK RADICAL", "KANGXI RADICAL", "HANGZHOU NUMERAL"))
            and p != 0x30FB or p in (0x3005, 0x3007)):
        bits |= KANA
    return bits


def main():
    ranges = []
    for p in range(0x110000):
        bits = properties(p)
        if not bits:
            continue
        if ranges and ranges[-1][1] == p - 1 and ranges[-1][2] == bits:
            ranges[-1][1] = p
        else:
            ranges.append([p, p, bits])
    lines = ["/* Made by src/contract/idna_table.py, Unicode %s */" % unicodedata.unidata_version,
             '#include "contract/idna_table.h"', "", "const struct idna_range idna_ranges[] = {"]
    lines += ["\t{0x%x, 0x%x, %d}," % tuple(r) for r in ranges]
    lines += ["};", "", "const unsigned idna_range_count = sizeof(idna_ranges) / sizeof(idna_ranges[0]);", ""]
    with open(sys.argv[1], "w", encoding="utf-8") as f:
        f.write("\n".join(lines))


main()
