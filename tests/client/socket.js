// SPDX-License-Identifier: Apache-2.0
// The client library's socket against a pretended world.

"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const {World, GOOD} = require("./world.js");

const refusedBy = (status, reason, more) => (call) => call.path === "/.sallyport/csrf" ? GOOD(call) : {status, body: reason ? {reason} : {}, ...more};
const bytes = (...all) => Uint8Array.from(all);

test("a cookie: CSRF token, ticket, socket", async () => {
	const w = new World();
	const socket = w.socket("/chat/lobby?since=5", {protocols: ["chat.v1"]});
	assert.equal(socket.readyState, 0);
	await w.pass(0);
	const [csrf, ticket] = w.calls;
	assert.equal(w.calls.length, 2);
	assert.deepEqual([csrf.origin, csrf.path, csrf.method], ["https://shop.example", "/.sallyport/csrf", undefined]);
	assert.deepEqual([ticket.path, ticket.method, ticket.body], ["/.sallyport/ticket", "POST", '{"route":"/chat/lobby"}']);
	assert.deepEqual({...ticket.headers}, {"Content-Type": "application/json", Sallyport: "1", "Sallyport-CSRF": "C1"});
	assert.deepEqual([ticket.credentials, ticket.redirect, ticket.cache], ["same-origin", "error", "no-store"]);
	assert.equal(w.sockets.length, 1);
	assert.equal(w.sockets[0].url, "wss://shop.example/chat/lobby?since=5");
	assert.deepEqual(w.sockets[0].protocols, ["chat.v1", "sallyport.control.v1", "sallyport.ticket.T1"]);
	assert.equal(socket.types(), "");
	w.sockets[0].open("chat.v1");
	assert.deepEqual([socket.readyState, socket.protocol, socket.types()], [1, "chat.v1", "open"]);
	socket.send("hello");
	assert.deepEqual(w.sockets[0].sent, ["hello"]);
	w.sockets[0].hear("hi");
	assert.equal(socket.told.at(-1).data, "hi");
});

test("the gateway's own protocol is not the application's", async () => {
	const w = new World(), socket = await w.opened();
	assert.equal(socket.protocol, "");
	w.sockets[0].end(1006);
	await w.pass(2000);
	w.sockets[1].open("sallyport.control.v1");
	assert.equal(socket.protocol, "");
});

test("a token: asked for each time, no cookies, no CSRF", async () => {
	const w = new World();
	let last = 0;
	const socket = await w.opened({token: async () => "J" + ++last});
	assert.equal(w.calls.length, 1);
	assert.equal(w.calls[0].headers.Authorization, "Bearer J1");
	assert.equal(w.calls[0].credentials, "omit");
	assert.ok(!("Sallyport-CSRF" in w.calls[0].headers));
	w.sockets[0].end(1006);
	await w.pass(2000);
	assert.equal(w.calls[1].headers.Authorization, "Bearer J2");
	assert.equal(socket.types(), "open reconnecting");
});

test("no token is no credential", async () => {
	const w = new World(), socket = w.socket("/chat", {token: () => null});
	await w.pass(0);
	assert.equal(w.calls.length, 0);
	assert.deepEqual([socket.types(), socket.told[0].reason], ["refused close", "credential_missing"]);
});

test("a gateway elsewhere gets cookies by CORS", async () => {
	const w = new World();
	w.socket("/chat", {gateway: "https://ws.example:8443"});
	await w.pass(0);
	assert.deepEqual([w.calls[0].origin, w.calls[0].credentials], ["https://ws.example:8443", "include"]);
	assert.equal(w.sockets[0].url, "wss://ws.example:8443/chat");
});

test("an http page opens ws", async () => {
	const w = new World({location: {origin: "http://shop.example:8080", href: "http://shop.example:8080/"}});
	w.socket("/chat");
	await w.pass(0);
	assert.equal(w.sockets[0].url, "ws://shop.example:8080/chat");
});

test("the answer's url leads nowhere else", async () => {
	const w = new World();
	await w.opened({}, {url: "wss://evil.example/chat"});
	assert.equal(w.sockets[0].url, "wss://shop.example/chat/lobby");
});

test("the CSRF token is kept; one of another session is had anew, once", async () => {
	const w = new World();
	await w.opened();
	await w.opened();
	assert.deepEqual(w.calls.map((c) => c.path.slice(12)), ["csrf", "ticket", "ticket"]);
	let good = false;
	w.answers = (call) => {
		if (call.path === "/.sallyport/csrf") {
			good = true;
			return {status: 200, body: {csrf: "C2"}};
		}
		return good ? GOOD(call) : {status: 403, body: {reason: "csrf_invalid"}};
	};
	w.calls.length = 0;
	await w.opened();
	assert.deepEqual(w.calls.map((c) => c.path.slice(12)), ["ticket", "csrf", "ticket"]);
	assert.equal(w.calls[2].headers["Sallyport-CSRF"], "C2");
	w.answers = refusedBy(403, "csrf_invalid");
	w.calls.length = 0;
	const socket = w.socket();
	await w.pass(600000);
	assert.equal(w.tickets.length, 2);
	assert.equal(socket.types(), "refused close");
});

test("a CSRF token that was invalid from the first is not asked for twice", async () => {
	const w = new World();
	w.answers = refusedBy(403, "csrf_invalid");
	const socket = w.socket();
	await w.pass(60000);
	assert.deepEqual([w.calls.length, socket.types()], [2, "refused close"]);
});

test("without a cookie the ticket is asked for all the same", async () => {
	const w = new World();
	w.answers = (call) => call.path === "/.sallyport/csrf" ? {status: 401, body: {reason: "credential_missing"}} : GOOD(call);
	w.socket();
	await w.pass(0);
	assert.equal(w.sockets.length, 1);
	assert.ok(!("Sallyport-CSRF" in w.tickets[0].headers));
	w.calls.length = 0;
	w.socket("/chat", {csrf: false});
	await w.pass(0);
	assert.deepEqual(w.calls.map((c) => c.path), ["/.sallyport/ticket"]);
});

test("a ticket of the application's", async () => {
	const w = new World(), asked = [];
	w.socket("/chat", {ticket: async (route) => (asked.push(route), "mine")});
	await w.pass(0);
	assert.deepEqual([w.calls.length, asked.join(), w.sockets[0].protocols.at(-1)], [0, "/chat", "sallyport.ticket.mine"]);
});

test("what is no ticket opens nothing", async () => {
	for (const ticket of [undefined, "", "a b", "a,sallyport.csrf.x", {}]) {
		const w = new World();
		w.answers = (call) => call.path === "/.sallyport/csrf" ? GOOD(call) : {status: 201, body: {ticket}};
		const socket = w.socket();
		await w.pass(0);
		assert.deepEqual([w.sockets.length, socket.types(), socket.told[0].reason], [0, "reconnecting", "ticket_malformed"]);
	}
	const w = new World(), socket = w.socket("/chat", {ticket: () => undefined});
	await w.pass(0);
	assert.equal(socket.told[0].reason, "ticket_malformed");
});

test("back-off: random below a ceiling that doubles, up to the greatest", async () => {
	for (const dice of [0, 0.25, 0.999]) {
		const w = new World();
		w.dice = dice;
		w.answers = () => ({fails: true});
		const socket = w.socket("/chat", {token: "t", delay: 1000, maxDelay: 8000});
		await w.pass(120000);
		const delays = socket.told.map((e) => e.delay);
		assert.ok(delays.length > 6);
		for (const [i, delay] of delays.entries()) {
			const ceiling = Math.min(8000, 1000 * 2 ** i);
			assert.ok(delay >= 100 && delay < 100 + ceiling && delay === 100 + dice * ceiling, `${dice} ${i} ${delay}`);
		}
		for (let i = 1; i < delays.length && i < w.calls.length; i++)
			assert.ok(Math.abs(w.calls[i].at - w.calls[i - 1].at - delays[i - 1]) < 1, "it waits as long as it says");
		assert.deepEqual([socket.told[0].reason, socket.told[0].code, socket.told[0].attempt, socket.readyState], ["unreachable", 1006, 1, 0]);
	}
});

test("nobody storms: an hour of failures is few requests", async () => {
	const w = new World();
	w.answers = () => ({status: 503, body: {reason: "overloaded"}});
	w.socket("/chat", {token: "t"});
	await w.pass(3600000);
	assert.ok(w.calls.length > 60 && w.calls.length < 150, String(w.calls.length));
});

test("Retry-After is waited for, and jitter on top", async () => {
	const w = new World();
	w.answers = () => ({status: 503, body: {reason: "siege"}, retry: 30});
	const socket = w.socket("/chat", {token: "t"});
	await w.pass(30000);
	assert.equal(w.calls.length, 1);
	await w.pass(1100);
	assert.equal(w.calls.length, 2);
	assert.ok(socket.told[0].delay >= 30100 && socket.told[0].delay < 31100);
});

test("a drain and a restart: back by themselves, spread", async () => {
	for (const [code, reason] of [[1001, "draining"], [1012, ""], [1013, "siege"]]) {
		const w = new World();
		w.dice = 0.9;
		const socket = await w.opened({spread: 5000});
		w.sockets[0].end(code, reason);
		assert.deepEqual([socket.told.at(-1).type, socket.told.at(-1).delay, socket.told.at(-1).reason], ["reconnecting", 4600, reason]);
		await w.pass(4600);
		w.sockets[1].open();
		assert.equal(socket.types(), "open reconnecting open");
	}
});

test("a good connection begins the back-off anew, one that ends at once does not", async () => {
	const w = new World(), delays = [];
	const socket = await w.opened();
	for (let i = 0; i < 4; i++) {
		w.sockets.at(-1).end(1006);
		delays.push(socket.told.at(-1).delay);
		await w.pass(delays.at(-1));
		w.sockets.at(-1).open();
	}
	assert.deepEqual(delays, [600, 1100, 2100, 4100]);
	await w.pass(10000);
	w.sockets.at(-1).end(1006);
	assert.equal(socket.told.at(-1).delay, 600);
});

test("refused by the ticket endpoint: told once, and nothing more is asked", async () => {
	for (const [status, reason, code] of [[401, "credential_invalid", 4401], [403, "not_allowed", 1008], [404, "route_unknown", 1006], [403, null, 1008]]) {
		const w = new World();
		w.answers = refusedBy(status, reason);
		const socket = w.socket();
		await w.pass(3600000);
		assert.equal(w.calls.length, 2);
		assert.equal(socket.types(), "refused close");
		const [refused, close] = socket.told;
		assert.deepEqual([refused.reason, refused.status, refused.code], [reason || "status_403", status, code]);
		assert.deepEqual([close.code, close.reason, close.wasClean, socket.readyState], [code, refused.reason, false, 3]);
		assert.equal(w.timers.size, 0);
	}
});

test("what is no word of the gateway's may be otherwise in a minute", async () => {
	const w = new World();
	w.answers = (call) => w.now < 1005000 ? {status: 404, body: "<html>"} : GOOD(call);
	const socket = w.socket();
	await w.pass(60000);
	assert.equal(w.sockets.length, 1);
	assert.equal(socket.told[0].reason, "status_404");
});

test("refused by the socket's end", async () => {
	for (const [code, reason] of [[1008, "rule"], [1008, ""], [1009, "message_too_big"], [1007, "json_malformed"], [1002, ""], [1003, ""], [4401, "revoked"]]) {
		const w = new World(), socket = await w.opened();
		w.calls.length = 0;
		w.sockets[0].end(code, reason);
		await w.pass(3600000);
		assert.deepEqual([socket.types(), socket.told[1].code, socket.told[1].reason, w.calls.length], ["open refused close", code, reason, 0], String(code));
	}
});

test("ends that somebody meant", async () => {
	for (const code of [1000, 3000, 4000, 4999]) {
		const w = new World(), socket = await w.opened();
		w.sockets[0].end(code, "bye");
		await w.pass(60000);
		assert.deepEqual([socket.types(), socket.readyState, w.sockets.length], ["open close", 3, 1], String(code));
	}
});

test("ends after which a fresh ticket helps", async () => {
	for (const [code, reason] of [[4401, "credential_expired"], [4401, "lifetime"], [4408, "idle"], [1006, ""], [1005, ""], [1011, "internal_error"], [1014, "upstream_failed"]]) {
		const w = new World(), socket = await w.opened();
		w.sockets[0].end(code, reason);
		await w.pass(1100);
		w.sockets[1].open();
		assert.equal(socket.types(), "open reconnecting open", String(code));
	}
});

test("the page decides otherwise", async () => {
	const w = new World(), seen = [];
	const socket = await w.opened({reconnect: (close) => (seen.push(close.code), close.code === 4000 ? true : close.code === 1006 ? false : undefined)});
	w.sockets[0].end(4000);
	await w.pass(1100);
	w.sockets[1].open();
	w.sockets[1].end(1008, "rule");
	assert.equal(socket.types(), "open reconnecting open refused close");
	socket.reconnect();
	await w.pass(0);
	w.sockets[2].open();
	w.sockets[2].end(1006);
	await w.pass(60000);
	assert.deepEqual(seen, [4000, 1008, 1006]);
	assert.equal(socket.types(), "open reconnecting open refused close open close");
	const never = await w.opened({reconnect: false});
	w.sockets.at(-1).end(1006);
	assert.equal(never.types(), "open close");
	w.answers = () => ({fails: true});
	const first = w.socket("/chat", {reconnect: false});
	await w.pass(60000);
	assert.deepEqual([first.types(), first.told[0].reason], ["close", "unreachable"]);
});

test("until the page says so", async () => {
	const w = new World();
	w.answers = refusedBy(401, "credential_missing");
	const socket = w.socket();
	await w.pass(60000);
	w.answers = GOOD;
	socket.reconnect();
	assert.equal(socket.readyState, 0);
	await w.pass(0);
	w.sockets[0].open();
	assert.equal(socket.types(), "refused close open");
	// in a handler, too: no `close` then
	const again = await w.opened();
	again.addEventListener("refused", () => again.reconnect(), {once: true});
	w.sockets.at(-1).end(1008, "rule");
	await w.pass(0);
	w.sockets.at(-1).open();
	assert.equal(again.types(), "open refused open");
	// and with another person's session, in the middle of everything
	const before = w.sockets.at(-1);
	again.reconnect();
	assert.ok(before.closed);
	before.hear("late");
	before.end(1000);
	await w.pass(0);
	w.sockets.at(-1).open();
	assert.equal(again.types(), "open refused open open");
});

test("nothing waits unless it was said, and never more than was said", async () => {
	const w = new World();
	assert.throws(() => new World().socket().send("x"), {name: "InvalidStateError"});
	const socket = w.socket("/chat", {queue: 3, queueBytes: 10});
	const array = bytes(1, 2, 3);
	socket.send("äö");			// 4 bytes
	socket.send(array);
	array[0] = 9;
	assert.equal(socket.bufferedAmount, 7);
	assert.throws(() => socket.send("1234"), {name: "InvalidStateError"});
	socket.send("123");
	assert.throws(() => socket.send(""), {name: "InvalidStateError"});
	socket.addEventListener("open", () => socket.send("join"));
	await w.pass(0);
	w.sockets[0].open();
	assert.deepEqual(w.sockets[0].sent.map((d) => typeof d === "string" ? d : [...new Uint8Array(d)]), ["join", "äö", [1, 2, 3], "123"]);
	assert.equal(socket.bufferedAmount, 0);
	w.sockets[0].end(1006);
	socket.send("while away");
	await w.pass(2000);
	w.sockets[1].open();
	assert.deepEqual(w.sockets[1].sent, ["join", "while away"]);
	w.sockets[1].end(1008, "rule");
	assert.throws(() => socket.send("x"), {name: "InvalidStateError"});
	assert.equal(socket.bufferedAmount, 0);
});

test("what waited for a socket that was refused is not said later", async () => {
	const w = new World();
	w.answers = refusedBy(401, "credential_expired");
	const socket = w.socket("/chat", {queue: 1});
	socket.send("as alice");
	await w.pass(0);
	assert.deepEqual([socket.types(), socket.bufferedAmount], ["refused close", 0]);
	w.answers = GOOD;
	socket.reconnect();
	await w.pass(0);
	w.sockets[0].open();
	assert.deepEqual(w.sockets[0].sent, []);
});

test("the page's functions are asked once the socket is there", async () => {
	const w = new World();
	const socket = new w.Sallyport.Socket("/chat", {token: () => "t" + socket.readyState});
	await w.pass(0);
	assert.equal(w.calls[0].headers.Authorization, "Bearer t0");
});

test("close, in every state", async () => {
	let w = new World(), socket = await w.opened();
	socket.close(4001, "enough");
	assert.deepEqual([socket.readyState, w.sockets[0].closed.code, w.sockets[0].closed.reason], [2, 4001, "enough"]);
	assert.throws(() => socket.send("x"), {name: "InvalidStateError"});
	w.sockets[0].end(4001, "enough");
	await w.pass(60000);
	assert.deepEqual([socket.types(), socket.readyState, socket.told.at(-1).code], ["open close", 3, 4001]);
	socket.close();

	w = new World();
	w.answers = () => ({hangs: true});
	socket = w.socket();
	await w.pass(0);
	socket.close();
	assert.ok(w.calls[0].signal.aborted);
	await w.pass(60000);
	assert.deepEqual([socket.types(), w.calls.length, socket.told[0].wasClean, socket.told[0].code, w.timers.size], ["close", 1, true, 1005, 0]);

	w = new World();
	w.answers = () => ({fails: true});
	socket = w.socket();
	await w.pass(0);
	socket.close(1000, "left");
	await w.pass(60000);
	assert.deepEqual([socket.types(), w.calls.length, socket.told.at(-1).reason], ["reconnecting close", 1, "left"]);

	w = new World();
	socket = w.socket();
	await w.pass(0);
	socket.close();	// while the handshake runs
	assert.ok(w.sockets[0].closed);
	w.sockets[0].end(1006);
	await w.pass(60000);
	assert.deepEqual([socket.types(), w.sockets.length], ["close", 1]);
	assert.throws(() => w.socket().close(1006), {name: "InvalidAccessError"});
});

test("a call and a handshake that hang", async () => {
	const w = new World();
	w.answers = (call) => w.now > 1000000 ? GOOD(call) : {hangs: true};
	const socket = w.socket();
	await w.pass(16000);
	assert.equal(w.sockets.length, 1);
	await w.pass(20000);
	assert.ok(w.sockets[0].closed);
	w.sockets[0].end(1006);
	await w.pass(2000);
	assert.equal(w.sockets.length, 2);
	assert.equal(socket.types(), "reconnecting reconnecting");
});

test("renewal: before the credential expires, again and again", async () => {
	const w = new World();
	const socket = await w.opened({}, {renew_within: 100});
	await w.pass(59000);
	assert.equal(w.tickets.length, 1);
	await w.pass(21000);
	assert.equal(w.tickets.length, 2);
	assert.deepEqual(JSON.parse(w.sockets[0].sent[0]), {type: "sallyport.renew", ticket: "T1"});
	w.sockets[0].hear('{"type":"sallyport.renewed","expires_in":100}');
	w.sockets[0].hear('{"type":"sallyport.renewed","expires_in":7}');	// nobody asked: the application's
	assert.equal(socket.types(), "open message");
	await w.pass(81000);
	assert.equal(w.tickets.length, 3);
	w.sockets[0].hear('{"type":"sallyport.renewed","expires_in":15}');	// the route's lifetime: as before
	await w.pass(60000);
	assert.equal(w.tickets.length, 3);
	assert.equal(w.sockets.length, 1);
});

test("renewal: transient failures are tried again, a refusal is told and the session goes on", async () => {
	const w = new World(), socket = await w.opened({}, {renew_within: 100});
	w.answers = () => ({status: 503, body: {reason: "store_failed"}});
	await w.pass(90000);
	assert.ok(w.tickets.length >= 3);
	w.answers = refusedBy(401, "credential_expired");
	await w.pass(9000);
	assert.deepEqual([socket.types(), socket.told[1].reason, socket.readyState], ["open expiring", "credential_expired", 1]);
	assert.ok(socket.told[1].expiresIn > 0 && socket.told[1].expiresIn < 10000);
	w.sockets[0].end(4401, "credential_expired");
	await w.pass(60000);
	assert.equal(socket.types(), "open expiring reconnecting refused close");
});

test("no renewal where nothing expires", async () => {
	const w = new World();
	await w.opened();
	await w.pass(86400000);
	assert.equal(w.tickets.length, 1);
});

test("the network is back: no long wait", async () => {
	const w = new World();
	w.answers = (call) => w.now < 1100000 ? {fails: true} : GOOD(call);
	w.socket("/chat", {token: "t"});
	await w.pass(100000);
	const before = w.calls.length;
	w.dispatch("online");
	await w.pass(1000);
	assert.equal(w.calls.length, before + 1);
	w.sockets[0].open();
	w.dispatch("online");
	await w.pass(1000);
	assert.equal(w.calls.length, before + 1);
	w.sockets[0].end(1006);
	await w.pass(60000);
	w.sockets[1].open();	// without that event
	w.dispatch("online");
	await w.pass(60000);
	assert.equal(w.sockets.length, 2);
});

test("routes, gateways and options that are none", () => {
	const {Socket} = new World().Sallyport;
	for (const route of ["//evil.example/x", "/\t/evil.example", "/\n\\evil.example", "/\\evil.example", "https://evil.example/", "chat", "", "/chat#x", undefined])
		assert.throws(() => new Socket(route), {name: /SyntaxError|TypeError/}, String(route));
	for (const gateway of ["ftp://a.example", "https://a.example/path", "https://u@a.example", "https://a.example/?q", "nonsense"])
		assert.throws(() => new Socket("/chat", {gateway}), gateway);
	assert.throws(() => new Socket("/chat", {protocol: "chat"}), /no option protocol/);
	for (const options of [{delay: -1}, {queue: NaN}, {maxDelay: "long"}, {spread: Infinity}])
		assert.throws(() => new Socket("/chat", options), {name: "RangeError"});
});

test("a browser that will not even try", async () => {
	const w = new World();
	w.socket("/chat", {protocols: "chat.v1"});
	await w.pass(0);
	const w2 = new World({WebSocket: class { constructor() { throw new DOMException("", "SecurityError"); } }, WebSocketStream: undefined});
	const socket = w2.socket();
	await w2.pass(60000);
	assert.deepEqual([socket.types(), socket.told[0].reason, w2.tickets.length], ["refused close", "blocked", 1]);
});

test("handlers by attribute, connect() and ticket()", async () => {
	const w = new World(), seen = [];
	const socket = new w.Sallyport.Socket("/chat");
	assert.deepEqual([socket.onopen, socket.OPEN, w.Sallyport.Socket.CLOSED], [null, 1, 3]);
	socket.onopen = () => seen.push("first");
	socket.onopen = () => seen.push("open");
	socket.onmessage = (e) => seen.push(e.data);
	socket.onclose = (e) => seen.push(e.code);
	await w.pass(0);
	w.sockets[0].open();
	w.sockets[0].hear("m");
	socket.onmessage = null;
	w.sockets[0].hear("n");
	w.sockets[0].end(1000);
	assert.deepEqual(seen, ["open", "m", 1000]);

	const promised = w.Sallyport.connect("/chat", {protocols: ["a"]});
	await w.pass(0);
	w.sockets[1].open("a");
	assert.equal((await promised).protocol, "a");
	w.answers = refusedBy(403, "not_allowed");
	await assert.rejects(w.Sallyport.connect("/chat"), {name: "Refused", reason: "not_allowed", status: 403});
	await assert.rejects(w.Sallyport.ticket("/chat"), {name: "Refused", reason: "not_allowed"});
	w.answers = GOOD;
	const {ticket, protocols} = await w.Sallyport.ticket("/chat", {protocols: ["b"]});
	assert.deepEqual([ticket, protocols.join()], ["T1", "b,sallyport.control.v1,sallyport.ticket.T1"]);
});
