// SPDX-License-Identifier: Apache-2.0
// The page of the naive game. It runs naked (a plain socket to the application) and behind the
// gateway (a ticket first, then the socket); /where.json says which.
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
// All that an application changes to live behind the gateway: the library gets a ticket, opens
// the socket with it, and comes back by itself when it is lost (docs/client.md).
function openSocket(naked, where) {
	return naked
		? new WebSocket(where.socket, ["game.v1"])
		: new Sallyport.Socket("/game", {protocols: ["game.v1"]});
}
// ---------------------------------------------------------------------------------------

async function get(path) {
	const answer = await fetch(path);
	if (!answer.ok)
		throw new Error(path + ": status " + answer.status);
	return answer.json();
}

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
	const where = await get("/where.json");
	const login = where.login + "?back=" + encodeURIComponent(location.origin + "/");
	const naked = where.socket !== "";
	element("help").textContent = naked
		? "Naked: nothing stands between you and the application."
		: "Behind the gateway. The same application, the same page.";
	const me = await get("/whoami").catch(() => ({player: 200000 + Math.floor(Math.random() * 1000)}));
	player = me.player;
	socket = openSocket(naked, where);
	socket.onopen = () => {
		state(naked ? "connected, naked" : "connected through the gateway", "good");
		send("join");
	};
	socket.onmessage = (event) => hear(JSON.parse(event.data));
	const end = (event) => event.code + (event.reason ? " " + event.reason : "");
	socket.onclose = (event) => state("closed: " + end(event), "bad", event.code === 4401 ? login : null);
	socket.onreconnecting = (event) => state("lost: " + end(event) + "; again in " + Math.ceil(event.delay / 1000) + " s", "bad");
}

addEventListener("keydown", walk);
element("teleport").addEventListener("click", () => { edited = true; });
connect().catch((e) => state("Failed: " + e.message, "bad"));
