// A line to a server on this machine, which can be cut, slowed down, held up and answered by others.

import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** Answers of a server that cannot serve, by the mode of its line. */
const REFUSALS = { error: [500, "InternalError"], unavailable: [503, "SlowDown"] };

/** A server that refuses everything; resolves with its port. */
async function refuse([status, code]) {
	const server = createHttpServer((request, response) => {
		request.resume();
		response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => server.close());
	return server.address().port;
}

/**
 * A line to a port, which may be switched at any time: `pass` hands everything on, `cut` and `reset` end each
 * connection after some bytes of a request, `error` and `unavailable` answer 500 and 503, `slow` delays each piece.
 */
export async function startLine(port) {
	const refusals = {};
	for (const [mode, answer] of Object.entries(REFUSALS)) refusals[mode] = await refuse(answer);
	const connections = new Set();
	let received = 0;
	let gate;
	const line = {
		mode: "pass",
		port: 0,
		/** Closes the connections that are open: a client would keep using them. */
		switch(mode) {
			line.mode = mode;
			for (const end of connections) end();
		},
		/** Holds everything up as soon as so many more bytes have come. Resolves when they have. */
		holdAfter(bytes) {
			gate = { at: received + bytes };
			gate.isOpen = new Promise((resolve) => {
				gate.open = resolve;
			});
			return new Promise((resolve) => {
				gate.reached = resolve;
			});
		},
		/** Lets go what was held up. */
		release() {
			gate.open();
			gate = undefined;
		},
	};
	const server = createServer((client) => {
		const upstream = connect(refusals[line.mode] ?? port, "127.0.0.1");
		const end = () => {
			connections.delete(end);
			if (line.mode === "reset") client.resetAndDestroy();
			client.destroy();
			upstream.destroy();
		};
		connections.add(end);
		client.on("error", end).on("close", end);
		upstream.on("error", end).on("close", end);
		upstream.pipe(client);
		client.on("data", async (chunk) => {
			received += chunk.length;
			if (line.mode === "cut" || line.mode === "reset") {
				upstream.write(chunk.subarray(0, chunk.length / 2));
				setTimeout(end, 5);
				return;
			}
			if (line.mode === "slow") await sleep(100);
			if (gate && received > gate.at) {
				client.pause();
				gate.reached();
				await gate.isOpen;
				client.resume();
			}
			upstream.write(chunk);
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => server.close());
	line.port = server.address().port;
	return line;
}
