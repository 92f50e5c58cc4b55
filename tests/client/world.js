// SPDX-License-Identifier: Apache-2.0
// A page's surroundings, pretended: time that is told to pass, a gateway that answers what the
// test says, sockets that the test opens and closes, dice that fall as the test wants.
//
//   const w = new World();
//   w.answers = (call) => ({status: 201, body: {ticket: "T1"}});
//   const socket = new w.Sallyport.Socket("/chat");
//   await w.pass(0);
//   w.sockets[0].open("chat.v1");

"use strict";

const {execFileSync} = require("node:child_process");
const {readFileSync} = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const ROOT = path.join(__dirname, "..", "..");

// What the gateway serves has to work; and what was written, before its comments were taken out, is no other program.
const SOURCE = path.join(ROOT, "client", "sallyport.js");
const served = process.env.CLIENT === "source" ? readFileSync(SOURCE, "utf8") : execFileSync("/usr/bin/python3",
	[path.join(ROOT, "client", "embed.py"), SOURCE, "0.0.0"], {encoding: "utf8"});

async function settle() {
	for (let i = 0; i < 10; i++)
		await new Promise(setImmediate);
}

// As the real one answers: the last two are the gateway's own.
const GOOD = ({path: p}) => p === "/.sallyport/csrf" ? {status: 200, body: {csrf: "C1"}} : {status: 201, body: {ticket: "T1", expires_in: 30}};

class World {
	constructor(more = {}) {
		const w = this;
		Object.assign(w, {now: 1000000, dice: 0.5, timers: new Map(), lastTimer: 0, calls: [], sockets: [], answers: GOOD});
		class WebSocket {
			constructor(url, protocols) {
				Object.assign(this, {url, protocols: [].concat(protocols || []), sent: [], readyState: 0, protocol: "", bufferedAmount: 0, closed: null});
				w.sockets.push(this);
			}
			send(data) { this.sent.push(data); }
			close(code, reason) { this.closed = {code, reason}; }
			open(protocol = "") { this.readyState = 1; this.protocol = protocol; this.onopen({}); }
			hear(data) { this.onmessage({data, origin: "wss://shop.example"}); }
			end(code, reason = "") { this.readyState = 3; this.onclose({code, reason, wasClean: code !== 1006}); }
		}
		class WebSocketStream {
			constructor(url) { this.url = url; }
		}
		const listeners = new EventTarget();
		const page = {
			location: {origin: "https://shop.example", href: "https://shop.example/page"},
			URL, EventTarget, Event, MessageEvent, DOMException, AbortController, TextEncoder, Uint8Array, ArrayBuffer, Promise,
			addEventListener: (...all) => listeners.addEventListener(...all),
			fetch: (url, init) => w.fetch(url, init),
			setTimeout: (f, ms = 0) => w.setTimeout(f, ms),
			clearTimeout: (id) => w.timers.delete(id),
			console: new Proxy({}, {get() { throw new Error("the library writes to the console"); }}),
			WebSocket, WebSocketStream, ...more,
		};
		w.page = vm.createContext(page);
		w.dispatch = (type) => listeners.dispatchEvent(new Event(type));
		w.run("Math").random = () => w.dice;
		w.run("Date").now = () => w.now;
		w.run(served);
		w.Sallyport = w.run("Sallyport");
	}

	run(code) {
		return vm.runInContext(code, this.page);
	}

	setTimeout(f, ms) {
		this.timers.set(++this.lastTimer, {at: this.now + ms, ms, f});
		return this.lastTimer;
	}

	async fetch(url, init) {
		const {origin, pathname} = new URL(url);
		const call = {origin, path: pathname, at: this.now, ...init, headers: {...init.headers}};
		this.calls.push(call);
		const {status, body = {}, retry, hangs, fails} = await this.answers(call);
		if (fails)
			throw new TypeError("Failed to fetch");
		if (hangs)
			await new Promise((_, failed) => init.signal.addEventListener("abort", () => failed(new DOMException("", "AbortError"))));
		return {
			ok: status < 300, status,
			headers: {get: (name) => name === "Retry-After" && retry ? String(retry) : null},
			json: async () => typeof body === "string" ? JSON.parse(body) : body,
		};
	}

	// Time goes by, and what was to happen in it happens at its moment.
	async pass(ms) {
		const until = this.now + ms;
		await settle();
		for (;;) {
			const next = [...this.timers].filter(([, t]) => t.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
			if (!next)
				break;
			this.timers.delete(next[0]);
			this.now = Math.max(this.now, next[1].at);
			next[1].f();
			await settle();
		}
		this.now = until;
		await settle();
	}

	get tickets() {
		return this.calls.filter((c) => c.path === "/.sallyport/ticket");
	}

	// A socket, and all that it tells.
	socket(route = "/chat/lobby", options) {
		const socket = new this.Sallyport.Socket(route, options);
		socket.told = [];
		for (const type of ["open", "message", "close", "reconnecting", "refused", "expiring"])
			socket.addEventListener(type, (e) => socket.told.push(e));
		socket.types = () => socket.told.map((e) => e.type).join(" ");
		return socket;
	}

	async opened(options, pass) {
		if (pass)
			this.answers = (call) => call.path === "/.sallyport/csrf" ? GOOD(call) : {status: 201, body: {ticket: "T1", expires_in: 30, ...pass}};
		const socket = this.socket("/chat/lobby", options);
		await this.pass(0);
		this.sockets.at(-1).open();
		return socket;
	}
}

module.exports = {World, served, ROOT, GOOD, settle};
