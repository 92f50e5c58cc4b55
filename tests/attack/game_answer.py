# SPDX-License-Identifier: Apache-2.0
"""
The server's answer is edited on its way to the page: the page thinks that it lost touch, goes where the answer says,
tells the server so, and the server follows.
"""
from field import Failed
from game_move import at, join
from lab import Lab

SAYS = "teleport by an edited answer of the server"


def page(person, player, here, edit):
    """What public/game.js does when a position comes, which somebody edits before; where it then thinks to be."""
    answer = edit(person.hear(type="position", player=player))
    there = at(answer["newposition_x"], answer["newposition_y"])
    if there != here:
        person.say({"type": "resync", "player": player, **there})
    return there


def teleport(lab):
    (watcher, _), (cheat, player) = join(lab, "watcher"), join(lab, "cheat")
    cheat.say({"type": "move", "player": player, **at(105, 100)})
    where = page(cheat, player, at(105, 100), lambda answer: {**answer, **at(900, 900)})
    if where != at(900, 900):
        raise Failed("the page did not fall for it")
    return watcher, cheat, player


def naked(field):
    watcher, _, player = teleport(Lab(field, "game"))
    watcher.hear(type="seen", player=player, **at(900, 900))
    return "the server puts the player where the edited answer said"


def guarded(field):
    lab = Lab(field, "game")
    lab.guard()
    watcher, cheat, player = teleport(lab)
    cheat.refused("rule")
    # nor by a message that only the server sends
    cheat.say({"type": "position", "player": player, **at(900, 900)})
    cheat.refused("message_unknown")
    # a page that really lost touch comes back, and walks on
    cheat.say({"type": "join", "player": player})
    where = page(cheat, player, at(95, 100), lambda answer: answer)
    cheat.hear(type="position", player=player, **at(105, 100))
    if where != at(105, 100):
        raise Failed(f"the page is at {where}")
    cheat.say({"type": "move", "player": player, **at(110, 100)})
    cheat.hear(type="position", player=player, **at(110, 100))
    seen = watcher.hear_all(player=player, **at(110, 100))
    if any(m.get("newposition_x", 0) > 110 for m in seen):
        raise Failed(f"the player was elsewhere: {seen}")
    return field.expect_counted("rule")
