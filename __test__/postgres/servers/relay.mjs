// Something before a server through which a test sees, or changes, what clients send.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { onTestFinished } from "vitest";

/**
 * Starts a relay. `change` is given what a client sends, a byte a character, and its socket, and returns what the server gets;
 * `undefined` ends the connection to the server.
 */
export async function startRelay(server, change) {
	const sockets = new Set();
	const relay = createServer((client) => {
		const upstream = connect(server.port, server.host);
		for (const socket of [client, upstream]) {
			sockets.add(socket);
			socket.on("error", () => {});
		}
		client.on("data", (bytes) => {
			const sent = change(bytes.toString("latin1"), client);
			if (sent === undefined) upstream.destroy();
			else upstream.write(sent, "latin1");
		});
		upstream.on("data", (bytes) => client.write(bytes));
		client.on("close", () => upstream.destroy());
		upstream.on("close", () => client.destroy());
	});
	relay.listen(0, "127.0.0.1");
	await once(relay, "listening");
	onTestFinished(() => {
		for (const socket of sockets) socket.destroy();
		relay.close();
	});
	return { host: "127.0.0.1", port: relay.address().port };
}
