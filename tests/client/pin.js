// SPDX-License-Identifier: Apache-2.0
// Sallyport.pin: where a page's sockets may go, held against a script that wants them elsewhere.

"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const {World} = require("./world.js");

const pinnedWorld = (...origins) => {
	const w = new World();
	w.Sallyport.pin(origins.length ? origins : ["self", "https://gate.example:8443"]);
	return w;
};
const refused = {name: "SecurityError"};

test("sockets to the pinned origins open as ever", () => {
	const w = pinnedWorld();
	const socket = w.run('new WebSocket("wss://shop.example/a?b", ["chat.v1"])');
	assert.deepEqual([socket.url, socket.protocols.join()], ["wss://shop.example/a?b", "chat.v1"]);
	assert.ok(w.run('new WebSocket("wss://shop.example:443/") instanceof WebSocket'));
	assert.equal(w.run('new WebSocket("/relative").url'), "https://shop.example/relative");
	assert.equal(w.run('new WebSocket("https://gate.example:8443/x").url'), "https://gate.example:8443/x");
	assert.ok(w.run('new (class Mine extends WebSocket { mine() { return true; } })("wss://shop.example/").mine()'));
	assert.equal(w.run('new WebSocketStream("wss://shop.example/").url'), "wss://shop.example/");
});

test("and nowhere else", () => {
	const w = pinnedWorld();
	for (const url of ["wss://evil.example/", "ws://shop.example/", "wss://shop.example:444/", "wss://shop.example.evil.example/", "wss://shop.example@evil.example/",
		"//evil.example/", "wss://evil.example\\\\@shop.example/", "https://evil.example/", "data:,x", "wss://gate.example/"])
		for (const how of [`new WebSocket("${url}")`, `new WebSocketStream("${url}")`, `Reflect.construct(WebSocket, ["${url}"])`,
			`new (class extends WebSocket {})("${url}")`, `new WebSocket.prototype.constructor("${url}")`,
			`new (new WebSocket("wss://shop.example/").constructor)("${url}")`])
			assert.throws(() => w.run(how), (e) => ["SecurityError", "TypeError"].includes(e.name), how);
	assert.equal(w.sockets.filter((s) => !/^(wss|https):\/\/shop\.example\//.test(s.url)).length, 0);
});

test("what a script does to the page afterwards does not help it", () => {
	const host = Object.getOwnPropertyDescriptor(URL.prototype, "host");
	for (const trick of [
		"URL = function () { return {href: 'wss://shop.example/', protocol: 'wss:', host: 'shop.example'}; }",
		"Reflect.construct = Reflect.apply = () => 'wss://shop.example/'",
		"Object.prototype['wss://evil.example'] = true",
		"Array.prototype.includes = Set.prototype.has = Map.prototype.has = () => true",
		"String.prototype.replace = String.prototype.startsWith = () => 'wss://shop.example'",
		"Object.defineProperty(URL.prototype, 'host', {get: () => 'shop.example'})",
		"Function.prototype.call = Function.prototype.apply = () => 'shop.example'",
		"try { WebSocket = 1 } catch {}",
		"try { Object.defineProperty(globalThis, 'WebSocket', {value: 1}) } catch {}",
		"try { WebSocket.prototype.constructor = 1 } catch {}",
		"try { Object.defineProperty(WebSocket.prototype, 'constructor', {value: 1}) } catch {}",
	]) {
		const w = pinnedWorld();
		w.run("'use strict';" + trick);
		assert.throws(() => w.run('new WebSocket("wss://evil.example/")'), refused, trick);
		assert.throws(() => w.run('new WebSocket.prototype.constructor("wss://evil.example/")'), refused, trick);
		assert.equal(w.run('new WebSocket("wss://shop.example/").url'), "wss://shop.example/", trick);
		Object.defineProperty(URL.prototype, "host", host); // the worlds share it
	}
});

test("an address that changes between two looks is looked at once", () => {
	const w = pinnedWorld();
	w.run('let looks = 0; const two = {toString: () => looks++ ? "wss://evil.example/" : "wss://shop.example/"};');
	assert.equal(w.run("new WebSocket(two).url"), "wss://shop.example/");
	assert.throws(() => w.run("new WebSocket(two)"), refused);
});

test("pinned is pinned", () => {
	const w = pinnedWorld("https://shop.example");
	assert.throws(() => w.Sallyport.pin(["https://evil.example"]), {name: "InvalidStateError"});
	assert.throws(() => w.run("delete globalThis.WebSocket; 'use strict'; new WebSocket('wss://evil.example/')"), refused);
	assert.throws(() => w.run("'use strict'; Sallyport.pin = () => {}"), {name: "TypeError"});
	assert.throws(() => w.run("'use strict'; Sallyport = {}"), {name: "TypeError"});
});

test("what is no origin pins nothing", () => {
	for (const origin of ["shop.example", "*", "https://shop.example/path", "ftp://shop.example", "https://*.example/x"]) {
		const w = new World();
		assert.throws(() => w.Sallyport.pin([origin]), origin);
		assert.ok(w.run('new WebSocket("wss://anywhere.example/")'));
	}
});

test("the library's own sockets are pinned too", async () => {
	const w = pinnedWorld("https://shop.example");
	const good = w.socket("/chat");
	await w.pass(0);
	w.sockets[0].open();
	assert.equal(good.types(), "open");
	const bad = w.socket("/chat", {gateway: "https://gate.example"});
	await w.pass(0);
	assert.deepEqual([bad.types(), bad.told[0].reason, w.sockets.length], ["refused close", "blocked", 1]);
});

test("loaded twice is loaded once", () => {
	const w = pinnedWorld(), before = w.Sallyport;
	w.run(require("./world.js").served);
	assert.equal(w.run("Sallyport"), before);
	assert.throws(() => w.run('new WebSocket("wss://evil.example/")'), refused);
});
