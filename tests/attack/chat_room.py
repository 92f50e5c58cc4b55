# SPDX-License-Identifier: Apache-2.0
"""A room is open to whoever knows its name."""
from field import say
from lab import Lab

SAYS = "listening in somebody else's room"
SECRET = {"user": "admin", "text": "what only the staff knows", "type": "message", "id": 1}


def naked(field):
    lab = Lab(field, "chat")
    admin, mallory = lab.enter("admin", "/chat/staff"), lab.enter("mallory", "/chat/staff")
    admin.say(SECRET)
    mallory.hear(**SECRET)
    return "mallory hears the staff"


def guarded(field):
    lab = Lab(field, "chat")
    lab.guard()
    admin = lab.enter("admin", "/chat/staff")
    origin = "Origin: " + field.world.variables["origin"]
    cookie = lab.log_in("mallory")
    # not even a ticket; one for another room opens that room only
    lobby = field.ticket("/chat/lobby", cookie)
    csrf = field.world.variables["csrf"]
    page = field.visit("gateway", "mallory's page")
    page.do_http(f"POST /.sallyport/ticket  Sallyport: 1  Sallyport-CSRF: {csrf}  Cookie: {cookie}  {origin}"
                 '  Body: {"route": "/chat/staff"}')
    page.expect("403  reason not_allowed", False)
    mallory = field.visit("gateway", "mallory")
    say(mallory, "GET /chat/st%61ff", origin, f"Sec-WebSocket-Protocol: chat.v1, sallyport.ticket.{lobby}")
    mallory.expect("401  reason ticket_bound_elsewhere", False)
    admin.say(SECRET)
    admin.hear(**SECRET)
    lab.enter("mallory", "/chat/garden", cookie)
    return field.expect_counted("not_allowed")
