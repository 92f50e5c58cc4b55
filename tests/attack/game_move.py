# SPDX-License-Identifier: Apache-2.0
"""A move is edited on its way: further than legs can carry, or with somebody else's legs."""
from field import Failed, say
from lab import Lab

SAYS = "teleport by an edited move"


def at(x, y):
    return {"newposition_x": x, "newposition_y": y}


def join(lab, name, where=None):
    """(person, player)"""
    person = lab.enter(name, "/game")
    player = person.claims["player"]
    person.say({"type": "join", "player": player})
    person.hear(type="position", player=player, **where or at(100, 100))
    return person, player


def naked(field):
    lab = Lab(field, "game")
    (watcher, _), (victim, theirs), (cheat, mine) = (join(lab, name) for name in ("watcher", "victim", "cheat"))
    cheat.say({"type": "move", "player": mine, **at(900, 900)})
    watcher.hear(type="seen", player=mine, **at(900, 900))
    cheat.say({"type": "move", "player": theirs, **at(1, 1)})
    watcher.hear(type="seen", player=theirs, **at(1, 1))
    # a second socket, whose page still shows the old place: home again with one step
    second, _ = join(lab, "cheat", at(900, 900))
    cheat.say({"type": "move", "player": mine, **at(500, 500)})
    watcher.hear(type="seen", player=mine, **at(500, 500))
    second.say({"type": "move", "player": mine, **at(895, 900)})
    watcher.hear(type="seen", player=mine, **at(895, 900))
    return "across the field at once, the victim too"


def guarded(field):
    lab = Lab(field, "game")
    lab.guard()
    (watcher, _), (victim, theirs), (cheat, mine) = (join(lab, name) for name in ("watcher", "victim", "cheat"))
    for player, place in ((mine, at(900, 900)), (mine, at(106, 100)), (mine, at(100, 94)), (theirs, at(101, 100))):
        cheat.say({"type": "move", "player": player, **place})
        cheat.refused("rule")
    ticket = field.ticket("/game", lab.log_in("cheat"))
    second = field.visit("gateway", "cheat's second")
    say(second, "GET /game", "Origin: " + field.world.variables["origin"],
        f"Sec-WebSocket-Protocol: game.v1, sallyport.ticket.{ticket}")
    second.expect("429  reason connection_limit", False)
    # the honest walk on, and so does the cheat if he walks
    for step in (1, 2, 3):
        for person, player in ((victim, theirs), (cheat, mine)):
            person.say({"type": "move", "player": player, **at(100 + 5 * step, 100)})
            person.hear(type="position", player=player, **at(100 + 5 * step, 100))
    seen = [m for m in watcher.hear_all(player=mine, **at(115, 100)) if m["type"] == "seen"]
    if any(m["newposition_x"] > 115 or m["newposition_y"] != 100 for m in seen):
        raise Failed(f"somebody was elsewhere: {seen}")
    return field.expect_counted("rule", 4)
