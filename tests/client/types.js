// SPDX-License-Identifier: Apache-2.0
// client/sallyport.d.ts: it compiles strictly, and names what the library has, no more and no less.

"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const {spawnSync} = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const {World, ROOT} = require("./world.js");

const text = fs.readFileSync(path.join(ROOT, "client", "sallyport.d.ts"), "utf8").replace(/\/\*\*.*?\*\//gs, "");
const block = (head) => text.slice(text.indexOf(head), text.indexOf("\n\t}", text.indexOf(head)));
const {Sallyport} = new World();

const compiler = spawnSync("tsc", ["--version"]).error ? "there is no tsc (node-typescript)" : false;
test("a page in TypeScript compiles, and wrong ones do not", {skip: compiler}, () => {
	const done = spawnSync("tsc", ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom",
		path.join(__dirname, "use.ts")], {encoding: "utf8"});
	assert.equal(done.stdout + done.stderr, "");
	assert.equal(done.status, 0);
});

test("the same names", () => {
	const declared = [...text.matchAll(/^\t(?:const|class|function) (\w+)/gm)].map((m) => m[1]);
	assert.deepEqual(declared.sort(), Object.keys(Sallyport).sort());
});

test("the same members of Socket", () => {
	const declared = [...new Set([...block("class Socket").matchAll(/^\t\t(?:readonly )?(\w+)[(:]/gm)].map((m) => m[1]))]
		.filter((name) => name !== "addEventListener" && name !== "constructor");
	const real = Object.getOwnPropertyNames(Sallyport.Socket.prototype).filter((name) => name !== "constructor");
	assert.deepEqual(declared.sort(), real.sort());
});

test("the same options", () => {
	const served = require("./world.js").served;
	const real = [...served.slice(served.indexOf("const DEFAULTS"), served.indexOf("function readOptions")).matchAll(/^\t(\w+):/gm)].map((m) => m[1]);
	const declared = [...block("interface Options").matchAll(/^\t\t(\w+)\?:/gm)].map((m) => m[1]);
	assert.deepEqual(declared.sort(), real.sort());
});
