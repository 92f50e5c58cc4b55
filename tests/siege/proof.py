# SPDX-License-Identifier: Apache-2.0
"""The proof of work of docs/siege.md, paid."""
import hashlib


def solve(proof):
    n = 0
    while True:
        text = f"{proof['challenge']}.{n}"
        if int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") >> (256 - proof["bits"]) == 0:
            return text
        n += 1
