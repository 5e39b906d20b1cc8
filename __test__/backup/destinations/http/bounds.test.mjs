// A server whose answers do not end, or are not what was asked for.

import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rejection } from "../../../helpers/errors.mjs";
import { lose, openBackedUp as open, rarely } from "../../backups.mjs";
import { machine } from "../../machine.mjs";
import { answering, endless, listing, startFakeStore } from "./fake-store.mjs";

const CREDENTIALS = { AWS_ACCESS_KEY_ID: "key-of-the-bot", AWS_SECRET_ACCESS_KEY: "secret-of-the-bot" };
beforeAll(() => Object.assign(process.env, CREDENTIALS));
afterAll(() => {
	for (const name of Object.keys(CREDENTIALS)) delete process.env[name];
});

const briefly = (url) => ({ ...rarely(url), shutdownTimeoutMs: 100 });

/** A server with a backup of a bot that has lost everything else. */
async function lostMachine() {
	const server = await startFakeStore();
	const { file } = machine();
	const store = open(file, rarely(server.url));
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	await store.close();
	lose(file);
	return { file, server };
}

const isListing = ({ url }) => url.includes("list-type=2");
const isPart = ({ headers }) => headers.range !== undefined;
const common = { etag: '"1"', "last-modified": new Date().toUTCString() };
/** The head of an answer that has the part that was asked for. */
const partial = ({ headers }) => ({ ...common, "content-range": `${headers.range.replace("=", " ")}/1000000` });
const nothing = () => ({});

describe("an answer that never ends is cut off, and what it answers is not believed", () => {
	test.each([
		["a page of a listing", isListing, 200, nothing, /listing does not end/],
		["a part of a backup", isPart, 206, partial, /longer than what was asked/],
		["a whole backup, of which a part was asked for", isPart, 200, () => common, /longer than what was asked/],
		["an error", isListing, 403, nothing, /403/],
		["an error that is tried again", isListing, 500, nothing, /500/],
		["an error of a part", isPart, 416, nothing, /416/],
	])("%s", async (_, isMeant, status, headersFor, message) => {
		const { file, server } = await lostMachine();
		const answer = endless(status, headersFor);
		server.answer = (request, response) => isMeant(request) && answer(request, response);
		const error = await rejection(() => open(file, briefly(server.url)).appData.get("k"));
		expect(error.code).toMatch(/^ERR_BACKUP_/);
		expect(error.message).toMatch(message);
		expect(error.message.length).toBeLessThan(600);
		expect(existsSync(file)).toBe(false);
		expect(answer.sent).toBeGreaterThan(0);
		expect(answer.sent).toBeLessThan(endless.most);
		server.answer = () => false;
		expect(await open(file, briefly(server.url)).appData.get("k")).toBe(1);
	});

	test.each([
		["a put", "PUT", 200],
		["a put that is refused", "PUT", 403],
	])("%s", async (_, method, status) => {
		const { file } = machine();
		const server = await startFakeStore();
		const store = open(file, briefly(server.url));
		await store.appData.set({ key: "k", value: 1 });
		const answer = endless(status, () => common);
		server.answer = (request, response) => request.method === method && answer(request, response);
		const error = await rejection(() => store.backups.create());
		expect(error.code).toBe("ERR_BACKUP_DESTINATION");
		expect(answer.sent).toBeGreaterThan(0);
		expect(answer.sent).toBeLessThan(endless.most);
		server.answer = () => false;
		await store.backups.create();
		expect(await store.backups.verify()).toMatchObject({ isComplete: true });
	});
});

describe("a listing whose pages do not end", () => {
	const page = (next) => listing([], { next });
	test.each([
		["with the same continuation each time", () => page("again")],
		["with another continuation each time", (n) => page(`page-${n}`)],
		["with two that take turns", (n) => page(`page-${n % 2}`)],
		["whose continuation is empty", () => listing([], { next: " " })],
	])("%s", async (_, pageOf) => {
		let pages = 0;
		const server = await startFakeStore((request, response) => answering(200, pageOf(++pages))(request, response));
		const { file } = machine();
		const error = await rejection(() => open(file, briefly(server.url)).appData.get("k"));
		expect([error.code, existsSync(file)]).toEqual(["ERR_BACKUP_DESTINATION", false]);
		expect(error.message).toContain("does not end");
		expect(pages).toBeLessThan(1_100);
	});
});

describe("a listing of sizes and times that no backup has", () => {
	const MOST = "18446744073709551615";

	/** Lets a server list what it has in changed words. */
	const listsWith = (server, change) => {
		server.answer = (request, response) => {
			if (!isListing(request)) return false;
			const prefix = new URL(request.url, "http://host").searchParams.get("prefix");
			const found = [...server.objects].filter(([key]) => key.startsWith(prefix));
			const text = listing(found.map(([key, object]) => ({ key, ...object })));
			return answering(200, change(text))(request, response);
		};
	};

	test.each([
		["the largest number", MOST],
		["more than a number", `${MOST}0`],
		["a negative number", "-1"],
		["no number", "large"],
		["nothing", ""],
		["too little for a backup", "3"],
	])("a size of %s", async (_, size) => {
		const { file, server } = await lostMachine();
		listsWith(server, (text) => text.replaceAll(/<Size>\d+/g, `<Size>${size}`));
		const store = open(file, briefly(server.url));
		const value = await store.appData.get("k").catch((error) => error);
		if (value === 1) return;
		expect(value.code).toMatch(/^ERR_BACKUP_(DESTINATION|DAMAGED)/);
		expect(existsSync(file)).toBe(false);
	});

	test.each([
		"0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999Z",
		"+262142-12-31T23:59:59Z",
		"-262143-01-01T00:00:00Z",
		"never",
		"",
	])("a time of %s", async (time) => {
		const { file, server } = await lostMachine();
		listsWith(server, (text) => text.replaceAll(/<LastModified>[^<]*/g, `<LastModified>${time}`));
		const store = open(file, briefly(server.url));
		const value = await store.appData.get("k").catch((error) => error);
		if (value !== 1) {
			expect(value.code).toBe("ERR_BACKUP_DESTINATION");
			expect(existsSync(file)).toBe(false);
			return;
		}
		await store.appData.set({ key: "k", value: 2 });
		await store.backups.create();
		expect((await store.backups.list()).length).toBeGreaterThan(0);
	});
});

test("a part that is shorter than was asked for is no part", async () => {
	const { file, server } = await lostMachine();
	server.answer = (request, response) =>
		isPart(request) && answering(206, "short", partial(request))(request, response);
	const error = await rejection(() => open(file, briefly(server.url)).appData.get("k"));
	expect(error.code).toMatch(/^ERR_BACKUP_/);
	expect(existsSync(file)).toBe(false);
});

test("an object whose head tells of more than there is", async () => {
	const { file, server } = await lostMachine();
	server.answer = (request, response) =>
		request.method === "HEAD" &&
		answering(200, undefined, {
			etag: '"1"',
			"last-modified": new Date().toUTCString(),
			"content-length": 2 ** 53 - 1,
		})(request, response);
	const value = await open(file, briefly(server.url))
		.appData.get("k")
		.catch((error) => error);
	if (value !== 1) expect([value.code, existsSync(file)]).toEqual([expect.stringMatching(/^ERR_BACKUP_/), false]);
});
