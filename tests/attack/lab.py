# SPDX-License-Identifier: Apache-2.0
"""
An example application as it is, or behind the gateway with the policy that comes with it; and people who talk to it.

    lab = Lab(field, "chat")            the application of examples/chat, started
    lab.guard()                         from now on everybody comes through the gateway, by its sallyport.yaml
    alice = lab.enter("alice", "/chat/lobby")       logged in; with a ticket where there is a gateway
    alice.say({...})   alice.hear(type="message")   alice.refused("rule")

The same lines are an attack on both sides.
"""
import http.client
import json
import urllib.parse

from field import Failed
from wst import example

PROTOCOLS = {"chat": "chat.v1", "game": "game.v1", "document": "document.v1"}


class Lab:
    def __init__(self, field, name):
        self.field = field
        self.name = name
        app, self.ports = example.start(name)
        field.helpers.append(app)
        field.ports["app"] = self.ports["ws"]

    def guard(self):
        """Starts the gateway by the example's own policy; only its addresses are changed."""
        return self.field.gateway(example.configuration(self.name, self.field.folder, self.ports, "http://127.0.0.1:0"))

    def log_in(self, name):
        """The cookie, as the application's form gives it."""
        c = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=self.field.world.patience)
        c.request("POST", "/login", urllib.parse.urlencode({"name": name}),
                  {"Content-Type": "application/x-www-form-urlencoded"})
        cookie = c.getresponse().headers["Set-Cookie"].split(";")[0]
        c.close()
        return cookie

    def whoami(self, cookie):
        """What the application says about whoever has this cookie."""
        c = http.client.HTTPConnection("127.0.0.1", self.ports["http"], timeout=self.field.world.patience)
        c.request("GET", "/whoami", headers={"Cookie": cookie})
        claims = json.loads(c.getresponse().read())
        c.close()
        return claims

    def enter(self, name, path, cookie=None):
        """A socket of somebody who is logged in, by this name or as whoever the cookie belongs to."""
        cookie = cookie or self.log_in(name)
        if not self.field.guard:
            return Person(self.field.open("app", path, "Cookie: " + cookie, name=name), self.whoami(cookie))
        ticket = self.field.ticket(path, cookie)
        peer = self.field.open("gateway", path, "Origin: " + self.field.world.variables["origin"],
                               f"Sec-WebSocket-Protocol: {PROTOCOLS[self.name]}, sallyport.ticket.{ticket}", name=name)
        return Person(peer, self.whoami(cookie))


class Person:
    def __init__(self, peer, claims):
        self.peer = peer
        self.claims = claims        # as the page learns them

    def say(self, message):
        """A JSON value, or a text as it is."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.peer.send_frame(1, text.encode())

    def hear_all(self, **wanted):
        """Everything up to and with the first message that has these members."""
        heard = []
        while True:
            frame = self.peer.read_message(f"{wanted}, after {heard[-3:]}", 1)
            if frame.opcode != 1:
                raise Failed(f"{self.peer.name}: wanted {wanted}, got {frame} after {heard[-3:]}")
            heard.append(json.loads(frame.payload))
            if all(heard[-1].get(name) == value for name, value in wanted.items()):
                return heard

    def hear(self, **wanted):
        return self.hear_all(**wanted)[-1]

    def refused(self, reason):
        """The gateway's word is the next that comes from it, and this one."""
        said = self.hear(type="error")
        if said != {"type": "error", "reason": reason}:
            raise Failed(f"{self.peer.name}: wanted {reason}, got {said}")
