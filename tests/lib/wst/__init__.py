# SPDX-License-Identifier: Apache-2.0
"""
Scripted WebSocket conversations, for tests that read like the wire.

    script   text -> statements          (no sockets)
    data     "ab"*3 + hex(00) -> bytes   (no sockets)
    codec    frames <-> bytes            (no sockets; shares nothing with the gateway)
    wire     a socket, clear or TLS, that can be slow, deaf or abrupt
    peer     one end of a conversation: the verbs a script uses
    upstream applications behind the gateway, honest and otherwise
    gateway  the process under test: started, listened to, stopped
    play     one script from its first line to `idle`

Standard library only: what tests the gateway must not break with it.
"""


class Failed(Exception):
    """An expectation that did not come true; `line` is the script's."""

    def __init__(self, what, line=None):
        super().__init__(what)
        self.line = line
