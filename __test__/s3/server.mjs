// A real S3 server on this machine, s3s-fs, and a line to it that can be cut, slowed down and answered by others.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { s3ServerPath } from "../../scripts/lib/s3.mjs";

/** What the server expects, in the variables of the environment that every client of S3 reads. */
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: "rootcellar", AWS_SECRET_ACCESS_KEY: "rootcellar-secret" };

async function freePort() {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address();
	server.close();
	await once(server, "close");
	return port;
}

async function accepts(port) {
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

/** Starts a server whose bucket `bucket` is a folder below `directory`. Resolves with its port. */
export async function startServer(directory) {
	mkdirSync(join(directory, "bucket"), { recursive: true });
	const port = await freePort();
	const keys = ["--access-key", CREDENTIALS.AWS_ACCESS_KEY_ID, "--secret-key", CREDENTIALS.AWS_SECRET_ACCESS_KEY];
	const server = spawn(s3ServerPath(), [...keys, "--host", "127.0.0.1", "--port", String(port), directory], {
		stdio: "ignore",
	});
	onTestFinished(() => server.kill("SIGKILL"));
	while (!(await accepts(port))) await sleep(20);
	return port;
}

/**
 * A line to a server, which may be switched at any time: `pass` hands everything on, `cut` closes each connection
 * after some bytes of a request, `error` answers 500, `slow` delays each piece.
 */
export async function startLine(port) {
	const connections = new Set();
	const line = {
		mode: "pass",
		port: 0,
		/** Those that are open go on in no mode: a client would keep using them. */
		switch(mode) {
			line.mode = mode;
			for (const end of connections) end();
		},
	};
	const failing = createHttpServer((request, response) => {
		request.resume();
		response.writeHead(500).end("<Error><Code>InternalError</Code></Error>");
	}).listen(0, "127.0.0.1");
	await once(failing, "listening");
	const server = createServer((client) => {
		const upstream = connect(line.mode === "error" ? failing.address().port : port, "127.0.0.1");
		const end = () => {
			connections.delete(end);
			client.destroy();
			upstream.destroy();
		};
		connections.add(end);
		client.on("error", end).on("close", end);
		upstream.on("error", end).on("close", end);
		upstream.pipe(client);
		client.on("data", async (chunk) => {
			if (line.mode === "cut") {
				upstream.write(chunk.subarray(0, chunk.length / 2));
				setTimeout(end, 5);
			} else {
				if (line.mode === "slow") await sleep(100);
				upstream.write(chunk);
			}
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => {
		server.close();
		failing.close();
	});
	line.port = server.address().port;
	return line;
}

/** The URL of backups below a prefix, by way of a port. */
export function urlOf(port, prefix = "my bot/backups") {
	const options = new URLSearchParams({
		endpoint: `http://127.0.0.1:${port}`,
		region: "us-east-1",
		forcePathStyle: "true",
	});
	return `s3://bucket/${encodeURI(prefix)}?${options}`;
}
