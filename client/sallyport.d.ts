// SPDX-License-Identifier: Apache-2.0
// Types of client/sallyport.js, which makes one global. In a project with TypeScript:
//     /// <reference path="sallyport.d.ts" />

declare namespace Sallyport {
	/** Of the library: that of the gateway it came from. */
	const version: string;

	interface Options {
		/** The application's subprotocols, in the order of preference. */
		protocols?: string | string[];
		/** The gateway's origin. Default: the page's own. */
		gateway?: string;
		/** A bearer token, or what gets one, asked for each ticket. Without: cookies. */
		token?: string | (() => string | null | undefined | Promise<string | null | undefined>);
		/** Gets a ticket from the application, instead of from the gateway. */
		ticket?: (path: string) => string | Ticket | Promise<string | Ticket>;
		/** Default true. False: no cookie is the credential, do not ask for a CSRF token. */
		csrf?: boolean;
		/** Default true. A function is asked about each socket's end; undefined leaves it to the library. */
		reconnect?: boolean | ((close: Close) => boolean | undefined);
		/** Milliseconds, default 1000: the first pause is random below this, each next below twice as much. */
		delay?: number;
		/** Milliseconds, default 60000. */
		maxDelay?: number;
		/** Milliseconds, default 5000: how far those spread whom a drain or a restart sent away together. */
		spread?: number;
		/** Messages that may wait for the socket to open. Default 0: send() throws while it is not open. */
		queue?: number;
		/** And their bytes. Default 65536. */
		queueBytes?: number;
	}

	interface Ticket {
		ticket: string;
		expires_in?: number;
		/** Seconds after which the session ends unless it is renewed; not there if nothing is to be renewed. */
		renew_within?: number;
	}

	interface Close {
		readonly code: number;
		readonly reason: string;
		readonly wasClean: boolean;
	}

	/** The connection was lost, or could not be had; the next try is after `delay` ms. */
	interface ReconnectingEvent extends Event {
		readonly attempt: number;
		readonly delay: number;
		readonly code: number;
		readonly reason: string;
		readonly error?: unknown;
	}

	/** To try again would end the same way. `close` follows, unless a handler calls reconnect(). */
	interface RefusedEvent extends Event {
		/** The gateway's word: sallyport-reasons(7). */
		readonly reason: string;
		/** Of the ticket endpoint; 0 if an open socket was closed. */
		readonly status: number;
		readonly code: number;
	}

	/** The credential was not good for a renewal: the session will end. */
	interface ExpiringEvent extends Event {
		readonly reason: string;
		/** Milliseconds. */
		readonly expiresIn: number;
	}

	interface SocketEvents {
		open: Event;
		message: MessageEvent;
		close: Event & Close;
		reconnecting: ReconnectingEvent;
		refused: RefusedEvent;
		expiring: ExpiringEvent;
	}

	class Socket extends EventTarget {
		static readonly CONNECTING: 0;
		static readonly OPEN: 1;
		static readonly CLOSING: 2;
		static readonly CLOSED: 3;
		readonly CONNECTING: 0;
		readonly OPEN: 1;
		readonly CLOSING: 2;
		readonly CLOSED: 3;

		/** Begins to connect. The route is a path, with a query if the application wants one. */
		constructor(route: string, options?: Options);
		readonly url: string;
		/** CONNECTING also while it waits for the next try. */
		readonly readyState: number;
		readonly protocol: string;
		readonly bufferedAmount: number;
		binaryType: "blob" | "arraybuffer";
		onopen: ((this: Socket, event: Event) => unknown) | null;
		onmessage: ((this: Socket, event: MessageEvent) => unknown) | null;
		onclose: ((this: Socket, event: Event & Close) => unknown) | null;
		onreconnecting: ((this: Socket, event: ReconnectingEvent) => unknown) | null;
		onrefused: ((this: Socket, event: RefusedEvent) => unknown) | null;
		onexpiring: ((this: Socket, event: ExpiringEvent) => unknown) | null;
		/** Throws InvalidStateError when the socket is not open and there is no room in the queue. */
		send(data: string | ArrayBuffer | ArrayBufferView | Blob): void;
		close(code?: number, reason?: string): void;
		/** At once and as if for the first time: after a log-in, or after `refused`. */
		reconnect(): void;
		addEventListener<K extends keyof SocketEvents>(type: K, listener: (this: Socket, event: SocketEvents[K]) => unknown,
			options?: boolean | AddEventListenerOptions): void;
		addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
	}

	class Refused extends Error {
		readonly reason: string;
		readonly status: number;
		readonly code: number;
		/** To ask again would bring the same answer. */
		readonly final: boolean;
		/** Milliseconds that the gateway said to wait. */
		readonly wait: number;
	}

	/** The socket once it is open; rejected with Refused once it is refused or ended. */
	function connect(route: string, options?: Options): Promise<Socket>;

	/** For other WebSocket libraries: the subprotocols that open a socket, once, within seconds. */
	function ticket(route: string, options?: Options): Promise<Ticket & {protocols: string[]}>;

	/** The value of `Sallyport-Proof` for the `proof` of a 429. */
	function solve(proof: {algorithm: string; challenge: string; bits: number; expires_in?: number},
		signal?: AbortSignal): Promise<string>;

	/** From now on this page's scripts open sockets to these origins only; `self` is the page's own. Once. */
	function pin(origins: string[]): void;
}
