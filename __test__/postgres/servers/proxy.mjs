// A proxy before a server that cuts connections in the worst moments.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** Text in the first message of every transaction of a store, unless it was prepared. */
const WRITE = "UPDATE __rootcellar_writers";

/** Message that prepares a statement under a name, with its text; and one that begins to run it. */
const PARSE = /P.{4}(s\d+)\0([^\0]*)/gs;
const BIND = /B.{4}\0(s\d+)\0/gs;

/** Time for which a message is held back that arrives late, when the store has long connected again. */
const LATE_MS = 150;

/** Tells of what a client sends whether it writes. */
function writesOf() {
	const prepared = new Set();
	return (bytes) => {
		const text = bytes.toString("latin1");
		for (const [, name, statement] of text.matchAll(PARSE)) if (statement.includes(WRITE)) prepared.add(name);
		const runs = [...text.matchAll(BIND)].some(([, name]) => prepared.has(name));
		return runs || text.replace(PARSE, "").includes(WRITE);
	};
}

/**
 * Starts a proxy. Of every write `decide` says what becomes of it: `pass`; `before`, the connection is cut before the server
 * has it; `within`, right after; `after`, when the server has answered; `late`, the server has it only after the store has
 * connected again. `cuts` counts them.
 */
export async function startProxy(server, decide) {
	const sockets = new Set();
	const cuts = { before: 0, within: 0, after: 0, late: 0 };
	const proxy = createServer((client) => {
		const upstream = connect(server.port, server.host);
		const isWrite = writesOf();
		let holdsBack = false;
		for (const socket of [client, upstream]) {
			sockets.add(socket);
			socket.setNoDelay(true);
			socket.on("error", () => {});
			socket.on("close", () => sockets.delete(socket));
		}
		const cut = () => {
			client.destroy();
			upstream.destroy();
		};
		client.on("data", async (bytes) => {
			const fate = isWrite(bytes) ? decide() : "pass";
			if (fate !== "pass") cuts[fate]++;
			if (fate === "before") {
				cut();
			} else if (fate === "late") {
				client.destroy();
				await sleep(LATE_MS);
				upstream.end(bytes);
			} else {
				holdsBack ||= fate === "after";
				upstream.write(bytes, () => fate === "within" && cut());
			}
		});
		upstream.on("data", (bytes) => (holdsBack ? cut() : client.write(bytes)));
		client.on(
			"close",
			() => holdsBack || upstream.writableLength > 0 || setTimeout(() => upstream.destroy(), 2 * LATE_MS),
		);
		upstream.on("close", () => client.destroy());
	});
	proxy.listen(0, "127.0.0.1");
	await once(proxy, "listening");
	onTestFinished(() => {
		for (const socket of sockets) socket.destroy();
		proxy.close();
	});
	return { host: "127.0.0.1", port: proxy.address().port, cuts };
}
