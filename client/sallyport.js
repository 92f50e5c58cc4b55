// SPDX-License-Identifier: Apache-2.0
/*
 * The client library: a WebSocket that knows how to get through a Sallyport gateway.
 *
 *   CSRF token --> ticket [proof of work] --> open --> messages
 *       ^                                      |  \--> renewed before its credential expires
 *       |  back-off with jitter, Retry-After   |
 *       +------------------------------------ lost
 *                                              |  refused: stays away until the page says so
 *                                              v
 *                                     `refused`, `close`
 *
 * One file without dependencies: a classic script, a module's import or a worker's
 * importScripts all make the global `Sallyport`. It needs no eval, no inline script and no
 * origin but the gateway's; tickets and tokens get into no URL and no log.
 * docs/client.md is the manual. This is the source; the gateway serves it without its comments
 * (client/embed.py).
 */
(function sallyport(world) {
"use strict";

const VERSION = "@VERSION@";
const PATH = "/.sallyport/client.js";
const WORKER = "sallyport-proof"; // the name of the worker that this file starts of itself
const CALL_MS = 15000;            // the longest that a request may take
const HANDSHAKE_MS = 20000;       // and a WebSocket's handshake
const STABLE_MS = 10000;          // after so long a connection was a good one: back-off begins anew
const WAIT_MOST_MS = 3600000;     // of a Retry-After
const TIMER_MOST_MS = 2147483647;
const DELAY_LEAST_MS = 100;
const PROOFS_MOST = 3;
const PROOF_BITS_MOST = 26;       // 67 million hashes: more than any gateway asks for
const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];

/* --- proof of work: SHA-256 (FIPS 180-4) over `challenge.N`, as docs/siege.md has it
 *
 * In plain JavaScript: crypto.subtle.digest is a promise for each hash, many times slower for so
 * short a text, and does not exist on http pages beyond localhost. */

const ROUNDS = Int32Array.of(
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2);
const START = Int32Array.of(
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);

// One block: w[0..15] is the message, the rest room.
function compress(hash, w) {
	for (let i = 16; i < 64; i++) {
		const x = w[i - 15], y = w[i - 2];
		w[i] = w[i - 16] + w[i - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3)
			+ ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
	}
	let a = hash[0], b = hash[1], c = hash[2], d = hash[3];
	let e = hash[4], f = hash[5], g = hash[6], h = hash[7];
	for (let i = 0; i < 64; i++) {
		const t = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7))
			+ (e & f ^ ~e & g) + ROUNDS[i] + w[i] | 0;
		const u = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10))
			+ (a & b ^ a & c ^ b & c) | 0;
		h = g; g = f; f = e; e = d + t | 0;
		d = c; c = b; b = a; a = t + u | 0;
	}
	hash[0] += a; hash[1] += b; hash[2] += c; hash[3] += d;
	hash[4] += e; hash[5] += f; hash[6] += g; hash[7] += h;
}

// Returns search(count): the next of so many numbers that is a solution, or -1. What stands in
// front of the number is hashed only once as far as it fills blocks.
function prover(challenge, bits) {
	const prefix = challenge + ".", whole = prefix.length & ~63;
	const first = START.slice(), hash = new Int32Array(8), w = new Int32Array(64);
	const bytes = new Uint8Array(128), view = new DataView(bytes.buffer);
	const load = (at) => {
		for (let i = 0; i < 16; i++)
			w[i] = view.getInt32(at + 4 * i);
	};
	const put = (text, at) => {
		for (let i = 0; i < text.length; i++)
			bytes[at++] = text.charCodeAt(i);
		return at;
	};
	for (let at = 0; at < whole; at += 64) {
		put(prefix.slice(at, at + 64), 0);
		load(0);
		compress(first, w);
	}
	const rest = put(prefix.slice(whole), 0);
	let n = 0;
	return (count) => {
		for (const end = n + count; n < end; n++) {
			const at = put(String(n), rest), size = at < 56 ? 64 : 128;
			bytes[at] = 0x80;
			bytes.fill(0, at + 1, size - 4);
			view.setInt32(size - 4, 8 * (whole + at));
			hash.set(first);
			for (let from = 0; from < size; from += 64) {
				load(from);
				compress(hash, w);
			}
			if (Math.clz32(hash[0]) >= bits)
				return n++;
		}
		return -1;
	};
}

// In the worker that was started for it there is nothing else to do.
if (world.name === WORKER && !world.document) {
	world.onmessage = ({data}) => world.postMessage(prover(data.challenge, data.bits)(Infinity));
	return;
}
if (Object.prototype.hasOwnProperty.call(world, "Sallyport"))
	return; // loaded twice

/* What pages' scripts may replace later is kept as it is now. */
const {location, URL, Worker, EventTarget, Event, MessageEvent, DOMException} = world;
const {AbortController, TextEncoder, Proxy, Reflect, setTimeout, clearTimeout} = world;
const fetch = world.fetch.bind(world);
let WebSocket = world.WebSocket;
const own = ownAddress();

function ownAddress() {
	const script = world.document && world.document.currentScript;
	const url = new URL(script && script.src || PATH, origin() || "http://localhost");
	return url.pathname === PATH ? url.href : origin() + PATH;
}

function origin() {
	return location && location.origin !== "null" ? location.origin : "";
}

/* --- refusals */

// final: to ask again would bring the same answer. wait: milliseconds that we were told to wait.
class Refused extends Error {
	constructor(reason, {status = 0, code = 1006, final = false, wait = 0, proof} = {}) {
		super(reason);
		Object.assign(this, {name: "Refused", reason, status, code, final, wait, proof});
	}
}

function refusal(answer, body) {
	const {status} = answer, seconds = Number(answer.headers.get("Retry-After"));
	const ours = typeof body.reason === "string" && /^\w{1,64}$/.test(body.reason);
	const denied = status === 401 || status === 403;
	return new Refused(ours ? body.reason : "status_" + status, {
		status,
		code: status === 401 ? 4401 : denied ? 1008 : 1006,
		// What a balancer says of a path may be otherwise in a minute; what the gateway says stays.
		final: denied || ours && status >= 400 && status < 500 && status !== 408 && status !== 429,
		wait: seconds > 0 ? Math.min(1000 * seconds, WAIT_MOST_MS) : 0,
		proof: ours && status === 429 ? body.proof : undefined,
	});
}

/* --- solving a proof: in a worker, or in slices where no worker is to be had */

let policy;

// Pages that require Trusted Types allow the policy `sallyport-proof`, or do without a worker.
function scriptURL(url) {
	if (!world.trustedTypes)
		return url;
	policy = policy || world.trustedTypes.createPolicy(WORKER, {createScriptURL: (u) => u});
	return policy.createScriptURL(url);
}

// The number; undefined if such a worker cannot be had.
function inWorker(url, proof, signal) {
	return new Promise((done, failed) => {
		let worker;
		try {
			worker = new Worker(scriptURL(url), {name: WORKER});
		} catch {
			done();
			return;
		}
		const end = () => {
			worker.terminate();
			signal.removeEventListener("abort", stop);
		};
		const stop = () => {
			end();
			failed(new Refused("aborted"));
		};
		signal.addEventListener("abort", stop);
		worker.onmessage = ({data}) => {
			end();
			done(data);
		};
		worker.onerror = (event) => {
			event.preventDefault();
			end();
			done();
		};
		worker.postMessage({challenge: proof.challenge, bits: proof.bits});
	});
}

async function inSlices(proof, signal) {
	const search = prover(proof.challenge, proof.bits);
	for (;;) {
		const found = search(5000); // some milliseconds
		if (found >= 0)
			return found;
		await new Promise((next) => setTimeout(next));
		if (signal.aborted)
			throw new Refused("aborted");
	}
}

async function find(proof, signal) {
	let found;
	if (Worker && new URL(own).origin === origin())
		found = await inWorker(own, proof, signal);
	// The library came from elsewhere, where no worker may come from, or is part of a bundle.
	if (Worker && world.Blob && URL.createObjectURL && !Number.isSafeInteger(found)) {
		const blob = URL.createObjectURL(new world.Blob([`(${sallyport})(self)`], {type: "text/javascript"}));
		found = await inWorker(blob, proof, signal);
		URL.revokeObjectURL(blob);
	}
	return Number.isSafeInteger(found) ? found : inSlices(proof, signal);
}

// The value of `Sallyport-Proof` for the `proof` of a 429.
async function solve(proof, signal = new AbortController().signal) {
	const {algorithm, challenge, bits, expires_in: seconds = 60} = proof;
	if (algorithm !== "sha256" || !/^[\w-]{1,256}$/.test(challenge) || !(bits >= 0 && bits <= PROOF_BITS_MOST))
		throw new Refused("proof_unknown", {status: 429});
	return await within(1000 * seconds, signal, async (inTime) => `${challenge}.${await find(proof, inTime)}`);
}

/* --- asking the gateway */

async function within(ms, signal, work) {
	const run = new AbortController(), stop = () => run.abort();
	const timer = setTimeout(stop, Math.min(ms, TIMER_MOST_MS));
	signal.addEventListener("abort", stop);
	if (signal.aborted)
		stop();
	try {
		return await work(run.signal);
	} finally {
		clearTimeout(timer);
		signal.removeEventListener("abort", stop);
	}
}

function call(target, path, init, signal) {
	return within(CALL_MS, signal, async (inTime) => {
		const answer = await fetch(target.gateway + path,
			{cache: "no-store", redirect: "error", credentials: target.credentials, ...init, signal: inTime});
		const body = await answer.json().catch(() => null) || {};
		if (!answer.ok)
			throw refusal(answer, body);
		return body;
	});
}

const csrfTokens = new Map(); // gateway -> token, good until another session's cookie is there

// "" where there is no cookie that would need one: the route may take a certificate, or anyone.
async function csrfToken(target, signal) {
	if (!csrfTokens.has(target.gateway)) {
		try {
			const {csrf} = await call(target, "/.sallyport/csrf", {}, signal);
			csrfTokens.set(target.gateway, csrf);
		} catch (error) {
			if (error.reason !== "credential_missing")
				throw error;
			return "";
		}
	}
	return csrfTokens.get(target.gateway);
}

async function credentials(target, options, signal) {
	const headers = {"Content-Type": "application/json", Sallyport: "1"};
	const {token} = options;
	if (token !== undefined) {
		const value = typeof token === "function" ? await token() : token;
		if (!value)
			throw new Refused("credential_missing", {status: 401, code: 4401, final: true});
		headers.Authorization = "Bearer " + value;
	} else if (options.csrf) {
		const csrf = await csrfToken(target, signal);
		if (csrf)
			headers["Sallyport-CSRF"] = csrf;
	}
	return headers;
}

async function post(target, options, signal) {
	const headers = await credentials(target, options, signal);
	const body = JSON.stringify({route: target.path});
	for (let proofs = 0; ; proofs++) {
		try {
			return await call(target, "/.sallyport/ticket", {method: "POST", headers, body}, signal);
		} catch (error) {
			if (!error.proof || proofs === PROOFS_MOST)
				throw error;
			headers["Sallyport-Proof"] = await solve(error.proof, signal);
		}
	}
}

// What opens a socket: {ticket, expires_in, renew_within?}.
async function askTicket(target, options, signal) {
	const given = options.ticket ? await options.ticket(target.path) : await buyTicket(target, options, signal);
	const pass = typeof given === "string" ? {ticket: given} : given;
	if (!pass || typeof pass.ticket !== "string" || !/^[\w-]+$/.test(pass.ticket))
		throw new Refused("ticket_malformed");
	return pass;
}

async function buyTicket(target, options, signal) {
	const known = csrfTokens.has(target.gateway);
	try {
		return await post(target, options, signal);
	} catch (error) {
		if (error.status === 401 || error.status === 403)
			csrfTokens.delete(target.gateway);
		// Somebody logged in anew since the token was had.
		if (error.reason !== "csrf_invalid" || !known)
			throw error;
	}
	return post(target, options, signal);
}

/* --- where to, and how */

const DEFAULTS = {
	protocols: [],     // of the application, in the order of preference
	gateway: "",       // its origin; "": the page's own
	token: undefined,  // a bearer token, or a function that gets one; undefined: cookies
	ticket: undefined, // a function that gets a ticket from the application instead
	csrf: true,        // false: no cookie is the credential, do not ask for a CSRF token
	reconnect: true,   // false: never; or a function of the close event: true, false, undefined
	delay: 1000,       // ms: the first back-off is random below it, each next below twice as much
	maxDelay: 60000,   // ms
	spread: 5000,      // ms: how far those spread that a drain or a restart sent away together
	queue: 0,          // messages that may wait for the socket to open
	queueBytes: 65536, // and their bytes
};

function readOptions(given = {}) {
	for (const key of Object.keys(given))
		if (!Object.prototype.hasOwnProperty.call(DEFAULTS, key))
			throw new TypeError(`Sallyport: there is no option ${key}`);
	const o = {...DEFAULTS, ...given};
	for (const key of ["delay", "maxDelay", "spread", "queue", "queueBytes"])
		if (!(o[key] >= 0 && o[key] <= TIMER_MOST_MS))
			throw new RangeError(`Sallyport: ${key} is no such number`);
	o.protocols = [].concat(o.protocols);
	return o;
}

function originOf(text) {
	const url = new URL(text === "self" ? origin() : text);
	const scheme = {"https:": "https:", "wss:": "https:", "http:": "http:", "ws:": "http:"}[url.protocol];
	if (!scheme || url.username || url.pathname !== "/" || url.search || url.hash)
		throw new SyntaxError(`Sallyport: ${text} is no origin`);
	return scheme + "//" + url.host;
}

const socketOrigin = (httpOrigin) => httpOrigin.replace(/^http/, "ws");

function resolve(route, options) {
	const gateway = originOf(options.gateway || "self");
	const url = new URL(route, gateway);
	if (!/^\/(?![/\\])/.test(route) || url.origin !== gateway || url.hash)
		throw new SyntaxError(`Sallyport: ${route} is no route`);
	const credentials = options.token !== undefined ? "omit" : gateway === origin() ? "same-origin" : "include";
	return {gateway, path: url.pathname, url: socketOrigin(gateway) + url.pathname + url.search, credentials};
}

// "again", "spread" (with all the others, so not at once), "refused" (again would end the same
// way), "end" (somebody meant it).
function sequel({code, reason}) {
	if (code === 1001 || code === 1012 || code === 1013)
		return "spread";
	if (code === 1008 || code === 1002 || code === 1003 || code === 1007 || code === 1009 || reason === "revoked")
		return "refused";
	return code === 1000 || code >= 3000 && code !== 4401 && code !== 4408 ? "end" : "again";
}

/* --- the socket */

const size = (data) => typeof data === "string" ? new TextEncoder().encode(data).length : data.byteLength ?? data.size;
// What waits is what was given, whatever becomes of the caller's array meanwhile.
const keep = (data) => ArrayBuffer.isView(data) ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)
	: data instanceof ArrayBuffer ? data.slice(0) : data;

class Socket extends EventTarget {
	#options; #target; #run; #ws = null; #state = CONNECTING;
	#attempt = 0; #opened = 0; #timer; #renewTimer; #renewing = false; #ends = 0;
	#queue = []; #queued = 0; #binaryType = "blob"; #protocol = "";

	constructor(route, options) {
		super();
		this.#options = readOptions(options);
		this.#target = resolve(route, this.#options);
		this.#start();
	}

	get url() { return this.#target.url; }
	get readyState() { return this.#state; }
	get protocol() { return this.#protocol; }
	get bufferedAmount() { return this.#queued + (this.#ws ? this.#ws.bufferedAmount : 0); }
	get binaryType() { return this.#binaryType; }
	set binaryType(type) {
		if (type !== "blob" && type !== "arraybuffer")
			return;
		this.#binaryType = type;
		if (this.#ws)
			this.#ws.binaryType = type;
	}

	send(data) {
		if (this.#state === OPEN) {
			this.#ws.send(data);
			return;
		}
		const bytes = size(data);
		if (this.#state !== CONNECTING || this.#queue.length >= this.#options.queue
			|| this.#queued + bytes > this.#options.queueBytes)
			throw new DOMException("Sallyport: the socket is not open", "InvalidStateError");
		this.#queue.push(keep(data));
		this.#queued += bytes;
	}

	close(code, reason = "") {
		if (this.#state >= CLOSING)
			return;
		if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999))
			throw new DOMException("Sallyport: no code to close with", "InvalidAccessError");
		const ws = this.#ws;
		if (ws && code !== undefined)
			ws.close(code, reason);
		else if (ws)
			ws.close();
		this.#stop();
		this.#state = CLOSING;
		if (ws)
			this.#ws = ws; // its end is ours
		else
			Promise.resolve().then(() => this.#state === CLOSING && this.#end({code: code ?? 1005, reason, wasClean: true}));
	}

	// From whatever state it is in: at once, and as if for the first time.
	reconnect() {
		const ws = this.#ws;
		this.#stop();
		if (ws)
			ws.close();
		this.#attempt = 0;
		this.#start();
	}

	#tell(type, facts) {
		this.dispatchEvent(Object.assign(new Event(type), facts));
	}

	// Nothing of what was under way will be heard of any more.
	#stop() {
		this.#run.abort();
		clearTimeout(this.#timer);
		clearTimeout(this.#renewTimer);
		this.#ws = null;
		this.#renewing = false;
		this.#opened = 0;
	}

	#fresh() {
		if (this.#run)
			this.#run.abort();
		return this.#run = new AbortController();
	}

	async #start() {
		const run = this.#fresh();
		this.#state = CONNECTING;
		this.#protocol = "";
		await null; // whoever made it listens first
		try {
			if (run.signal.aborted)
				return;
			const pass = await askTicket(this.#target, this.#options, run.signal);
			if (!run.signal.aborted)
				this.#open(pass, run);
		} catch (error) {
			if (run.signal.aborted)
				return;
			if (error.final)
				this.#refuse(error);
			else
				this.#again({code: 1006, reason: error.reason || "unreachable", wait: error.wait, error});
		}
	}

	#open(pass, run) {
		const protocols = [...this.#options.protocols, "sallyport.control.v1", "sallyport.ticket." + pass.ticket];
		let ws;
		try {
			ws = new WebSocket(this.#target.url, protocols);
		} catch (error) { // pinned elsewhere, blocked, or no protocols at all
			throw new Refused("blocked", {final: true, code: 1008});
		}
		const timer = setTimeout(() => ws.close(), HANDSHAKE_MS);
		this.#ws = ws;
		ws.binaryType = this.#binaryType;
		ws.onopen = () => {
			clearTimeout(timer);
			if (this.#ws === ws && !run.signal.aborted)
				this.#opening(pass);
		};
		ws.onmessage = (event) => {
			if (this.#ws === ws)
				this.#hear(event);
		};
		ws.onclose = ({code, reason, wasClean}) => {
			clearTimeout(timer);
			if (this.#ws === ws)
				this.#lose({code, reason, wasClean});
		};
	}

	#opening(pass) {
		const {protocol} = this.#ws;
		this.#state = OPEN;
		this.#opened = Date.now();
		this.#protocol = protocol.startsWith("sallyport.") ? "" : protocol;
		this.#ends = 0;
		this.#planRenewal(pass.renew_within);
		this.#tell("open");
		while (this.#queue.length && this.#state === OPEN) {
			const data = this.#queue.shift();
			this.#queued -= size(data);
			this.#ws.send(data);
		}
	}

	#hear({data, origin}) {
		if (this.#renewing && typeof data === "string" && data.startsWith('{"type":"sallyport.renewed",')) {
			this.#renewing = false;
			this.#planRenewal(JSON.parse(data).expires_in);
			return;
		}
		this.dispatchEvent(new MessageEvent("message", {data, origin}));
	}

	#lose(close) {
		const closing = this.#state === CLOSING, {reconnect} = this.#options;
		let asked;
		if (this.#opened && Date.now() - this.#opened >= STABLE_MS)
			this.#attempt = 0;
		this.#stop();
		try {
			asked = !closing && typeof reconnect === "function" ? reconnect(close) : undefined;
		} catch (error) {
			Promise.reject(error); // the page's own: it is told, and we go on as if not asked
		}
		const next = asked === true ? "again" : asked === false || closing ? "end" : sequel(close);
		if (next === "refused")
			this.#refuse(close);
		else if (next === "end")
			this.#end(close);
		else
			this.#again(close);
	}

	#again({code, reason, wait = 0, error}) {
		const {delay, maxDelay, spread, reconnect} = this.#options;
		this.#stop();
		if (!reconnect) {
			this.#end({code, reason, wasClean: false});
			return;
		}
		const doubled = Math.min(maxDelay, delay * 2 ** this.#attempt++);
		const ceiling = sequel({code, reason}) === "spread" ? Math.max(spread, doubled) : doubled;
		const ms = wait + DELAY_LEAST_MS + Math.random() * ceiling;
		this.#state = CONNECTING;
		this.#startAfter(ms);
		// The network is back: whoever waited only for that need not wait for long.
		if (!wait && world.addEventListener)
			world.addEventListener("online", () => this.#startAfter(Math.random() * Math.min(ms, delay)),
				{once: true, signal: this.#fresh().signal});
		this.#tell("reconnecting", {attempt: this.#attempt, delay: ms, code, reason, error});
	}

	#startAfter(ms) {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#start(), Math.min(ms, TIMER_MOST_MS));
	}

	#refuse({reason, status = 0, code}) {
		this.#stop();
		this.#state = CLOSED;
		this.#tell("refused", {reason, status, code});
		if (this.#state === CLOSED)
			this.#end({code, reason, wasClean: false});
	}

	#end({code, reason, wasClean}) {
		this.#stop();
		this.#state = CLOSED;
		this.#queue = [];
		this.#queued = 0;
		this.#tell("close", {code, reason, wasClean});
	}

	/* A session ends with its credential; a fresh ticket for the same subject makes it last as
	 * long as the credential that bought that. Nothing makes it outlast the route's `lifetime`:
	 * when nothing was won any more, it is left to end. */

	#planRenewal(seconds) {
		const ends = Date.now() + 1000 * seconds;
		if (!(seconds > 0) || ends < this.#ends + 1000)
			return;
		this.#ends = ends;
		this.#renewIn(1000 * seconds * (0.6 + 0.2 * Math.random()));
	}

	#renewIn(ms) {
		clearTimeout(this.#renewTimer);
		this.#renewTimer = setTimeout(() => this.#renew(), Math.min(ms, TIMER_MOST_MS));
	}

	async #renew() {
		const ws = this.#ws;
		try {
			const {ticket} = await askTicket(this.#target, this.#options, this.#run.signal);
			if (this.#ws !== ws || this.#state !== OPEN)
				return;
			this.#renewing = true;
			ws.send(JSON.stringify({type: "sallyport.renew", ticket}));
		} catch (error) {
			const left = this.#ends - Date.now();
			if (this.#ws !== ws || this.#state !== OPEN)
				return;
			if (error.final)
				this.#tell("expiring", {reason: error.reason, expiresIn: Math.max(0, left)});
			else if (left > 1000)
				this.#renewIn(Math.max(error.wait || 0, left * (0.2 + 0.3 * Math.random())));
		}
	}
}

const handlers = new WeakMap();
for (const type of ["open", "message", "close", "reconnecting", "refused", "expiring"]) {
	Object.defineProperty(Socket.prototype, "on" + type, {
		get() { return (handlers.get(this) || {})[type] || null; },
		set(handler) {
			const all = handlers.get(this) || {};
			this.removeEventListener(type, all[type]);
			all[type] = typeof handler === "function" ? handler : null;
			if (all[type])
				this.addEventListener(type, all[type]);
			handlers.set(this, all);
		},
	});
}
Object.entries({CONNECTING, OPEN, CLOSING, CLOSED}).forEach(([name, value]) => {
	Object.defineProperty(Socket, name, {value});
	Object.defineProperty(Socket.prototype, name, {value});
});

// A socket once it is open; an error once it is refused or ended.
function connect(route, options) {
	return new Promise((done, failed) => {
		const socket = new Socket(route, options);
		socket.addEventListener("open", () => done(socket), {once: true});
		socket.addEventListener("refused", ({reason, status, code}) =>
			failed(new Refused(reason, {status, code, final: true})), {once: true});
		socket.addEventListener("close", ({code, reason}) =>
			failed(new Refused(reason || "closed", {code, final: true})), {once: true});
	});
}

// For other WebSocket libraries: the subprotocols that open a socket, once, within seconds.
async function ticket(route, options) {
	const o = readOptions(options);
	const pass = await askTicket(resolve(route, o), o, new AbortController().signal);
	return {...pass, protocols: [...o.protocols, "sallyport.control.v1", "sallyport.ticket." + pass.ticket]};
}

/* --- pinning: from now on this page's scripts open sockets to these origins only
 *
 * A belt beside the braces of `Content-Security-Policy: connect-src`: a frame or a worker
 * has a WebSocket of its own, and there are other ways out than sockets. */

const {apply, construct} = Reflect;
const getter = (of, name) => Object.getOwnPropertyDescriptor(of.prototype, name).get;
const href = getter(URL, "href"), protocolOf = getter(URL, "protocol"), hostOf = getter(URL, "host");
let pinned = false;

function guard(Native, allowed) {
	const guarded = new Proxy(Native, {
		construct(target, [url, more], from) {
			// Read once: what is judged is what is opened.
			const wanted = new URL(`${url}`, location.href);
			const scheme = apply(protocolOf, wanted, []), host = apply(hostOf, wanted, []);
			const secure = scheme === "wss:" || scheme === "https:";
			if (!((secure ? "wss://" : "ws://") + host in allowed))
				throw new DOMException("Sallyport: sockets are pinned to other origins", "SecurityError");
			return construct(target, [apply(href, wanted, []), more === undefined ? [] : more], from);
		},
	});
	Object.defineProperty(Native.prototype, "constructor", {value: guarded, writable: false, configurable: false});
	return guarded;
}

function pin(origins) {
	if (pinned)
		throw new DOMException("Sallyport: pinned already", "InvalidStateError");
	const allowed = Object.create(null);
	for (const text of origins)
		allowed[socketOrigin(originOf(text))] = true;
	for (const name of ["WebSocket", "WebSocketStream"])
		if (world[name])
			Object.defineProperty(world, name, {value: guard(world[name], allowed), writable: false, configurable: false});
	WebSocket = world.WebSocket;
	pinned = true;
}

const Sallyport = Object.freeze({Socket, connect, ticket, solve, pin, Refused, version: VERSION});
Object.defineProperty(world, "Sallyport", {value: Sallyport, enumerable: true});
})(globalThis);
