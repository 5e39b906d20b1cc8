// Servers on this machine, each on a port of its own.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Starts a server on a port that nobody listens on: `start` is called with the port, and returns its process. Resolves with
 * the port when the server accepts connections. Where somebody else was quicker to take the port, takes another.
 */
export async function startOnFreePort(start) {
	for (;;) {
		const port = await freePort();
		if (await accepts(port, start(port))) return port;
	}
}

/** Waits until a server accepts connections on a port. Resolves with whether it does: it may have ended instead. */
export async function accepts(port, server) {
	let hasEnded = false;
	server.once("exit", () => {
		hasEnded = true;
	});
	while (!hasEnded && !(await isOpen(port))) await sleep(20);
	return !hasEnded;
}

/** A port that nobody listens on, as long as nobody is quicker to take it. */
export async function freePort() {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address();
	server.close();
	await once(server, "close");
	return port;
}

async function isOpen(port) {
	const socket = connect(port, "127.0.0.1");
	try {
		await once(socket, "connect");
		return true;
	} catch {
		return false;
	} finally {
		socket.destroy();
	}
}
