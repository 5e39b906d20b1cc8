// A studio in this process, and its requests as the page makes them.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { openDataStore } from "rootcellar";
import { onTestFinished } from "vitest";
import { temporaryFile } from "../helpers/store.mjs";

const require = createRequire(import.meta.url);
const { startServer } = require("../../lib/studio/server.js");
const { Session } = require("../../lib/studio/session.js");

/** A file with what `fill` stores in it, which nobody has open. */
export async function fileWith(fill, file = temporaryFile(), backup = false) {
	const store = openDataStore({ filename: file, backup });
	try {
		await fill(store);
	} finally {
		await store.close();
	}
	return file;
}

/** Serves a file until the test ends. */
export async function startStudio({ file, url, moment, write = false, store }) {
	const session = new Session({ file, url, moment, canWrite: write, store });
	const server = await startServer(session);
	onTestFinished(async () => {
		await server.close();
		await session.close();
	});
	const request = (name, input = {}, options = {}) =>
		fetch(`http://${server.host}/api/${name}`, {
			method: "POST",
			headers: { Authorization: `Bearer ${server.token}` },
			body: typeof input === "string" || input instanceof Uint8Array ? input : JSON.stringify(input),
			...options,
		});
	return {
		...server,
		session,
		request,

		/** The answer of a route that has to work. */
		async call(name, input, options) {
			const response = await request(name, input, options);
			const answer = await response.json();
			if (!response.ok) throw Object.assign(new Error(`${name}: ${answer.error.message}`), answer.error);
			return answer;
		},

		/** The status and the error of one that has to fail. */
		async failure(name, input) {
			const response = await request(name, input);
			const { error } = await response.json();
			return { status: response.status, ...error };
		},

		/** The lines of an answer until the signal ends it. */
		async *lines(name, input, signal) {
			const response = await request(name, input, { signal });
			const decoder = new TextDecoder();
			let rest = "";
			for await (const part of response.body) {
				const parts = (rest + decoder.decode(part, { stream: true })).split("\n");
				rest = parts.pop();
				for (const line of parts) yield JSON.parse(line);
			}
		},
	};
}

/** The result of a request that tells of its progress. */
export async function result(studio, name, input) {
	const lines = [];
	for await (const line of studio.lines(name, input)) lines.push(line);
	const last = lines.at(-1);
	if (last?.error) throw Object.assign(new Error(last.error.message), last.error);
	return { ...last.result, keys: lines.flatMap(({ key }) => key ?? []), told: last.result };
}

/** Hash of a file and what SQLite keeps beside it with data in it. */
export function hashOf(file) {
	const hash = createHash("sha256");
	for (const suffix of ["", "-wal"]) {
		try {
			hash.update(readFileSync(file + suffix));
		} catch {
			// There is none, which is the same as an empty one.
		}
	}
	return hash.digest("hex");
}
