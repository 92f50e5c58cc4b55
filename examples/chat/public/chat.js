// SPDX-License-Identifier: Apache-2.0
// The page of the naive chat. It runs naked (a plain socket to the application) and behind the
// gateway (a ticket first, then the socket); /where.json says which.
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
// All that an application changes to live behind the gateway: the library gets a ticket, opens
// the socket with it, and comes back by itself when it is lost (docs/client.md).
function openSocket(naked, where) {
	return naked
		? new WebSocket(where.socket + room, ["chat.v1"])
		: new Sallyport.Socket("/chat/" + room, {protocols: ["chat.v1"]});
}
// ---------------------------------------------------------------------------------------

async function get(path) {
	const answer = await fetch(path);
	if (!answer.ok)
		throw new Error(path + ": status " + answer.status);
	return answer.json();
}

async function connect() {
	const where = await get("/where.json");
	const login = where.login + "?back=" + encodeURIComponent(location.origin + "/");
	const naked = where.socket !== "";
	element("help").textContent = naked
		? "Naked: nothing stands between you and the application. Try a text of <img src=x onerror=alert(1)>."
		: "Behind the gateway. The same application, the same page.";
	const me = await get("/whoami").catch(() => ({sub: "user" + (1 + Math.floor(Math.random() * 99)), roles: []}));
	element("user").value = me.sub;
	element("kick").hidden = !me.roles.includes("admin");	// nobody else will think of it
	socket = openSocket(naked, where);
	socket.onopen = () => state(naked ? "connected, naked" : "connected through the gateway", "good");
	socket.onmessage = (event) => hear(JSON.parse(event.data));
	const end = (event) => event.code + (event.reason ? " " + event.reason : "");
	socket.onclose = (event) => state("closed: " + end(event), "bad", event.code === 4401 ? login : null);
	socket.onreconnecting = (event) => state("lost: " + end(event) + "; again in " + Math.ceil(event.delay / 1000) + " s", "bad");
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
