#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a C file that holds JSON documents, without their white space.

usage: embed.py OUTPUT DOCUMENT...
"""
import json
import sys


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    output, *documents = sys.argv[1:]
    lines = ["/* Made by src/contract/meta/embed.py */", '#include "contract/meta.h"', "",
             "const struct meta_document meta_documents[] = {"]
    for name in documents:
        with open(name, encoding="utf-8") as f:
            document = json.load(f)
        text = json.dumps(document, separators=(",", ":"))
        # C17 promises 4095 characters in a string literal, compilers take more; 2,000 each read well.
        pieces = [text[i:i + 2000] for i in range(0, len(text), 2000)]
        uri = document["$id"].rstrip("#")
        lines.append("\t{SLICE_INIT(%s),\n\t SLICE_INIT(%s)}," %
                     (c_string(uri), "\n\t\t".join(c_string(p) for p in pieces)))
    lines += ["};", "", "const unsigned meta_document_count =",
              "\tsizeof(meta_documents) / sizeof(meta_documents[0]);", ""]
    with open(output, "w", encoding="utf-8") as f:
        f.write("\n".join(lines))


main()
