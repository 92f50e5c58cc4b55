# SPDX-License-Identifier: Apache-2.0
"""Tokens that say themselves how they are to be verified: unsigned, or signed with what everybody knows."""
import os

from field import Failed, say
from tokens import Key, b64, claims

SAYS = "forged tokens"
CONFIG = """
identity:
  token: {jwt: {from: [authorization], keys: [jwt.pem], algorithms: [RS256]}}
routes:
  - {path: /wallet, origins: {allow: [], missing: allowed}, identify: [token], upstream: "ws://{ws}/wallet", contract: none}
"""


def issuer(field):
    key = Key("rsa", field.folder, "k1")
    with open(os.path.join(field.folder, "jwt.pem"), "wb") as f:
        f.write(key.pem)
    return key


def forgeries(field, key):
    """(what it does, token) of root's: none of these needs the private key."""
    root = claims(sub="root")
    thief = Key("secret", field.folder)
    unsigned = thief.token(root, alg="none")
    confused = Key("secret", field.folder)
    confused.secret = key.pem
    return (("unsigned", unsigned.rsplit(".", 1)[0] + "."),
            ("signed with the public key", confused.token(root)),
            ("signed with a key that it brings", thief.token(root, jwk={"kty": "oct", "k": b64(thief.secret)})))


def naked(field):
    for how, token in forgeries(field, issuer(field)):
        thief = field.open("ws", "/wallet", f"Authorization: Bearer {token}")
        thief.expect('text "the balance of root is 1000"', False)
    return "all three read root's balance"


def guarded(field):
    key = issuer(field)
    field.gateway(CONFIG)
    for how, token in forgeries(field, key):
        thief = field.visit("gateway")
        say(thief, "GET /wallet", f"Authorization: Bearer {token}")
        thief.expect("401  reason credential_invalid", False)
    alice = field.open("gateway", "/wallet", f"Authorization: Bearer {key.token(claims())}")
    alice.expect('text "the balance of alice is 1000"', False)
    if field.counted("credential_invalid") != 3:
        raise Failed("not three refusals")
    return field.expect_counted("credential_invalid", 3)
