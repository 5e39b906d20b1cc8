// Stand-in for Google's object store, of which there is no server to test with: its protocol is that of S3 with
// other names of headers, which are translated here for the S3 server. That Google accepts what is sent is not shown.

import { once } from "node:events";
import { createServer, request as send } from "node:http";
import { onTestFinished } from "vitest";
import { startServer as startS3Server } from "./s3-server.mjs";

/** Credentials in a client's environment: an account that needs no token. */
export const CREDENTIALS = {
	GOOGLE_SERVICE_ACCOUNT_KEY: JSON.stringify({
		private_key: "rootcellar-secret",
		private_key_id: "rootcellar",
		client_email: "rootcellar",
		disable_oauth: true,
	}),
};

/** Google's names of headers with S3's, after https://cloud.google.com/storage/docs/xml-api/reference-headers. */
const HEADERS = [
	["x-goog-meta-", "x-amz-meta-"],
	["x-goog-copy-source", "x-amz-copy-source"],
];

function renamed(headers, from, to) {
	const rename = (name) => HEADERS.reduce((result, names) => result.replace(names[from], names[to]), name);
	return Object.fromEntries(Object.entries(headers).map(([name, value]) => [rename(name), value]));
}

/** Sends a request to the server; resolves with its answer. */
async function forward(port, { method, url, headers }, body) {
	const request = send({ host: "127.0.0.1", port, method, path: url, headers });
	if (body) body.pipe(request);
	else request.end();
	const [response] = await once(request, "response");
	return response;
}

/** Answers a request; a condition on a copy, which the server does not know, is asked before. */
async function answer(port, request, response) {
	const { authorization, "x-goog-if-generation-match": generation, ...headers } = request.headers;
	if (generation === "0") {
		headers["if-none-match"] = "*";
		if (headers["x-goog-copy-source"]) {
			const found = await forward(port, { method: "HEAD", url: request.url, headers: {} });
			found.resume();
			if (found.statusCode === 200) {
				response.writeHead(412).end("<Error><Code>PreconditionFailed</Code></Error>");
				return;
			}
		}
	}
	const forwarded = { method: request.method, url: request.url, headers: renamed(headers, 0, 1) };
	const answered = await forward(port, forwarded, request);
	response.writeHead(answered.statusCode, renamed(answered.headers, 1, 0));
	answered.pipe(response);
}

/** Starts a server with a bucket `bucket`, its files below `directory`. Resolves with its port. */
export async function startServer(directory) {
	const { port } = await startS3Server(directory, { isOpenToAll: true });
	const server = createServer((request, response) => {
		answer(port, request, response).catch(() => response.destroy());
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => server.close());
	return server.address().port;
}

/** The URL of backups below a prefix. */
export function urlOf(port, prefix = "my%20bot/backups") {
	return `gs://bucket/${prefix}?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`;
}
