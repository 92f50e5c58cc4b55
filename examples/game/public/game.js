// SPDX-License-Identifier: Apache-2.0
// The page of the naive game. It runs naked (a plain socket to the application) and behind the
// gateway (a ticket first, then the socket); /where.json says which. The part between the two
// lines of dashes is all that an application changes to live behind the gateway.
//
// DO NOT COPY `fixDesync`: it believes an answer, whoever wrote it.

"use strict";

const element = (id) => document.getElementById(id);
const STEP = 5;
const others = new Map();	// player -> where
let socket, player, here, edited = false, waiting = false;

function state(text, kind, link) {
	const line = element("state");
	line.className = kind || "";
	line.textContent = text;
	if (link) {
		const a = document.createElement("a");
		a.href = link;
		a.textContent = "Log in";
		line.append(" ", a);
	}
}

function draw() {
	const pen = element("field").getContext("2d");
	pen.clearRect(0, 0, 1000, 1000);
	const dot = (at, colour) => {
		pen.fillStyle = colour;
		pen.beginPath();
		pen.arc(at.x, at.y, 12, 0, 7);
		pen.fill();
	};
	for (const at of others.values())
		dot(at, "gray");
	if (here)
		dot(here, "seagreen");
	element("player").textContent = player + (here ? " at " + here.x + ", " + here.y : "");
}

// ---------------------------------------------------------------------------------------
class Refused extends Error {
	constructor(status, reason) {
		super(reason);
		this.status = status;
	}
}

async function call(path, options) {
	const answer = await fetch(path, options);
	const body = await answer.json().catch(() => ({}));
	if (!answer.ok)
		throw new Refused(answer.status, body.reason || "status " + answer.status);
	return body;
}

// A ticket is good for one socket, on this route, from this origin, within seconds.
async function openWithTicket(path) {
	const {csrf} = await call("/.sallyport/csrf");
	const {ticket} = await call("/.sallyport/ticket", {
		method: "POST",
		headers: {"Content-Type": "application/json", "Sallyport": "1", "Sallyport-CSRF": csrf},
		body: JSON.stringify({route: path}),
	});
	return new WebSocket("wss://" + location.host + path, ["game.v1", "sallyport.ticket." + ticket]);
}
// ---------------------------------------------------------------------------------------

function send(type, at) {
	if (!socket || socket.readyState !== WebSocket.OPEN)
		return;
	const message = {type: type, player: player};
	if (at)
		Object.assign(message, {newposition_x: at.x, newposition_y: at.y});
	socket.send(JSON.stringify(message));
}

function hear(message) {
	if (message.type === "error") {	// the gateway's
		state("refused: " + message.reason, "bad");
		here = undefined;
		send("join");
		return;
	}
	const at = {x: message.newposition_x, y: message.newposition_y};
	if (message.type === "seen")
		others.set(message.player, at);
	else if (message.type === "left")
		others.delete(message.player);
	else if (message.type === "position")
		fixDesync(at);
	draw();
}

// The server says where we are. If that is elsewhere, we lost touch: go there, and say so.
function fixDesync(at) {
	if (edited) {	// what anybody's proxy can do to what comes here
		at = {x: 900, y: 900};
		edited = false;
	}
	const lost = here && (here.x !== at.x || here.y !== at.y);
	here = at;
	if (lost)
		send("resync", here);
	setTimeout(() => { waiting = false; }, 60);
}

function walk(event) {
	const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
	if (!way || !here || waiting)
		return;
	event.preventDefault();
	const inside = (n) => Math.max(0, Math.min(1000, n));
	here = {x: inside(here.x + STEP * way[0]), y: inside(here.y + STEP * way[1])};
	waiting = true;
	send("move", here);
	draw();
}

async function connect() {
	const where = await call("/where.json");
	const login = where.login + "?back=" + encodeURIComponent(location.origin + "/");
	const naked = where.socket !== "";
	element("help").textContent = naked
		? "Naked: nothing stands between you and the application."
		: "Behind the gateway. The same application, the same page.";
	const me = await call("/whoami").catch(() => ({player: 200000 + Math.floor(Math.random() * 1000)}));
	player = me.player;
	try {
		socket = naked ? new WebSocket(where.socket, ["game.v1"]) : await openWithTicket("/game");
	} catch (e) {
		if (!(e instanceof Refused))
			throw e;
		state("Refused: " + e.message + ".", "bad", e.status === 401 ? login : null);
		return;
	}
	socket.onopen = () => {
		state(naked ? "connected, naked" : "connected through the gateway", "good");
		send("join");
	};
	socket.onmessage = (event) => hear(JSON.parse(event.data));
	socket.onclose = (event) =>
		state("closed: " + event.code + (event.reason ? " " + event.reason : ""), "bad", naked ? null : login);
}

addEventListener("keydown", walk);
element("teleport").addEventListener("click", () => { edited = true; });
connect().catch((e) => state("Failed: " + e.message, "bad"));
