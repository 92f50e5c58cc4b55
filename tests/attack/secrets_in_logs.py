# SPDX-License-Identifier: Apache-2.0
"""Credentials in URLs end up in logs; so do cookies, if somebody is careless."""
from field import Failed, say

SAYS = "secrets in logs"
CONFIG = """
log: {level: debug}
identity:
  session: {cookie: {name: sid, verify: "http://{ws}/whoami"}}
  ticket: {ticket: {from: [session], ttl: 30s, bind: [origin, route]}}
routes:
  - {path: /echo, origins: same, identify: [ticket], upstream: "ws://{ws}/echo", contract: none}
"""


def naked(field):
    field.open("ws", "/token?token=good")
    if "token=good" not in field.access_log():
        raise Failed("the token is not in the log")
    return "the token is in the access log"


def guarded(field):
    field.gateway(CONFIG)
    origin = "Origin: " + field.world.variables["origin"]
    thief = field.visit("gateway")
    say(thief, "GET /echo?token=canary-token&access_token=canary-access", origin, "Cookie: sid=session-of-canary",
        "Authorization: Bearer canary-bearer")
    thief.expect("401  reason credential_missing", False)
    ticket = field.ticket("/echo", "sid=session-of-canary")
    by_query = field.open("gateway", f"/echo?ticket={ticket}&token=canary-token", origin)
    by_query.do_text('"canary-message"')
    by_query.expect('text "canary-message"', False)
    again = field.visit("gateway")
    say(again, f"GET /echo?ticket={ticket}", origin)
    again.expect("401  reason ticket_used", False)
    csrf = field.world.variables["csrf"]
    logs = "\n".join(field.guard.lines) + field.access_log()
    for secret in ("canary-token", "canary-access", "session-of-canary", "canary-bearer", "canary-message", ticket, csrf):
        if secret in logs:
            line = [l for l in logs.split("\n") if secret in l][0]
            raise Failed(f"{secret} is in a log: {line[:300]}")
    return "neither the gateway's log nor the application's has any"
