// SPDX-License-Identifier: Apache-2.0
// The page of the naive documents. It runs naked (a plain socket to the application) and behind the
// gateway (a ticket first, then the socket); /where.json says which.

"use strict";

const element = (id) => document.getElementById(id);
let socket, shown;

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

// ---------------------------------------------------------------------------------------
// All that an application changes to live behind the gateway: the library gets a ticket, opens
// the socket with it, and comes back by itself when it is lost (docs/client.md).
function openSocket(naked, where) {
	return naked
		? new WebSocket(where.socket, ["document.v1"])
		: new Sallyport.Socket("/document", {protocols: ["document.v1"]});
}
// ---------------------------------------------------------------------------------------

async function get(path) {
	const answer = await fetch(path);
	if (!answer.ok)
		throw new Error(path + ": status " + answer.status);
	return answer.json();
}

function send(message) {
	if (socket && socket.readyState === WebSocket.OPEN)
		socket.send(JSON.stringify(message));
}

function hear(message) {
	if (message.type === "error") {	// the gateway's
		state("refused: " + message.reason, "bad");
	} else if (message.type === "content" && message.document === shown) {
		element("title").textContent = message.title;
		element("text").value = message.text;
		element("last").textContent = "revision " + message.revision + " by " + message.author;
	} else if (message.type === "found") {
		element("found").replaceChildren(...message.found.map((f) => {
			const item = document.createElement("li");
			item.textContent = f.document + ": " + f.title;
			return item;
		}));
	} else if (message.type === "exported") {
		state(message.error || "exported " + message.document + ": " + message.size + " bytes", message.error ? "bad" : "good");
	}
}

async function connect() {
	const where = await get("/where.json");
	const login = where.login + "?back=" + encodeURIComponent(location.origin + "/");
	const naked = where.socket !== "";
	element("help").textContent = naked
		? "Naked: nothing stands between you and the application."
		: "Behind the gateway. The same application, the same page.";
	const me = await get("/whoami").catch(() => ({sub: "guest", documents: [1]}));
	element("author").value = me.sub;
	element("document").value = me.documents[0];
	for (const number of me.documents)
		element("mine").append(new Option("", number));
	socket = openSocket(naked, where);
	socket.onopen = () => state(naked ? "connected, naked" : "connected through the gateway", "good");
	socket.onmessage = (event) => hear(JSON.parse(event.data));
	const end = (event) => event.code + (event.reason ? " " + event.reason : "");
	socket.onclose = (event) => state("closed: " + end(event), "bad", event.code === 4401 ? login : null);
	socket.onreconnecting = (event) => state("lost: " + end(event) + "; again in " + Math.ceil(event.delay / 1000) + " s", "bad");
}

function onSubmit(id, act) {
	element(id).addEventListener("submit", (event) => {
		event.preventDefault();
		act();
	});
}

onSubmit("open", () => {
	shown = Number(element("document").value);
	send({type: "open", document: shown});
});
onSubmit("edit", () => {
	send({type: "edit", document: shown, text: element("text").value, author: element("author").value});
});
onSubmit("search", () => send({type: "search", words: element("words").value}));
element("export").addEventListener("click", () => {
	send({type: "export", document: Number(element("document").value), format: element("format").value});
});
connect().catch((e) => state("Failed: " + e.message, "bad"));
