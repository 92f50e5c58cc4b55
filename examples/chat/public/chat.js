// SPDX-License-Identifier: Apache-2.0
// The page of the naive chat. It runs naked (a plain socket to the application) and behind the
// gateway (a ticket first, then the socket); /where.json says which. The part between the two
// lines of dashes is all that an application changes to live behind the gateway.
//
// DO NOT COPY `show`: it puts what others wrote into the page as HTML, on purpose.

"use strict";

const element = (id) => document.getElementById(id);
const room = location.hash.slice(1) || "lobby";
let socket;

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

function show(message) {
	const item = document.createElement("li");
	item.innerHTML = "<b>" + message.user + "</b>" + message.text;
	element("messages").append(item);
	item.scrollIntoView();
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
	return new WebSocket("wss://" + location.host + path, ["chat.v1", "sallyport.ticket." + ticket]);
}
// ---------------------------------------------------------------------------------------

async function connect() {
	const where = await call("/where.json");
	const login = where.login + "?back=" + encodeURIComponent(location.origin + "/");
	const naked = where.socket !== "";
	element("help").textContent = naked
		? "Naked: nothing stands between you and the application. Try a text of <img src=x onerror=alert(1)>."
		: "Behind the gateway. The same application, the same page.";
	const me = await call("/whoami").catch(() => ({sub: "user" + (1 + Math.floor(Math.random() * 99)), roles: []}));
	element("user").value = me.sub;
	element("kick").hidden = !me.roles.includes("admin");	// nobody else will think of it
	try {
		socket = naked
			? new WebSocket(where.socket + room, ["chat.v1"])
			: await openWithTicket("/chat/" + room);
	} catch (e) {
		if (!(e instanceof Refused))
			throw e;
		state("Refused: " + e.message + ".", "bad", e.status === 401 ? login : null);
		return;
	}
	socket.onopen = () => state(naked ? "connected, naked" : "connected through the gateway", "good");
	socket.onmessage = (event) => hear(JSON.parse(event.data));
	socket.onclose = (event) =>
		state("closed: " + event.code + (event.reason ? " " + event.reason : ""), "bad", naked ? null : login);
}

function hear(message) {
	if (message.type === "error")	// the gateway's
		state("refused: " + message.reason, "bad");
	else if (message.type === "members")
		show({user: "here", text: message.members.map((m) => m.name).join(", ")});
	else if (message.type === "kicked")
		show({user: message.user, text: "<i>was kicked</i>"});
	else
		show(message);
}

function send(message) {
	if (socket && socket.readyState === WebSocket.OPEN)
		socket.send(JSON.stringify(message));
}

element("room").textContent = "#" + room;
element("say").addEventListener("submit", (event) => {
	event.preventDefault();
	send({user: element("user").value, text: element("text").value, type: "message", id: Date.now()});
	element("text").value = "";
});
element("who").addEventListener("click", () => send({type: "who"}));
element("kick").addEventListener("click", () => send({type: "kick", user: element("user").value}));
connect().catch((e) => state("Failed: " + e.message, "bad"));
