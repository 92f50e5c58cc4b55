#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The client library as the gateway serves it, and the C file that holds it.

usage: embed.py SOURCE VERSION              the text, to standard output
       embed.py SOURCE VERSION OUTPUT.c     the C file

What is served is the source without its comments: lines that are nothing else, comments behind
code, and empty lines. The first lines say whose it is and where the source is.
"""
import base64
import hashlib
import re
import sys
import zlib

HEAD = "// Sallyport %s, client library. SPDX-License-Identifier: Apache-2.0\n"


def without_comments(source):
    """By lines, so no string of the source may have a line that begins with a comment, or ` // ` in it; the tests run
    both texts."""
    source = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*\n", "", source, flags=re.S | re.M)
    source = re.sub(r"^[ \t]*//.*\n", "", source, flags=re.M)
    source = re.sub(r"[ \t]+// .*$", "", source, flags=re.M)
    return re.sub(r"\n\n+", "\n", source)


def served(path, version):
    with open(path, encoding="ascii") as f:
        source = f.read()
    text = without_comments(source)
    if text.count("@VERSION@") != 1:
        raise SystemExit(f"{path}: one @VERSION@ is wanted")
    return (HEAD % version + text.replace("@VERSION@", version)).encode("ascii")


def c_array(name, data):
    """Numbers: compilers need not take strings of more than 4,095 characters."""
    numbers = [str(byte - 256 if byte > 127 else byte) for byte in data]
    lines = ",\n\t".join(",".join(numbers[i:i + 24]) for i in range(0, len(numbers), 24))
    return f"static const char {name}[] = {{\n\t{lines},\n}};\n"


def c_file(text):
    digest = hashlib.sha384(text).digest()
    integrity = "sha384-" + base64.b64encode(digest).decode()
    tag = base64.urlsafe_b64encode(digest).decode()[:12]
    gzip = zlib.compressobj(9, wbits=31)
    packed = gzip.compress(text) + gzip.flush()
    return f"""/* Made by client/embed.py */
#include "policy/client.h"

{c_array("text", text)}
{c_array("packed", packed)}
const struct slice client_text = {{text, sizeof(text)}};
const struct slice client_gzip = {{packed, sizeof(packed)}};
const struct slice client_integrity = SLICE_INIT("{integrity}");
const struct slice client_tag = SLICE_INIT("{tag}");
"""


def main():
    source, version, *output = sys.argv[1:]
    text = served(source, version)
    if not output:
        sys.stdout.buffer.write(text)
        return
    with open(output[0], "w", encoding="ascii") as f:
        f.write(c_file(text))


if __name__ == "__main__":
    main()
