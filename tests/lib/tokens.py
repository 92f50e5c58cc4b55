# SPDX-License-Identifier: Apache-2.0
"""
Keys, signed tokens and their issuer, by the openssl command and the standard library: nothing is
shared with the gateway that judges them.

    key = Key("ec", folder, "k1")            also rsa, ed25519, secret
    key.token({"sub": "alice", "exp": ...})  header members by name: kid=..., typ=..., alg=...
    issuer = Issuer([key]); issuer.url       answers with the set; modes: see Issuer
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import threading
import time

ALGORITHMS = {"ec": "ES256", "rsa": "RS256", "ed25519": "EdDSA", "secret": "HS256"}
_MAKE = {
    "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "ed25519": ["-algorithm", "ED25519"],
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*arguments, stdin=b""):
    return subprocess.run(["openssl", *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True, timeout=30).stdout


def _der_integer(der, at):
    assert der[at] == 2
    end = at + 2 + der[at + 1]
    return int.from_bytes(der[at + 2:end], "big"), end


def _raw_signature(der):
    """ASN.1's r and s as RFC 7518 wants them."""
    r, at = _der_integer(der, 2)
    s, _ = _der_integer(der, at)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Key:
    def __init__(self, kind, folder, kid=None):
        self.kind = kind
        self.kid = kid
        self.path = os.path.join(folder, f"{kid or kind}-{os.urandom(4).hex()}.key")
        if kind == "secret":
            self.secret = os.urandom(32)
            with open(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
                f.write(self.secret)
            return
        _openssl("genpkey", *_MAKE[kind], "-out", self.path)
        self.der = _openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        self.pem = _openssl("pkey", "-in", self.path, "-pubout")

    @property
    def algorithm(self):
        return ALGORITHMS[self.kind.removesuffix("1024")]

    def jwk(self, **members):
        if self.kind == "ec":
            point = self.der[-64:]
            jwk = {"kty": "EC", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])}
        elif self.kind == "ed25519":
            jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(self.der[-32:])}
        else:
            text = _openssl("rsa", "-in", self.path, "-noout", "-modulus").decode()
            jwk = {"kty": "RSA", "n": b64(bytes.fromhex(text.strip().split("=")[1])), "e": "AQAB"}
        if self.kid:
            jwk["kid"] = self.kid
        return {**jwk, **members}

    def sign(self, data, algorithm=None):
        algorithm = algorithm or self.algorithm
        if self.kind == "secret":
            return hmac.new(self.secret, data, hashlib.sha256).digest()
        if self.kind == "ed25519":
            path = self.path + ".in"
            with open(path, "wb") as f:
                f.write(data)
            return _openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", path)
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if algorithm[0] == "P" else []
        signature = _openssl("dgst", "-sha" + algorithm[2:], "-sign", self.path, *options, stdin=data)
        return _raw_signature(signature) if self.kind == "ec" else signature

    def token(self, claims, **header):
        """None as a header member leaves it out; claims may be bytes or text."""
        header = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **header}
        header = {k: v for k, v in header.items() if v is not None}
        payload = claims if isinstance(claims, (str, bytes)) else json.dumps(claims)
        payload = payload.encode() if isinstance(payload, str) else payload
        covered = f"{b64(json.dumps(header).encode())}.{b64(payload)}"
        algorithm = header["alg"] if header["alg"][:2] in ("RS", "PS") else None
        return f"{covered}.{b64(self.sign(covered.encode(), algorithm))}"


def claims(**members):
    """Good for an hour; None leaves a member out."""
    now = int(time.time())
    all_members = {"sub": "alice", "iat": now, "exp": now + 3600, "iss": "https://id.example/", "aud": "chat", **members}
    return {k: v for k, v in all_members.items() if v is not None}


class Issuer:
    """A server of key sets. mode: set | status:N | redirect | nonsense | huge | slow | drop | empty."""

    def __init__(self, keys=()):
        self.keys = list(keys)
        self.mode = "set"
        self.asked = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                issuer.asked += 1
                try:
                    issuer.answer(self)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, to):
        mode = self.mode
        body = json.dumps({"keys": [k.jwk(use="sig") for k in self.keys]}).encode()
        if mode == "drop":
            to.connection.close()
            return
        if mode == "slow":
            time.sleep(8)
        if mode == "nonsense":
            body = b"<html>not keys</html>"
        if mode == "empty":
            body = b'{"keys": []}'
        status = 302 if mode == "redirect" else int(mode[7:]) if mode.startswith("status:") else 200
        to.send_response(status)
        if mode == "redirect":
            to.send_header("Location", self.url + "?again")
        if mode == "huge":
            to.send_header("Content-Length", str(100 << 20))
            to.end_headers()
            for _ in range(100):
                to.wfile.write(b" " * (1 << 20))
            return
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
