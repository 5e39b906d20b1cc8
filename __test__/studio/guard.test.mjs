// Access to the studio: for nobody but its own page, which knows the token. Each request is written to the socket by hand.

import { connect } from "node:net";
import { openDataStore } from "rootcellar";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildStudio } from "../../scripts/lib/studio.mjs";
import { temporaryFile } from "../helpers/store.mjs";
import { fileWith, startStudio } from "./studio.mjs";

beforeAll(buildStudio);

/** Sends the text of a request, and resolves with the status, the headers and the body of the answer. */
async function raw({ host, port }, lines, body = "") {
	const socket = connect(port, "127.0.0.1");
	const parts = [];
	socket.on("data", (part) => parts.push(part));
	socket.on("error", () => {});
	socket.write(`${lines.filter((line) => line !== undefined).join("\r\n")}\r\n\r\n${body}`);
	// Also behind an error: a request may be cut off.
	await new Promise((resolve) => socket.on("close", resolve));
	const text = Buffer.concat(parts).toString();
	const [head] = text.split("\r\n\r\n");
	return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), head, text, host };
}

async function studioWithSecret() {
	const file = await fileWith((store) => store.appData.set({ key: "secret-key", value: "secret-value" }));
	const studio = await startStudio({ file });
	return { ...studio, port: Number(studio.host.split(":")[1]) };
}

const BODY = "{}";

/** A request for keys, of which each part can be replaced or left out. */
function asked(studio, { method = "POST", path = "/api/keys/list", host, origin, site, token = studio.token } = {}) {
	return [
		`${method} ${path} HTTP/1.1`,
		host === null ? undefined : `Host: ${host ?? studio.host}`,
		"Connection: close",
		origin === undefined ? undefined : `Origin: ${origin}`,
		site === undefined ? undefined : `Sec-Fetch-Site: ${site}`,
		token === null ? undefined : `Authorization: Bearer ${token}`,
		`Content-Length: ${BODY.length}`,
	];
}

test("only the right host, origin, site, token and method together see a key", async () => {
	const studio = await studioWithSecret();
	const { host, port, token } = studio;
	const parts = {
		host: [
			[undefined, 200],
			[`localhost:${port}`, 200],
			[null, 400],
			["evil.example", 421],
			[`evil.example:${port}`, 421],
			["127.0.0.1", 421],
			[`127.0.0.1:${port + 1}`, 421],
			[`127.0.0.1.evil.example:${port}`, 421],
			[`[::1]:${port}`, 421],
			[`0.0.0.0:${port}`, 421],
		],
		origin: [
			[undefined, 200],
			["own", 200],
			["null", 403],
			["http://evil.example", 403],
			[`https://${host}`, 403],
			[`http://127.0.0.1:${port + 1}`, 403],
			[`http://${host}.evil.example`, 403],
		],
		site: [
			[undefined, 200],
			["same-origin", 200],
			["none", 200],
			["same-site", 403],
			["cross-site", 403],
		],
		token: [
			[token, 200],
			[null, 401],
			["", 401],
			["wrong", 401],
			[token.slice(0, -1), 401],
			[`${token}A`, 401],
			[token.toLowerCase() === token ? token.toUpperCase() : token.toLowerCase(), 401],
		],
		method: [
			["POST", 200],
			["GET", 405],
			["HEAD", 405],
			["PUT", 405],
			["DELETE", 405],
			["OPTIONS", 405],
		],
	};
	// The order in which the server looks.
	const order = ["host", "origin", "site", "token", "method"];
	const failing = Object.fromEntries(order.map((name) => [name, parts[name].filter(([, status]) => status !== 200)]));
	const cases = order.flatMap((name) => parts[name].map(([value, status]) => [{ [name]: value }, status]));
	// The first of two that are wrong is told, and neither makes up for the other.
	for (const [at, first] of order.entries()) {
		for (const second of order.slice(at + 1)) {
			for (const [one, status] of failing[first]) {
				for (const [other] of failing[second]) cases.push([{ [first]: one, [second]: other }, status]);
			}
		}
	}
	const outcomes = await Promise.all(
		cases.map(async ([given, status]) => {
			const origin = given.origin === "own" ? `http://${given.host ?? host}` : given.origin;
			const answer = await raw(studio, asked(studio, { ...given, origin }), BODY);
			return { given, expected: status, status: answer.status, saw: answer.text.includes("secret-key") };
		}),
	);
	expect(outcomes.filter(({ expected, status }) => expected !== status)).toEqual([]);
	expect(outcomes.filter(({ saw, expected }) => saw !== (expected === 200))).toEqual([]);
	expect(cases.length).toBeGreaterThan(250);
});

test("two hosts, a body that is too long, another protocol and a path out of the page are refused", async () => {
	const studio = await studioWithSecret();
	const lines = asked(studio);
	const twice = await raw(studio, [...lines, "Host: evil.example"], BODY);
	expect([400, 421]).toContain(twice.status);
	expect((await raw(studio, ["\x16\x03\x01 nonsense"])).status).toBe(0);
	for (const path of [
		"/../package.json",
		"/%2e%2e/package.json",
		"/..%2fpackage.json",
		"/studio/../../index.js",
		"/.env",
	]) {
		const answer = await raw(studio, asked(studio, { method: "GET", path }), BODY);
		expect([path, answer.status]).toEqual([path, 404]);
	}
	const long = await studio.request("keys/list", JSON.stringify({ filter: "x".repeat(2 << 20) }));
	expect(long.status).toBe(413);
	expect((await studio.failure("nothing")).status).toBe(404);
	expect(await studio.failure("keys/list", "[1]")).toMatchObject({ status: 400, argument: "input" });
	expect(await studio.failure("keys/list", "{")).toMatchObject({ status: 400, argument: "input" });
});

test("odd requests see nothing, and those that never end keep nobody from being answered", async () => {
	const studio = await studioWithSecret();
	const { host, port } = studio;
	// Headers that never end, and a body that never comes.
	const stuck = Array.from({ length: 60 }, (_, n) => {
		const socket = connect(port, "127.0.0.1");
		socket.on("error", () => {});
		const begin = `POST /api/keys/list HTTP/1.1\r\nHost: ${host}\r\n`;
		socket.write(n % 2 ? `${begin}X-Slow: ` : `${begin}Content-Length: 1000000\r\n\r\n{`);
		return socket;
	});
	onTestFinished(() => {
		for (const socket of stuck) socket.destroy();
	});
	const lines = asked(studio);
	const forms = {
		"absolute form": ["POST http://evil.example/api/keys/list HTTP/1.1", ...lines.slice(1)],
		"host with a dot": asked(studio, { host: `localhost.:${port}` }),
		"host with a user": asked(studio, { host: `user@${host}` }),
		"empty origin": asked(studio, { origin: "" }),
		"origin of two": asked(studio, { origin: `http://${host}, http://evil.example` }),
		"site of two": asked(studio, { site: "same-origin, cross-site" }),
		"token in the path": asked(studio, { token: null, path: `/api/keys/list?token=${studio.token}` }),
		"token as a cookie": [...asked(studio, { token: null }), `Cookie: token=${studio.token}`],
		"token as basic": [...asked(studio, { token: null }), `Authorization: Basic ${studio.token}`],
		"two tokens": [...asked(studio, { token: "wrong" }), `Authorization: Bearer ${studio.token}`],
		"method by a header": [...asked(studio, { method: "GET" }), "X-HTTP-Method-Override: POST"],
		connect: asked(studio, { method: "CONNECT", path: host }),
		upgrade: [...asked(studio, { token: null }), "Connection: Upgrade", "Upgrade: websocket"],
		"a route of every object": asked(studio, { path: "/api/constructor" }),
		"a route beside": asked(studio, { path: "/api/../api/keys/list" }),
		"an encoded route": asked(studio, { path: "/api/keys%2flist" }),
		"long headers": [...lines, `X-Long: ${"x".repeat(1 << 20)}`],
	};
	for (const [name, form] of Object.entries(forms)) {
		const { status, text } = await raw(studio, form, BODY);
		expect([name, status === 200, text.includes("secret")]).toEqual([name, false, false]);
	}
	expect((await studio.call("keys/list")).keys).toHaveLength(1);
});

test("what is sent as the input of a route changes no object, and is refused where it is none of its kind", async () => {
	const studio = await studioWithSecret();
	await studio.request("keys/list", '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
	expect({}.polluted).toBeUndefined();
	for (const input of [
		{ filter: { $ne: 1 } },
		{ filter: [] },
		{ community: {} },
		{ after: 5 },
		{ limit: -1 },
		{ limit: 1e9 },
		{ limit: "1" },
		{ moment: {} },
		{ work: {} },
	]) {
		expect([input, (await studio.request("keys/list", input)).status]).toEqual([input, 400]);
	}
});

test("the page allows no other origin, no frame, no inline script, and sets no cookie", async () => {
	const studio = await studioWithSecret();
	const get = (path) => fetch(`http://${studio.host}${path}`);
	const [page, other] = [await get("/"), await get("/")];
	const policy = page.headers.get("content-security-policy");
	expect(policy).toMatch(
		/^default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]+'; connect-src 'self'/,
	);
	expect(policy).toContain("frame-ancestors 'none'");
	expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
	expect(other.headers.get("content-security-policy")).not.toBe(policy);
	expect(page.headers.get("set-cookie")).toBeNull();
	expect(page.headers.get("cache-control")).toBe("no-store");
	const html = await page.text();
	expect(html).not.toContain("__NONCE__");
	// Nothing is loaded from elsewhere, and no script stands in the page.
	const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source);
	expect(sources.filter((source) => !/^(\/|data:image)/.test(source))).toEqual([]);
	expect(html).not.toMatch(/<script(?![^>]*src=)/);
	expect(html).not.toContain("secret");
});

test("the server ends when the program that has given its store closes that", async () => {
	const store = openDataStore({ filename: temporaryFile(), backup: false });
	await store.appData.set({ key: "own", value: 1 });
	const studio = await startStudio({ file: store.config.sqlite3.filename, store, write: true });
	expect(await studio.call("key/read", { key: "own" })).toMatchObject({ value: "1" });
	// Its end leaves the store alone.
	const other = await startStudio({ file: store.config.sqlite3.filename, store });
	await other.close();
	await other.session.close();
	expect(await store.appData.get("own")).toBe(1);
	const controller = new AbortController();
	onTestFinished(() => controller.abort());
	const watching = studio.lines("watch", { keys: ["own"] }, controller.signal);
	await watching.next();
	await store.close();
	await studio.closed;
	await expect(fetch(`http://${studio.host}/`)).rejects.toThrow();
	expect((await watching.next().catch(() => ({ done: true }))).done).toBe(true);
});

test("the hosts are as browsers send them, at HTTP's own port and for each form of an IPv6 address, and no others", async () => {
	const { createGuard, hostsOf } = await import("../../lib/studio/guard.js");
	for (const [address, port, ...hosts] of [
		["127.0.0.1", 5555, "127.0.0.1:5555", "localhost:5555"],
		["127.0.0.1", 80, "127.0.0.1", "localhost"],
		["127.0.0.2", 80, "127.0.0.2"],
		["192.168.1.20", 443, "192.168.1.20:443"],
		["::1", 5555, "[::1]:5555"],
		["FD00::1", 5555, "[fd00::1]:5555"],
		["fd00:0:0:0:0:0:0:1", 80, "[fd00::1]"],
		["::ffff:192.168.1.20", 5555, "[::ffff:c0a8:114]:5555"],
		["fe80::1%eth0", 5555, "[fe80::1]:5555"],
	]) {
		expect([address, port, ...hostsOf(address, port)]).toEqual([address, port, ...hosts]);
		const guard = createGuard(hostsOf(address, port), "token");
		const codeOf = (host, origin) =>
			guard.refusalOf({ headers: { host, origin }, rawHeaders: ["Host", host] })?.code ?? "none";
		for (const host of hosts) {
			expect([host, codeOf(host), codeOf(host, `http://${host}`)]).toEqual([host, "none", "none"]);
			expect([host, codeOf(host, `http://${host}:1`)]).toEqual([host, "ERR_FOREIGN_ORIGIN"]);
			for (const other of ["", "evil.example", `${host}0`, `${host}.evil.example`, `evil.example@${host}`]) {
				expect([other, codeOf(other)]).toEqual([other, "ERR_WRONG_HOST"]);
			}
		}
		if (address !== "127.0.0.1") {
			const local = port === 80 ? "localhost" : `localhost:${port}`;
			expect([address, codeOf(local)]).toEqual([address, "ERR_WRONG_HOST"]);
		}
	}
});

test("a token is of 256 random bits, and each start has another", async () => {
	const [one, other] = [await studioWithSecret(), await studioWithSecret()];
	expect(one.token).toMatch(/^[\w-]{43}$/);
	expect(one.token).not.toBe(other.token);
	expect(one.url).toBe(`http://${one.host}/#token=${one.token}`);
});
