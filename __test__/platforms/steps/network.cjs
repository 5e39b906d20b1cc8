"use strict";

const assert = require("node:assert/strict");
const { once } = require("node:events");
const net = require("node:net");
const { join } = require("node:path");

/** True for the first bytes of a client that wants TLS: a record of a handshake (RFC 8446, 5.1), with a hello in it (4). */
const isHello = (bytes) => bytes[0] === 22 && bytes[5] === 1;

/** PostgreSQL's request for TLS (postgresql.org/docs/current/protocol-message-formats.html). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** A server that hears what a client says first, and hangs up: `{ port, hello, close }`. */
async function listen({ asksFirst }) {
	let heard;
	const hello = new Promise((resolve) => {
		heard = resolve;
	});
	const server = net.createServer((socket) => {
		socket.on("error", () => {});
		socket.on("data", (bytes) => {
			if (asksFirst && bytes.equals(SSL_REQUEST)) return socket.write("S");
			heard(bytes);
			socket.destroy();
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return { port: server.address().port, hello, close: () => server.close() };
}

/** Starts a bot, and waits until the server hears from it that it wants TLS. */
async function asksForTls(server, start, env) {
	const { child, ended } = start("configured.cjs", [], { env: { ...process.env, ...env } });
	const first = await Promise.race([server.hello, ended]);
	child.kill("SIGKILL");
	const { code, stderr } = await ended;
	server.close();
	assert.ok(isHello(first), `${code}: ${stderr}`);
}

module.exports = {
	async "TLS to an object store"({ folder, start }) {
		const server = await listen({ asksFirst: false });
		const env = {
			AWS_ACCESS_KEY_ID: "id",
			AWS_SECRET_ACCESS_KEY: "key",
			AWS_REGION: "us-east-1",
			ROOTCELLAR_BACKUP: `s3://bucket/bot?endpoint=https://127.0.0.1:${server.port}`,
			DATABASE_CONFIG: JSON.stringify({
				databaseType: "sqlite3",
				sqlite3: { filename: join(folder(), "bot.sqlite3") },
			}),
		};
		await asksForTls(server, start, env);
	},

	async "TLS to PostgreSQL"({ start }) {
		const server = await listen({ asksFirst: true });
		const url = `postgres://bot:secret@127.0.0.1:${server.port}/bot?sslmode=require`;
		const env = { DATABASE_CONFIG: JSON.stringify({ databaseType: "pg", pg: { url } }) };
		await asksForTls(server, start, env);
	},
};
