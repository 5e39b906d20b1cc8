"use strict";

const { once } = require("node:events");
const { createServer } = require("node:http");
const { RootcellarError } = require("../base/errors.js");
const { sendAsset } = require("./assets.js");
const { readInput, reasonOf, sendError, sendJson, startLines } = require("./exchange.js");
const { createGuard, createToken, hostsOf } = require("./guard.js");
const { ROUTE_MS } = require("./limits.js");
const { ROUTES } = require("./routes/index.js");
const { optionalTextOf } = require("./values/input.js");

/**
 * @typedef {InstanceType<typeof import("./session.js").Session>} Session
 * @typedef {import("node:http").IncomingMessage} Request
 * @typedef {import("node:http").ServerResponse} Response
 */

const READ_ONLY = { code: "ERR_READ_ONLY", message: "the studio was started without --write" };

const LOCAL_ADDRESS = "127.0.0.1";

/**
 * Serves a session until it is closed.
 *
 * @param {Session} session
 * @param {{ port?: number, address?: string }} [place]
 */
async function startServer(session, { port = 0, address = LOCAL_ADDRESS } = {}) {
	const token = createToken();
	/** @type {ReturnType<typeof createGuard>} */
	let guard;
	const server = createServer((request, response) => {
		answer(session, guard, request, response).catch((error) => sendError(response, error));
	});
	// A request of another protocol gets no page, and nothing is told of this one.
	server.on("clientError", (_error, socket) => void socket.destroy());
	server.listen(port, address);
	await once(server, "listening").catch((error) => refuse(error, address, port));
	const bound = /** @type {import("node:net").AddressInfo} */ (server.address());
	const hosts = hostsOf(address, bound.port);
	guard = createGuard(hosts, token);
	const closed = once(server, "close");
	const close = async () => {
		server.close();
		server.closeAllConnections();
		await closed;
	};
	session.storeClosed.then(close);
	const [host] = hosts;
	return { host, token, url: `http://${host}/#token=${token}`, close, closed };
}

/**
 * @param {NodeJS.ErrnoException} error
 * @param {string} address
 * @param {number} port
 */
function refuse(error, address, port) {
	if (error.code === "EADDRINUSE") {
		throw new RootcellarError("ERR_PORT_IN_USE", `port ${port} of ${address} is in use; name another with --port`);
	}
	if (error.code === "EADDRNOTAVAIL") {
		throw new RootcellarError(
			"ERR_ADDRESS",
			`${address} is no address of this machine; name another with --allow-remote`,
		);
	}
	throw new RootcellarError("ERR_PORT", `port ${port} of ${address} cannot be used: ${error.message}`);
}

/**
 * @param {Session} session
 * @param {ReturnType<typeof createGuard>} guard
 * @param {Request} request
 * @param {Response} response
 */
async function answer(session, guard, request, response) {
	const refused = guard.refusalOf(request);
	if (refused) return deny(response, refused);
	const [path = "/"] = (request.url ?? "/").split("?");
	if (path.startsWith("/api/")) return call(session, guard, path.slice("/api/".length), request, response);
	if (request.method !== "GET" && request.method !== "HEAD") return denyMethod(response, "GET, HEAD");
	if (path.startsWith("/download/")) {
		const download = session.downloads.take(path.slice("/download/".length));
		if (download !== undefined && request.method === "GET") return send(download, response);
	} else if (sendAsset(path, request, response)) {
		return undefined;
	}
	return deny(response, { status: 404, code: "ERR_NOT_FOUND", message: "there is nothing here" });
}

/**
 * Sends a download. One that fails on its way is cut off, so that nobody takes what has arrived for all of it.
 *
 * @param {import("./downloads.js").Download} download
 * @param {Response} response
 */
async function send(download, response) {
	try {
		await download(response);
	} catch (error) {
		if (!response.headersSent) throw error;
		response.destroy();
	}
}

/**
 * @param {Session} session
 * @param {ReturnType<typeof createGuard>} guard
 * @param {string} name
 * @param {Request} request
 * @param {Response} response
 */
async function call(session, guard, name, request, response) {
	const refused = guard.withoutToken(request);
	if (refused) return deny(response, refused);
	const route = ROUTES.get(name);
	if (route === undefined) {
		return deny(response, { status: 404, code: "ERR_NOT_FOUND", message: "there is no such request" });
	}
	if (request.method !== "POST") return denyMethod(response, "POST");
	if (route.writes && !session.canWrite) return deny(response, { status: 403, ...READ_ONLY });
	const { signal, cancel, end } = limited(response, route.limitMs ?? ROUTE_MS);
	/** @type {string | undefined} */
	let work;
	try {
		if (route.upload !== undefined) {
			sendJson(response, 200, await route.upload(session, request, signal));
			return undefined;
		}
		const input = await readInput(request, route.bodyBytes);
		work = optionalTextOf(input, "work");
		if (work !== undefined) session.works.set(work, cancel);
		if (route.stream !== undefined) {
			await route.stream(session, input, signal, startLines(response));
			response.end();
			return undefined;
		}
		sendJson(response, 200, await route.run?.(session, input, signal));
	} catch (error) {
		sendError(response, reasonOf(signal, error));
	} finally {
		if (work !== undefined) session.works.delete(work);
		end();
	}
	return undefined;
}

/**
 * Signal that ends what is done for a response when nobody waits for it any more, or after a time.
 *
 * @param {Response} response
 * @param {number} limitMs
 */
function limited(response, limitMs) {
	const controller = new AbortController();
	const timeout = () =>
		controller.abort(new RootcellarError("ERR_TIMEOUT", `it took longer than ${limitMs / 1_000} s, and was ended`));
	const timer = setTimeout(timeout, limitMs);
	const cancel = () => controller.abort(new RootcellarError("ABORT_ERR", "it was cancelled; nothing was changed"));
	response.on("close", cancel);
	return {
		signal: controller.signal,
		cancel,
		end: () => {
			clearTimeout(timer);
			response.off("close", cancel);
		},
	};
}

/**
 * @param {Response} response
 * @param {import("./guard.js").Refusal} refusal
 */
function deny(response, { status, code, message }) {
	// The rest of the request is dropped, so that the answer arrives.
	response.req.resume();
	sendJson(response, status, { error: { code, message } });
}

/**
 * @param {Response} response
 * @param {string} allow
 */
function denyMethod(response, allow) {
	const error = { code: "ERR_METHOD", message: `expected ${allow}` };
	response.req.resume();
	sendJson(response, 405, { error }, { Allow: allow });
}

module.exports = { startServer };
