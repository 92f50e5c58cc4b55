# SPDX-License-Identifier: Apache-2.0
"""A client says that it is somebody else, or nobody twice, in the headers that proxies write."""
import json

from field import Failed, honest, say

SAYS = "addresses forged in X-Forwarded-For, Forwarded and PROXY headers"
MANY = 120
MALLORY, PROXY = "127.0.0.66", "127.0.0.7"
CONFIG = """
limits: {handshakes_per_address: 20/s burst 40, connections_per_address: 8}
trusted_proxies: [127.0.0.7]
identity: {guest: {anyone: true}, ticket: {ticket: {from: [guest], bind: [route, address]}}}
routes:
  - {path: /echo, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/echo", contract: none}
  - {path: /headers, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/headers", contract: none}
  - {path: /bound, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [ticket], upstream: "ws://{ws}/echo", contract: none}
"""


def forms(i):
    """What a stranger writes; another address each time."""
    forged = f"198.51.{i // 250}.{1 + i % 250}"
    return (
        (f"X-Forwarded-For: {forged}",),
        (f"Forwarded: for={forged};proto=https",),
        (f"X-Forwarded-For: {forged}, 127.0.0.7", "X-Forwarded-Proto: https"),
        (f"X_Forwarded_For: {forged}", f"X-Real-IP: {forged}", f"CF-Connecting-IP: {forged}"),
    )[i % 4]


def naked(field):
    field.open("ws", "/echo", "X-Forwarded-For: 198.51.100.1", source=MALLORY)
    if "from 198.51.100.1" not in field.access_log():
        raise Failed("the naked server's log names the true address")
    return "the log names whatever address the client likes"


def flood(field, source, headers):
    counts = {}
    for i in range(MANY):
        peer = field.visit("gateway", "mallory", source)
        say(peer, "GET /echo", *headers(i))
        status = peer.read_head("an answer").status
        counts[status] = counts.get(status, 0) + 1
        peer.wire.reset()
    return counts


def told(peer):
    saw = json.loads(peer.read_message("what the application saw", 1).payload)
    return [v for n, v in saw["headers"] if n.lower() == "x-forwarded-for"]


def stolen_ticket(field):
    """A ticket of somebody else, shown with his address in the headers."""
    peer = field.visit("gateway", "victim", "127.0.0.77")
    peer.do_http('POST /.sallyport/ticket  Sallyport: 1  Body: {"route": "/bound"}')
    peer.expect("201  save ticket json ticket", False)
    thief = field.visit("gateway", "thief", "127.0.0.78")
    say(thief, f"GET /bound?ticket={field.world.variables['ticket']}", "X-Forwarded-For: 127.0.0.77",
        "Forwarded: for=127.0.0.77")
    thief.expect("401  reason ticket_bound_elsewhere", False)


def guarded(field):
    field.gateway(CONFIG)
    for i in range(4):
        seen = told(field.open("gateway", "/headers", *forms(i), source="127.0.0.70"))
        if seen != ["127.0.0.70"]:
            raise Failed(f"{forms(i)}: the application was told {seen}")
    counts = flood(field, MALLORY, forms)
    if set(counts) != {101, 429} or counts[101] > 90:
        raise Failed(f"a new address in each handshake evades the rate: {counts}")
    # The same through an honest proxy, which appends where he comes from.
    counts = flood(field, PROXY, lambda i: (f"X-Forwarded-For: 198.51.{i}.1, 10.0.0.{i}, 192.0.2.66",))
    if set(counts) != {101, 429} or counts[101] > 90:
        raise Failed(f"what stands left of the proxy's word evades the rate: {counts}")
    stolen_ticket(field)
    impostor = field.visit("gateway", "impostor", "127.0.0.69")
    impostor.do_raw('"PROXY TCP4 198.51.100.1 127.0.0.1 1 2\\r\\n"')
    impostor.expect("400  reason handshake_malformed", False)
    # Somebody else behind the same proxy does not suffer.
    if told(field.open("gateway", "/headers", "X-Forwarded-For: 192.0.2.67", source=PROXY)) != ["192.0.2.67"]:
        raise Failed("the honest client behind the proxy has another address")
    honest(field)
    field.expect_counted("ticket_bound_elsewhere")
    return field.expect_counted("handshake_rate", 60)
