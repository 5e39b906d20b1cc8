// A server that speaks as much of S3's protocol as backups need, and can be made to answer anything else.

import { once } from "node:events";
import { createServer } from "node:http";
import { onTestFinished } from "vitest";

/** XML text. What is a number already stays one. */
const escaped = (text) => text.replaceAll(/&(?!#)/g, "&amp;").replaceAll("<", "&lt;");

/** Answers one thing to everything. */
export const answering = (status, body, headers) => (_, response) => {
	response.writeHead(status, headers).end(body);
	return true;
};

/** Answers without end, with this status, and the head for a request. `sent` tells how many bytes were. */
export function endless(status, headersFor = () => ({}), piece = Buffer.alloc(1 << 20, " ")) {
	const answer = (request, response) => {
		response.writeHead(status, headersFor(request));
		const send = () => {
			if (response.destroyed || answer.sent >= endless.most) return;
			answer.sent += piece.length;
			response.write(piece, send);
		};
		send();
		return true;
	};
	answer.sent = 0;
	return answer;
}

/** Bytes after which an answer without end rests. */
endless.most = 1 << 28;

/** A page of a listing of S3. */
export function listing(objects = [], { next } = {}) {
	const contents = objects.map(
		({ key, body, time = new Date() }) =>
			`<Contents><Key>${escaped(key)}</Key><LastModified>${time.toISOString()}</LastModified><ETag>"1"</ETag>` +
			`<Size>${body.length}</Size></Contents>`,
	);
	const token = next ? `<NextContinuationToken>${next}</NextContinuationToken>` : "";
	return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>bucket</Name><IsTruncated>${Boolean(next)}</IsTruncated>${token}${contents.join("")}</ListBucketResult>`;
}

/**
 * Starts a server. `answer(request, response)` is asked first, and returns true if it has answered or will not; it may be
 * replaced at any time. `requests` has every request as its method and URL.
 */
export async function startFakeStore(answer = () => false) {
	const objects = new Map();
	const store = { answer, objects, requests: [], port: 0, url: "" };
	const server = createServer(async (request, response) => {
		store.requests.push({ method: request.method, url: request.url, headers: request.headers });
		if (store.answer(request, response)) return;
		const url = new URL(request.url, "http://host");
		const key = decodeURIComponent(url.pathname.slice("/bucket/".length));
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		if (request.method === "GET" && url.searchParams.has("list-type")) {
			const prefix = url.searchParams.get("prefix");
			const found = [...objects].filter(([name]) => name.startsWith(prefix));
			response.end(listing(found.map(([name, object]) => ({ key: name, ...object }))));
		} else if (request.method === "PUT") {
			if (objects.has(key)) return response.writeHead(412).end();
			objects.set(key, { body: Buffer.concat(chunks), time: new Date() });
			response.writeHead(200, { etag: '"1"' }).end();
		} else if (request.method === "DELETE") {
			objects.delete(key);
			response.writeHead(204).end();
		} else {
			send(objects.get(key), request, response);
		}
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	store.port = server.address().port;
	store.url = urlOf(store.port);
	return store;
}

function send(object, { method, headers }, response) {
	if (!object) return response.writeHead(404).end();
	const { body, time } = object;
	const common = { etag: '"1"', "last-modified": time.toUTCString() };
	const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range);
	if (!range) {
		response.writeHead(200, { ...common, "content-length": body.length });
		return response.end(method === "HEAD" ? undefined : body);
	}
	const [from, to] = [Number(range[1]), Math.min(Number(range[2]), body.length - 1)];
	const length = to + 1 - from;
	response.writeHead(206, {
		...common,
		"content-length": length,
		"content-range": `bytes ${from}-${to}/${body.length}`,
	});
	response.end(body.subarray(from, to + 1));
}

export function urlOf(port) {
	return `s3://bucket/my-bot?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}&forcePathStyle=true`;
}
