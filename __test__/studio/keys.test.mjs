// The keys of the studio: what it lists, how it saves, and what it refuses.

import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test, vi } from "vitest";
import { raw } from "../helpers/raw.mjs";
import { until } from "../helpers/time.mjs";
import { fileWith, hashOf, startStudio } from "./studio.mjs";

const many = (count, make) => Array.from({ length: count }, (_, index) => make(index));

test("pages hold every key once and in order, whatever is written between them", async () => {
	const file = await fileWith((store) => store.appData.set(many(950, (n) => ({ key: `k:${n}`, value: n }))));
	const studio = await startStudio({ file, write: true });
	const writer = openDataStore({ filename: file, backup: false });
	onTestFinished(() => writer.close());
	const seen = [];
	let after;
	do {
		const page = await studio.call("keys/list", { filter: "k:", after });
		seen.push(...page.keys.map(({ key }) => key));
		after = page.after;
		await writer.appData.set([
			{ key: `k:0new${seen.length}`, value: 1 },
			{ key: "k:9999", value: 1 },
		]);
	} while (after !== undefined);
	const kept = seen.filter((key) => /^k:\d{1,3}$/.test(key));
	expect(kept.toSorted()).toEqual(many(950, (n) => `k:${n}`).toSorted());
	expect(new Set(seen).size).toBe(seen.length);
	expect(seen).toEqual(seen.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))));
});

test("the tree is complete on every level, also where keys have odd parts", async () => {
	const keys = [
		"a",
		"a:",
		"a::",
		"a:b",
		"a:b:c",
		"a!x",
		"a;b",
		"\u{10ffff}:x",
		"\ud7ff:y",
		"\ue000",
		":lead",
		"",
		"é:1",
		"é:2:3",
	];
	const file = await fileWith((store) => store.appData.set(keys.map((key) => ({ key, value: 1 }))));
	const studio = await startStudio({ file });
	const leaves = async (prefix) => {
		const { nodes, after } = await studio.call("keys/level", { prefix });
		expect(after).toBeUndefined();
		const below = await Promise.all(nodes.map(({ key, isBranch }) => (isBranch ? leaves(key) : [key])));
		return below.flat();
	};
	expect((await leaves("")).toSorted()).toEqual(keys.toSorted());
});

test("a level with more nodes than an answer holds goes on where it ended", async () => {
	const file = await fileWith((store) =>
		store.appData.set(many(700, (n) => ({ key: n % 2 ? `g${n}:x` : `leaf${n}`, value: n }))),
	);
	const studio = await startStudio({ file });
	const found = [];
	let after;
	do {
		const level = await studio.call("keys/level", { prefix: "", after });
		found.push(...level.nodes.map(({ key }) => key));
		after = level.after;
	} while (after !== undefined);
	expect(found.toSorted()).toEqual(many(700, (n) => (n % 2 ? `g${n}:` : `leaf${n}`)).toSorted());
});

test("a filter finds what select finds, and without a percent sign the keys that begin with it", async () => {
	const keys = [
		"User:1",
		"user:1",
		"USER:2",
		"user_1",
		"user%1",
		"us\\er",
		"user:é",
		"admin",
		"x:user:1",
		"usér:1",
		"İuser",
	];
	const file = await fileWith((store) => store.appData.set(keys.map((key) => ({ key, value: 1 }))));
	const studio = await startStudio({ file });
	const store = openDataStore({ filename: file, readOnly: true });
	onTestFinished(() => store.close());
	const found = async (filter) => (await studio.call("keys/list", { filter })).keys.map(({ key }) => key).toSorted();
	for (const pattern of [
		"%",
		"user%",
		"USER:%",
		"%user%",
		"user\\_%",
		"user\\%%",
		"us\\er%",
		"%\\\\%",
		"us_r%",
		"%1",
		"u%r:_",
		"İ%",
	]) {
		const entries = await store.appData.select(pattern);
		expect([pattern, await found(pattern)]).toEqual([pattern, entries.map(({ key }) => key).toSorted()]);
		const { count } = await studio.call("keys/count", { filter: pattern });
		expect([pattern, count]).toEqual([pattern, entries.length]);
	}
	expect(await found("user_")).toEqual(["user_1"]);
	expect(await found("user")).toEqual(["user%1", "user:1", "user:é", "user_1"].toSorted());
});

test("communities are listed, and no key of one shows in another", async () => {
	const file = await fileWith((store) =>
		store.appData.set(many(60, (n) => ({ key: `key of ${n}`, value: n, communityId: n === 0 ? undefined : `c${n}` }))),
	);
	const studio = await startStudio({ file });
	const { communities, isComplete } = await studio.call("communities");
	expect([communities, isComplete]).toEqual([many(59, (n) => `c${n + 1}`).toSorted(), true]);
	for (const community of ["", "c7"]) {
		const { keys } = await studio.call("keys/list", { community });
		expect(keys.map(({ key }) => key)).toEqual([`key of ${community.slice(1) || 0}`]);
	}
});

test("a value is shown and stored to the letter", async () => {
	const file = await fileWith((store) => store.appData.set({ key: "exact", value: 1 }));
	const studio = await startStudio({ file, write: true });
	const texts = [
		'{"a": 1.0,  "big": 12345678901234567890, "a": 2}',
		"1e400",
		"-0.0",
		'"line\\u0020\\/ <b>"',
		"[1,\r\n\t2\n]  ",
		`"${"ä".repeat(1_000)}"`,
	];
	let { version } = await studio.call("key/read", { key: "exact" });
	for (const value of texts) {
		({ version } = await studio.call("key/save", { key: "exact", value, version }));
		expect(await studio.call("key/read", { key: "exact" })).toMatchObject({ value, version });
		expect(await raw(file, "SELECT value FROM __rootapp_kv")).toEqual([{ value }]);
	}
});

test("saving is refused where the key was changed, deleted or made meanwhile, and changes nothing", async () => {
	const file = await fileWith((store) =>
		store.appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 1 },
		]),
	);
	const studio = await startStudio({ file, write: true });
	const bot = openDataStore({ filename: file, backup: false });
	onTestFinished(() => bot.close());
	const [a, b] = await Promise.all(["a", "b"].map((key) => studio.call("key/read", { key })));
	await bot.appData.set({ key: "a", value: 2 });
	await bot.appData.delete("b");
	await bot.appData.set({ key: "c", value: 3 });
	const changed = { status: 409, code: "ERR_CHANGED_MEANWHILE" };
	for (const name of ["key/save", "key/delete", "key/expire"]) {
		const more = { value: "9", expiresAt: Date.now() + 60_000 };
		expect(await studio.failure(name, { key: "a", version: a.version, ...more })).toMatchObject(changed);
		expect(await studio.failure(name, { key: "b", version: b.version, ...more })).toMatchObject(changed);
	}
	expect(await studio.failure("key/save", { key: "c", value: "9" })).toMatchObject({
		status: 409,
		code: "ERR_KEY_EXISTS",
	});
	expect(await bot.kv.getMany(["a", "b", "c"])).toEqual([2, undefined, 3]);
	// A changed expiry alone is a change.
	const c = await studio.call("key/read", { key: "c" });
	await bot.kv.expire("c", { ttlMs: 60_000 });
	expect(await studio.failure("key/save", { key: "c", value: "9", version: c.version })).toMatchObject(changed);
});

test("what is not JSON is refused with its place, as is what a bot could not read back", async () => {
	const file = await fileWith((store) => store.appData.set({ key: "a", value: 1 }));
	const studio = await startStudio({ file, write: true });
	const { version } = await studio.call("key/read", { key: "a" });
	const before = hashOf(file);
	const refused = [
		["", 0],
		["{", 1],
		['{"a" 1}', 5],
		["[1,2,]", 5],
		["01", 1],
		["nul", 0],
		['{"a":1} x', 8],
		["'a'", 0],
	];
	for (const [value, position] of refused) {
		const error = await studio.failure("key/save", { key: "a", value, version });
		expect([value, error]).toEqual([
			value,
			expect.objectContaining({ status: 400, code: "ERR_INVALID_JSON", position }),
		]);
	}
	const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
	for (const value of ['"\\ud800"', deep]) {
		const saved = await studio.request("key/save", { key: "a", value, version });
		const bot = openDataStore({ filename: file, readOnly: true });
		// Either it is refused, or a bot reads it.
		if (saved.ok) await bot.appData.get("a");
		else expect((await saved.json()).error.code).toBe("ERR_INVALID_JSON");
		await bot.close();
		if (saved.ok) return;
	}
	for (const input of [
		{ value: 1 },
		{ key: 5, value: "1" },
		{ key: "\ud800", value: "1" },
		{ value: "1", expiresAt: 5 },
	]) {
		expect(await studio.failure("key/save", { key: "a", version, value: "1", ...input })).toMatchObject({
			status: 400,
		});
	}
	expect(await studio.call("key/read", { key: "a" })).toMatchObject({ value: "1", version });
	expect(before).toBe(hashOf(file));
});

test("an expiry is set, kept by a save, and removed", async () => {
	const file = await fileWith((store) => store.appData.set({ key: "a", value: 1 }));
	const studio = await startStudio({ file, write: true });
	const expiresAt = Date.now() + 3_600_000;
	let { version } = await studio.call("key/read", { key: "a" });
	({ version } = await studio.call("key/expire", { key: "a", version, expiresAt }));
	({ version } = await studio.call("key/save", { key: "a", version, value: "2", expiresAt }));
	expect(await studio.call("key/read", { key: "a" })).toMatchObject({ value: "2", expiresAt });
	({ version } = await studio.call("key/expire", { key: "a", version, expiresAt: null }));
	const { expiresAt: none } = await studio.call("key/read", { key: "a" });
	expect(none).toBeUndefined();
});

test("several keys are deleted if there are as many as was said", async () => {
	const file = await fileWith((store) => store.appData.set(many(30, (n) => ({ key: `tmp:${n}`, value: n }))));
	const studio = await startStudio({ file, write: true });
	expect(await studio.failure("keys/delete", { filter: "tmp:1%", expected: 10 })).toMatchObject({ status: 409 });
	expect(await studio.call("keys/delete", { filter: "tmp:1%", expected: 11 })).toEqual({ deleted: 11 });
	expect(await studio.call("keys/delete", { filter: "tmp:2", expected: 11 })).toEqual({ deleted: 11 });
	expect((await studio.call("keys/list")).keys).toHaveLength(8);
});

test("rows that the SDK has left are one key, its newest; what expired and what is no text is told apart", async () => {
	const file = await fileWith((store) =>
		store.appData.set([
			{ key: "a", value: "old" },
			{ key: "z", value: 1 },
		]),
	);
	await raw(
		file,
		`INSERT INTO __rootapp_kv (key, value, expires_at) VALUES ('a', '"new"', NULL), ('gone', '1', 5),
			('blob', x'00ff', NULL), ('text', 'not json', NULL)`,
	);
	const studio = await startStudio({ file, write: true });
	const { keys } = await studio.call("keys/list");
	expect(keys.map(({ key, rows, isText }) => [key, rows, isText])).toEqual([
		["a", 2, true],
		["blob", 1, false],
		["text", 1, true],
		["z", 1, true],
	]);
	const { value, version, rows } = await studio.call("key/read", { key: "a" });
	expect([value, rows]).toEqual(['"new"', 2]);
	await studio.call("key/save", { key: "a", value: '"newer"', version });
	expect(await raw(file, "SELECT value FROM __rootapp_kv WHERE key = 'a'")).toEqual([{ value: '"newer"' }]);
	expect(await studio.call("key/read", { key: "blob" })).toMatchObject({
		type: "blob",
		bytes: 2,
		begin: { blob: "00ff" },
	});
	expect(await studio.failure("key/read", { key: "gone" })).toMatchObject({ status: 404 });
});

test("a page is told of the keys that it shows, with their rows, and that there are others", async () => {
	const file = await fileWith((store) =>
		store.appData.set([
			{ key: "a", value: 1 },
			{ key: "b", value: 1 },
		]),
	);
	const studio = await startStudio({ file });
	const bot = openDataStore({ filename: file, backup: false });
	onTestFinished(() => bot.close());
	const controller = new AbortController();
	const told = [];
	const ended = (async () => {
		try {
			for await (const line of studio.lines("watch", { keys: ["a", "b"] }, controller.signal)) told.push(line);
		} catch (error) {
			if (error.name !== "AbortError") throw error;
		}
	})();
	await until(() => told.some(({ watching }) => watching), "the watch");
	await until(async () => {
		await bot.appData.set({ key: "a", value: "told" });
		await bot.appData.delete("b");
		return told.some(({ gone }) => gone?.includes("b"));
	}, "the changes");
	await until(() => told.some(({ changed }) => changed), "the change of the file");
	const rows = told.flatMap((line) => line.rows ?? []);
	expect(rows.at(-1)).toMatchObject({ key: "a", preview: '"told"' });
	controller.abort();
	await ended;
});

test("a watch of which a part fails ends with all that it does", async () => {
	const studio = await startStudio({ file: await fileWith(() => {}), write: true });
	const { ROUTES } = await import("../../lib/studio/routes/index.js");
	const { default: limits } = await import("../../lib/studio/limits.js");
	const version = vi.spyOn(studio.session, "version");
	const lines = {
		write: async ({ rows }) => {
			if (rows) throw new Error("nobody takes them");
		},
	};
	const { signal } = new AbortController();
	const watching = ROUTES.get("watch").stream(studio.session, { keys: ["a"] }, signal, lines);
	const failed = expect(watching).rejects.toThrow("nobody takes them");
	await until(() => version.mock.calls.length > 0, "the watch");
	await studio.session.store.appData.set({ key: "a", value: 1 });
	await failed;
	const looks = version.mock.calls.length;
	await sleep(3 * limits.LOOK_INTERVAL_MS);
	expect(version).toHaveBeenCalledTimes(looks);
});

test("without --write every request that writes is refused, and the file stays as it is", async () => {
	const file = await fileWith((store) => store.appData.set({ key: "a", value: 1 }));
	const studio = await startStudio({ file });
	const { version } = await studio.call("key/read", { key: "a" });
	const before = hashOf(file);
	const { ROUTES } = await import("../../lib/studio/routes/index.js");
	const writing = [...ROUTES].filter(([, { writes }]) => writes).map(([name]) => name);
	expect(writing).toEqual(expect.arrayContaining(["key/save", "key/delete", "key/expire", "keys/delete"]));
	for (const name of writing) {
		const input = { key: "a", value: "2", version, filter: "", expected: 1, expiresAt: null };
		expect([name, await studio.failure(name, input)]).toEqual([
			name,
			expect.objectContaining({ status: 403, code: "ERR_READ_ONLY" }),
		]);
	}
	// The engine refuses as well, for the store itself is open to read only.
	await expect(studio.session.store.appData.set({ key: "a", value: 2 })).rejects.toMatchObject({
		code: "ERR_READ_ONLY",
	});
	expect(hashOf(file)).toBe(before);
});
