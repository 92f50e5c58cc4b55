// SPDX-License-Identifier: Apache-2.0
// The client library's proofs of work: docs/siege.md's algorithm, another hand's SHA-256 as the judge.

"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const {createHash} = require("node:crypto");
const {readFileSync} = require("node:fs");
const path = require("node:path");
const {World, GOOD, ROOT, served} = require("./world.js");

const zeros = (text) => {
	const digest = BigInt("0x" + createHash("sha256").update(text).digest("hex"));
	return digest === 0n ? 256 : 256 - digest.toString(2).length;
};

// The first number, the slow way.
function first(challenge, bits) {
	for (let n = 0; ; n++)
		if (zeros(`${challenge}.${n}`) >= bits)
			return n;
}

const CHALLENGE = "AQoAAAGe2sE4AIwXkqgYp3ZyVLgU9jvQ2nJmq7R1zQ4w9A";
const proof = (more) => ({algorithm: "sha256", challenge: CHALLENGE, bits: 10, expires_in: 60, ...more});

function page() {
	return new World({setTimeout, clearTimeout});
}

test("the first solution, whatever the challenge's length", async () => {
	const {solve} = page().Sallyport;
	for (const length of [1, 46, 47, 53, 54, 55, 56, 62, 63, 64, 65, 119, 127, 128, 200])
		for (const bits of [0, 1, 7, 11]) {
			const challenge = CHALLENGE.repeat(5).slice(0, length);
			assert.equal(await solve(proof({challenge, bits})), `${challenge}.${first(challenge, bits)}`, `${length} ${bits}`);
		}
});

test("the examples of docs/siege.md", async () => {
	const text = readFileSync(path.join(ROOT, "docs", "siege.md"), "utf8");
	const [, challenge] = text.match(/C = `([\w-]{46})`/);
	const rows = [...text.matchAll(/^\| (\d+) \| (\d+) \| `([0-9a-f]{16})…` \|$/gm)];
	assert.equal(rows.length, 4);
	for (const [, bits, n, hash] of rows) {
		assert.equal(await page().Sallyport.solve(proof({challenge, bits: Number(bits)})), `${challenge}.${n}`);
		assert.equal(createHash("sha256").update(`${challenge}.${n}`).digest("hex").slice(0, 16), hash);
	}
});

test("as many bits as are asked for by default", async () => {
	const text = await page().Sallyport.solve(proof({bits: 17}));
	assert.ok(zeros(text) >= 17, text);
});

test("what is no challenge, and what is too much work", async () => {
	const {solve} = page().Sallyport;
	for (const more of [{algorithm: "scrypt"}, {bits: 27}, {bits: -1}, {bits: "many"}, {challenge: ""}, {challenge: "a b"}, {challenge: "x".repeat(257)}])
		await assert.rejects(solve(proof(more)), {name: "Refused", reason: "proof_unknown"}, JSON.stringify(more));
});

// A worker as the browser makes one: the script from its address, with its name.
function workers(w, fate = () => "works") {
	const made = [];
	class Worker {
		constructor(url, {name}) {
			made.push(this);
			Object.assign(this, {url: String(url), name, ended: false});
			this.fate = fate(this.url);
			if (this.fate === "throws")
				throw new DOMException("", "SecurityError");
		}
		postMessage(data) {
			setImmediate(() => {
				if (this.ended || this.fate === "hangs")
					return;
				if (this.fate === "fails") {
					this.onerror({preventDefault() {}});
					return;
				}
				const inside = {name: this.name, postMessage: (data) => setImmediate(() => this.ended || this.onmessage({data}))};
				require("node:vm").runInNewContext(served, inside);
				assert.ok(!("Sallyport" in inside));
				inside.onmessage({data});
			});
		}
		terminate() { this.ended = true; }
	}
	return {made, Worker};
}

test("in a worker of its own script", async () => {
	const {made, Worker} = workers();
	const w = new World({Worker, setTimeout, clearTimeout,
		document: {currentScript: {src: "https://shop.example/.sallyport/client.js?v=abc"}}});
	assert.equal(await w.Sallyport.solve(proof()), `${CHALLENGE}.${first(CHALLENGE, 10)}`);
	assert.deepEqual([made.length, made[0].url, made[0].name, made[0].ended], [1, "https://shop.example/.sallyport/client.js?v=abc", "sallyport-proof", true]);
});

test("the library is part of a bundle: the worker's script is the gateway's all the same", async () => {
	const {made, Worker} = workers();
	const w = new World({Worker, setTimeout, clearTimeout, document: {currentScript: {src: "https://shop.example/bundle.js"}}});
	await w.Sallyport.solve(proof());
	assert.equal(made[0].url, "https://shop.example/.sallyport/client.js");
});

test("from elsewhere, or where the policy forbids it: a blob, then slices", async () => {
	for (const [src, fate, tried] of [
		["https://gate.example/.sallyport/client.js", () => "works", ["blob:"]],
		["https://gate.example/.sallyport/client.js", () => "throws", ["blob:"]],
		["https://shop.example/.sallyport/client.js", (url) => url.startsWith("blob:") ? "works" : "fails", ["https", "blob:"]],
		["https://shop.example/.sallyport/client.js", () => "fails", ["https", "blob:"]],
		["https://shop.example/.sallyport/client.js", () => "throws", ["https", "blob:"]],
	]) {
		const {made, Worker} = workers(null, fate);
		const w = new World({Worker, Blob, setTimeout, clearTimeout, document: {currentScript: {src}}});
		assert.equal(await w.Sallyport.solve(proof()), `${CHALLENGE}.${first(CHALLENGE, 10)}`);
		assert.deepEqual(made.map((m) => m.url.slice(0, 5)), tried);
	}
});

test("Trusted Types: a policy of that name, and no worker where it is not allowed", async () => {
	const {made, Worker} = workers();
	const policies = [];
	const trustedTypes = {createPolicy: (name, {createScriptURL}) => (policies.push(name), {createScriptURL: (u) => ({toString: () => createScriptURL(u)})})};
	let w = new World({Worker, trustedTypes, setTimeout, clearTimeout});
	await w.Sallyport.solve(proof());
	await w.Sallyport.solve(proof({challenge: "again"}));
	assert.deepEqual([policies.join(), made.length], ["sallyport-proof", 2]);
	w = new World({Worker, Blob, trustedTypes: {createPolicy() { throw new TypeError("disallowed"); }}, setTimeout, clearTimeout});
	assert.ok(await w.Sallyport.solve(proof()));
	assert.equal(made.length, 2);
});

test("out of time", async () => {
	for (const fate of ["hangs", "throws"]) {
		const {made, Worker} = workers(null, () => fate);
		const w = new World({Worker, setTimeout, clearTimeout});
		await assert.rejects(w.Sallyport.solve(proof({bits: 26, expires_in: 0.05})), {name: "Refused"});
		assert.ok(fate === "throws" || made[0].ended);
	}
});

test("the ticket is paid for; after three in vain the next try waits", async () => {
	const w = page();
	w.answers = (call) => call.path === "/.sallyport/csrf" ? GOOD(call) : call.headers["Sallyport-Proof"] ? GOOD(call)
		: {status: 429, body: {reason: "proof_required", proof: proof()}, retry: 1};
	w.socket("/chat");
	while (!w.sockets.length)
		await new Promise(setImmediate);
	w.sockets[0].open();
	assert.equal(w.tickets.length, 2);
	assert.ok(zeros(w.tickets[1].headers["Sallyport-Proof"]) >= 10);
	assert.equal(w.tickets[1].headers["Sallyport-CSRF"], "C1");

	const poor = page();
	let last = 0;
	poor.answers = (call) => call.path === "/.sallyport/csrf" ? GOOD(call)
		: {status: 429, body: {reason: last++ ? "proof_invalid" : "proof_required", proof: proof({challenge: "c" + last})}, retry: 20};
	const socket = poor.socket("/chat");
	while (!socket.told.length)
		await new Promise(setImmediate);
	assert.equal(poor.tickets.length, 4);
	assert.deepEqual(poor.tickets.slice(1).map((c) => c.headers["Sallyport-Proof"].split(".")[0]), ["c1", "c2", "c3"]);
	assert.deepEqual([socket.types(), socket.told[0].reason], ["reconnecting", "proof_invalid"]);
	assert.ok(socket.told[0].delay >= 20000);
	socket.close();
});

test("a page that leaves does not go on working", async () => {
	const {made, Worker} = workers(null, () => "hangs");
	const w = new World({Worker, setTimeout, clearTimeout});
	w.answers = (call) => call.path === "/.sallyport/csrf" ? GOOD(call) : {status: 429, body: {reason: "proof_required", proof: proof()}};
	const socket = w.socket("/chat");
	while (!made.length)
		await new Promise(setImmediate);
	socket.close();
	assert.ok(made[0].ended);
});
