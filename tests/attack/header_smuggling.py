# SPDX-License-Identifier: Apache-2.0
"""A client says who it is in headers that only a gateway may write, in all their spellings."""
import json

from field import Failed

SAYS = "identity headers smuggled past the gateway"
CONFIG = """
routes:
  - {path: /headers, origins: {allow: ["https://shop.example"], missing: allowed}, identify: [guest], upstream: "ws://{ws}/headers", contract: none}
"""
FORMS = (
    ("X-Forwarded-User: admin",),
    ("X_Forwarded_User: admin",),
    ("x-forwarded_user: admin",),
    ("Sallyport-Subject: admin",),
    ("Sallyport_Subject: admin",),
    ("sallyport-subject: admin", "Connection: Upgrade, sallyport-subject"),
    ("X-Forwarded-User: admin", "Connection: Upgrade, Sallyport-Subject, X-Forwarded-User, Sallyport-Request"),
    ("X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1;by=admin"),
)


def told(peer):
    return json.loads(peer.read_message("what the application saw", 1).payload)


def naked(field):
    for form in FORMS[:3]:
        saw = told(field.open("ws", "/headers", *form))
        if saw["you are"] != "admin":
            raise Failed(f"{form} made nobody admin")
    return "X-Forwarded-User and X_Forwarded_User make anybody admin"


def guarded(field):
    field.gateway(CONFIG)
    for form in FORMS:
        saw = told(field.open("gateway", "/headers", *form, source="127.0.0.9"))
        if saw["you are"] != "nobody" or saw["subject"] != "":
            raise Failed(f"{form} reached the application: {saw}")
        for name, value in saw["headers"]:
            if "admin" in value or "_" in name:
                raise Failed(f"{form} reached the application as {name}: {value}")
        peers = [v for n, v in saw["headers"] if n.lower() == "x-forwarded-for"]
        if peers != ["127.0.0.9"]:
            raise Failed(f"X-Forwarded-For is {peers}")
    return "nothing of it arrives"
