// SPDX-License-Identifier: Apache-2.0
// Node's HTTP server on pretended sockets: a base64 line in, a JSON line out.
// `node http_peer.js [lenient]`. Out: the requests that it saw in those bytes, in order.
"use strict";
const http = require("http");
const readline = require("readline");
const { Duplex } = require("stream");

const lenient = process.argv[2] === "lenient";

function judge(bytes) {
  return new Promise((done) => {
    const seen = [];
    let refused = false;
    const note = (request) => {
      const one = { method: request.method, target: request.url, headers: [], body: 0 };
      for (let i = 0; i < request.rawHeaders.length; i += 2)
        one.headers.push([request.rawHeaders[i], request.rawHeaders[i + 1]]);
      seen.push(one);
      return one;
    };
    const server = http.createServer({ insecureHTTPParser: lenient });
    server.on("request", (request, response) => {
      const one = note(request);
      request.on("data", (data) => (one.body += data.length));
      response.end();
    });
    server.on("upgrade", (request, socket, head) => {
      note(request).body = head.length;
    });
    server.on("connect", (request) => note(request));
    server.on("checkExpectation", (request, response) => { note(request); response.end(); });
    server.on("clientError", () => (refused = true));
    const socket = new Duplex({ read() {}, write(chunk, encoding, next) { next(); } });
    socket.on("error", () => {});
    socket.setTimeout = () => socket;
    server.emit("connection", socket);
    socket.push(bytes);
    let turns = 6;
    const wait = () => {
      if (turns-- > 0) return setImmediate(wait);
      server.removeAllListeners("clientError");
      server.on("clientError", () => {});
      socket.destroy();
      done({ seen, refused });
    };
    setImmediate(wait);
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await judge(Buffer.from(line, "base64"))));
})();
