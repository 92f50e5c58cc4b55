// SPDX-License-Identifier: Apache-2.0
// What a page with TypeScript writes; compiled strictly, never run.
/// <reference path="../../client/sallyport.d.ts" />

async function good(): Promise<void> {
	Sallyport.pin(["self", "https://gate.example"]);
	const socket = new Sallyport.Socket("/chat/lobby", {
		protocols: ["chat.v1"], token: async () => "t", queue: 10,
		reconnect: (close) => close.code === 4000 ? true : undefined,
	});
	socket.onmessage = (event) => console.log(event.data);
	socket.onrefused = ({reason, status}) => { if (status === 401) location.assign("/login?" + reason); };
	socket.addEventListener("reconnecting", ({attempt, delay}) => console.log(attempt.toFixed(), delay.toFixed()));
	socket.addEventListener("expiring", ({expiresIn}) => setTimeout(() => socket.reconnect(), expiresIn));
	if (socket.readyState === Sallyport.Socket.OPEN)
		socket.send(new Uint8Array(3));
	socket.close(1000, "done");
	const other: Sallyport.Socket = await Sallyport.connect("/chat");
	const {protocols} = await Sallyport.ticket("/hub", {csrf: false});
	new WebSocket(other.url, protocols);
	try {
		await Sallyport.solve({algorithm: "sha256", challenge: "c", bits: 10});
	} catch (error) {
		if (error instanceof Sallyport.Refused && error.final)
			console.log(error.reason.length);
	}
}

function bad(): void {
	// @ts-expect-error
	new Sallyport.Socket("/chat", {protocol: "chat.v1"});
	// @ts-expect-error
	new Sallyport.Socket();
	// @ts-expect-error
	new Sallyport.Socket("/chat").readyState = 1;
	// @ts-expect-error
	Sallyport.pin("self");
	// @ts-expect-error
	new Sallyport.Socket("/chat").addEventListener("refused", ({why}) => why);
}

void good;
void bad;
