# SPDX-License-Identifier: Apache-2.0
"""Fragments without end: each is small, even empty, and each costs its receiver something."""
from field import honest

SAYS = "a flood of fragments"
MANY = 50000
CONFIG = """
routes:
  - {path: /echo, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/echo", contract: none}
"""


def flood(field, where):
    mallory = field.open(where, "/echo")
    mallory.do_frame('text fin=0 "a"')
    mallory.do_raw(f"hex(00 80 00 00 00 00)*{MANY}")
    return mallory


def naked(field):
    mallory = flood(field, "ws")
    mallory.do_continuation('"b"')
    mallory.expect('text "ab"', False)
    return f"a message of two letters in {MANY} fragments is taken"


def guarded(field):
    field.gateway(CONFIG)
    mallory = flood(field, "gateway")
    mallory.expect("close 1008  reason too_many_fragments", False)
    mallory.do_closed("")
    honest(field)
    return field.expect_counted("too_many_fragments")
