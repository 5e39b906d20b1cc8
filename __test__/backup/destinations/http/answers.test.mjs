// Answers of a server that is no object store, or none that backups can use.

import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rejection } from "../../../helpers/errors.mjs";
import { lose, machineWithFile, openBackedUp as open, rarely } from "../../backups.mjs";
import { machine } from "../../machine.mjs";
import { answering, listing, startFakeStore } from "./fake-store.mjs";

const SESSION_TOKEN = "session-token-of-the-bot";
const ENVIRONMENT = {
	AWS_ACCESS_KEY_ID: "key-of-the-bot",
	AWS_SECRET_ACCESS_KEY: "secret-of-the-bot",
	AWS_SESSION_TOKEN: SESSION_TOKEN,
	GOOGLE_SKIP_SIGNATURE: "true",
	AZURE_SKIP_SIGNATURE: "true",
};

beforeAll(() => Object.assign(process.env, ENVIRONMENT));
afterAll(() => {
	for (const name of Object.keys(ENVIRONMENT)) delete process.env[name];
});

/** The error of a backup to a server, which has to be of the destination. */
async function failure(server) {
	const { file } = await machineWithFile();
	const store = open(file, { ...rarely(server.url), shutdownTimeoutMs: 100 });
	const error = await rejection(() => store.backups.create());
	expect(error.code).toBe("ERR_BACKUP_DESTINATION");
	return error;
}

test("the server of these tests takes backups and gives them back", async () => {
	const { file } = machine();
	const server = await startFakeStore();
	const store = open(file, rarely(server.url));
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	await store.close();
	lose(file);
	expect(await open(file, rarely(server.url)).appData.get("k")).toBe(1);
});

describe("an answer that is no listing never begins a lost file anew", () => {
	const urls = (port) => {
		const endpoint = encodeURIComponent(`http://127.0.0.1:${port}`);
		return [
			`s3://bucket/my-bot?endpoint=${endpoint}&forcePathStyle=true`,
			`gs://bucket/my-bot?endpoint=${endpoint}`,
			`az://account@container/my-bot?endpoint=${endpoint}/account`,
		];
	};

	test.each([
		["a page of HTML", "<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>"],
		["XHTML", '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>'],
		["a list of buckets", "<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"],
		["an error with status 200", "<Error><Code>InternalThing</Code></Error>"],
		["a feed", '<?xml version="1.0"?><rss version="2.0"><channel><title>News</title></channel></rss>'],
		["JSON", '{"kind":"storage#objects"}'],
		["nothing", ""],
		["a listing without content", "<ListBucketResult></ListBucketResult>"],
		["a listing that is cut off", "<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>"],
	])("%s", async (_, body) => {
		const server = await startFakeStore(answering(200, body, { "content-type": "application/xml" }));
		for (const url of urls(server.port)) {
			const { file } = machine();
			const store = open(file, { url });
			const error = await rejection(() => store.appData.get("k"));
			expect([error.code, existsSync(file)], `${url}: ${error.message}`).toEqual(["ERR_BACKUP_DESTINATION", false]);
			expect(error.message).toMatch(/cannot list .*no listing/);
		}
		expect(server.requests.length).toBeGreaterThan(2);
	});

	test("a listing of something else", async () => {
		const other = [{ key: "other-bot/0000/0000000000000001-0000000000000001.ltx", body: "x" }];
		const server = await startFakeStore(answering(200, listing(other)));
		const { file } = machine();
		const error = await rejection(() => open(file, { url: server.url }).appData.get("k"));
		expect([error.code, existsSync(file)]).toEqual(["ERR_BACKUP_DESTINATION", false]);
	});

	test("a listing without end", { timeout: 300_000 }, async () => {
		const server = await startFakeStore(answering(200, listing([], { next: "more" })));
		const { file } = machine();
		const error = await rejection(() => open(file, { url: server.url }).appData.get("k"));
		expect([error.code, existsSync(file)]).toEqual(["ERR_BACKUP_DESTINATION", false]);
		expect(error.message).toContain("does not end");
		expect(server.requests.length).toBeLessThan(1_100);
	});
});

describe("a foreign object whose name the protocol's libraries refuse", () => {
	const BACKUP = "0000000000000007-0000000000000007.ltx";
	test.each([
		["a folder of a console", ""],
		["an empty part", "/x.ltx"],
		["an empty part at the end", "x//"],
		["a part that leads up", "../x.ltx"],
		["a part that leads nowhere", "./x.ltx"],
		["a line break", "a\nb.ltx"],
		["a line break that is a number", "a&#10;b.ltx"],
		["a control character", "a\u007fb.ltx"],
		["what is no UTF-8 when it is decoded", "%ff%fe.ltx"],
		["1,000 letters", "x".repeat(1_000)],
		["the name of a backup, deeper", `deeper/${BACKUP}`],
		["the name of a backup, as a folder", `${BACKUP}/`],
		["the name of a backup, behind an empty part", `/${BACKUP}`],
	])("%s: is passed over", async (_, name) => {
		const { file } = machine();
		const server = await startFakeStore();
		const store = open(file, rarely(server.url));
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		await store.close();
		server.objects.set(`my-bot/0000/${name}`, { body: Buffer.from("text"), time: new Date() });
		const next = open(file, rarely(server.url));
		await next.appData.set({ key: "k", value: 2 });
		const { id } = await next.backups.create();
		expect(id < "0000000000000007", id).toBe(true);
		await next.close();
		lose(file);
		expect(await open(file, rarely(server.url)).appData.get("k")).toBe(2);
	});
});

describe("a server that cannot put under a condition", () => {
	test.each([
		["501", 501, ""],
		["501 with a body", 501, "<Error><Code>NotImplemented</Code><Message>A header</Message></Error>"],
		["a code alone", 400, "<Error><Code>NotImplemented</Code></Error>"],
	])("is told by %s, and what has it is named", async (_, status, body) => {
		const refuse = answering(status, body);
		const server = await startFakeStore((request, response) => request.method === "PUT" && refuse(request, response));
		const { message } = await failure(server);
		for (const part of ["conditional puts", "If-None-Match", "Amazon S3", "R2", "MinIO", "Google", "Azure"])
			expect(message).toContain(part);
		// A lasting error is not tried again at once.
		expect(server.requests.filter(({ method }) => method === "PUT").length).toBeLessThan(4);
	});
});

describe("what a server says of an error", () => {
	const echo = ({ headers }) => `${headers.authorization} ${headers["x-amz-security-token"]} `;

	test.each([
		[
			"XML",
			403,
			(request) => `<Error><Code>AccessDenied</Code><Message>${echo(request)}</Message></Error>`,
			"AccessDenied",
		],
		[
			"long XML",
			400,
			(request) => `<Error><Code>ExpiredToken</Code>${echo(request).repeat(100)}</Error>`,
			"ExpiredToken",
		],
		["5 MB of text", 403, (request) => echo(request).repeat(20_000).slice(0, 5_000_000), "403"],
		[
			"JSON",
			401,
			(request) => JSON.stringify({ error: { status: "UNAUTHENTICATED", message: echo(request) } }),
			"UNAUTHENTICATED",
		],
		["a code that is a secret", 400, () => `<Error><Code>${SESSION_TOKEN}</Code></Error>`, "400"],
		["success that is an error", 200, (request) => `<Error><Message>${echo(request)}</Message></Error>`, "no listing"],
	])("as %s is its code and short", async (_, status, body, expected) => {
		const server = await startFakeStore((request, response) => answering(status, body(request))(request, response));
		const { message } = await failure(server);
		expect(message).toContain(expected);
		expect(message.length).toBeLessThan(500);
		for (const secret of Object.values(ENVIRONMENT).filter((value) => value !== "true"))
			expect(message).not.toContain(secret);
		expect(message).not.toMatch(/AWS4-HMAC|Signature=/);
	});
});

describe("a redirect", () => {
	test.each([301, 302, 303, 307, 308])(
		"%i to another host is not followed, with or without credentials",
		async (status) => {
			const other = await startFakeStore();
			const server = await startFakeStore((request, response) =>
				answering(status, "", { location: `http://127.0.0.1:${other.port}${request.url}` })(request, response),
			);
			const { message } = await failure(server);
			expect(message).toContain("redirects to another host");
			expect(server.requests[0].headers["x-amz-security-token"]).toBe(SESSION_TOKEN);
			expect(other.requests).toEqual([]);
		},
	);

	test("within the host is followed", async () => {
		const server = await startFakeStore((request, response) => {
			if (request.method !== "GET" || request.url.includes("again")) return false;
			return answering(307, "", { location: `${request.url}&again=1` })(request, response);
		});
		const { file } = await machineWithFile();
		const store = open(file, rarely(server.url));
		expect(await store.backups.create()).toMatchObject({ id: expect.any(String) });
	});
});

test("a server that does not answer holds up no file that is sound", { timeout: 300_000 }, async () => {
	const { file } = await machineWithFile();
	let isGivenUp = false;
	const server = await startFakeStore((request) => {
		request.socket.on("close", () => {
			isGivenUp = true;
		});
		return true;
	});
	const store = open(file, { ...rarely(server.url), shutdownTimeoutMs: 100 });
	expect(await store.appData.get("k")).toBe(0);
	await store.appData.set({ key: "k", value: 1 });
	expect([isGivenUp, server.requests.length > 0]).toEqual([false, true]);
	expect(store.backups.status().state).not.toBe("active");
});
