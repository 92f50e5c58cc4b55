# SPDX-License-Identifier: Apache-2.0
"""A page on another site opens a socket; the browser sends the victim's cookie along."""
from field import say

SAYS = "cross-site WebSocket hijacking"
COOKIE = "Cookie: sid=session-of-victim"
EVIL = "Origin: https://evil.example"
CONFIG = """
identity:
  session: {cookie: {name: sid, verify: "http://{ws}/whoami"}}
  ticket: {ticket: {from: [session], ttl: 30s, bind: [origin, route]}}
routes:
  - {path: /account, origins: same, identify: [ticket, session], upstream: "ws://{ws}/account", contract: none}
"""


def naked(field):
    evil = field.open("ws", "/account", EVIL, COOKIE)
    evil.expect('text "the balance of victim is 1000"', False)
    return "evil.example reads the victim's balance"


def guarded(field):
    field.gateway(CONFIG)
    for headers in ((EVIL, COOKIE), ("Origin: null", COOKIE), (EVIL, COOKIE, "Sec-Fetch-Site: cross-site"),
                    (EVIL, "Host: 127.0.0.1:%d" % field.guard.url().port, COOKIE)):
        evil = field.visit("gateway")
        say(evil, "GET /account", *headers)
        evil.expect("403  reason origin_not_allowed", False)
    # another site's page cannot get a ticket either, nor the token that it would need
    for target in ("POST /.sallyport/ticket", "GET /.sallyport/csrf"):
        evil = field.visit("gateway")
        body = '  Body: {"route": "/account"}' if target.startswith("POST") else ""
        evil.do_http(f"{target}  Sallyport: 1  {EVIL}  {COOKIE}{body}")
        evil.expect("403  reason origin_not_allowed  no header Access-Control-Allow-Origin", False)
    # without Origin a cookie is worth nothing
    program = field.visit("gateway")
    say(program, "GET /account", COOKIE)
    program.expect("403  reason origin_missing", False)
    # a sibling's page on the same host may have the cookie and the right to read nothing: no token, no entry
    sibling = field.visit("gateway")
    say(sibling, "GET /account", COOKIE, "Origin: " + field.world.variables["origin"])
    sibling.expect("403  reason csrf_missing", False)

    ticket = field.ticket("/account", "sid=session-of-victim")
    victim = field.open("gateway", "/account", "Origin: " + field.world.variables["origin"],
                        f"Sec-WebSocket-Protocol: sallyport.ticket.{ticket}")
    victim.expect('text "the balance of victim is 1000"', False)
    return field.expect_counted("origin_not_allowed", 6)
