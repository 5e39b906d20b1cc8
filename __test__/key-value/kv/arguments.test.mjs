// Bad input to the reads of dataStore.kv: each case has its error, which names the argument, and the next read works.

import { describe, expect, test } from "vitest";
import { expectArgumentError, expectInvalidArgument } from "../../helpers/errors.mjs";
import { temporaryStore } from "../../helpers/store.mjs";

/** Calls that take a range, each with what the errors call it. */
const RANGES = [
	["list", (kv, range) => kv.list(range), "options"],
	["listKeys", (kv, range) => kv.listKeys(range), "options"],
	["count", (kv, range) => kv.count(range), "range"],
	["entries", (kv, range) => kv.entries(range).next(), "range"],
];

const LISTS = RANGES.slice(0, 2);

const NOT_OBJECTS = [
	...[null, true, 7, "prefix", Symbol("a"), () => {}, [], ["a"]],
	// Objects, whose options would all seem to be left out.
	...[new Date(), new Map([["prefix", "a"]]), new Set(["a"]), new String("prefix"), Buffer.from("a")],
];

const BAD_KEYS = [null, true, 5n, Number.NaN, {}, ["k"], Symbol("k"), new Date(), "\ud800", "a\udc00b"];

async function storeWithKeys() {
	const store = temporaryStore();
	await store.appData.set(["a", "b", "c"].map((key) => ({ key, value: key })));
	return store;
}

/** `read` is refused for `argument`; the store is as it was, and goes on. */
async function expectRefused(read, argument) {
	const { kv } = await storeWithKeys();
	const error = await expectInvalidArgument(() => read(kv), argument);
	expect((await kv.listKeys()).entries).toEqual(["a", "b", "c"]);
	return error;
}

test("options that are no object, or that throw when they are read", async () => {
	const throwing = {
		get prefix() {
			throw new Error("thrown by the bot");
		},
	};
	const { proxy, revoke } = Proxy.revocable({}, {});
	revoke();
	for (const [, read, name] of RANGES) {
		for (const given of NOT_OBJECTS) await expectRefused((kv) => read(kv, given), name);
		const error = await expectRefused((kv) => read(kv, throwing), name);
		expect(error.cause.message).toBe("thrown by the bot");
		await expectRefused((kv) => read(kv, proxy), name);
	}
});

test("options are read from an object of a class, too, each once", async () => {
	let reads = 0;
	class Options {
		get prefix() {
			reads += 1;
			return reads === 1 ? "b" : "c";
		}
	}
	const { kv } = await storeWithKeys();
	expect((await kv.listKeys(new Options())).entries).toEqual(["b"]);
	expect(await kv.count(Object.create({ start: "b" }))).toBe(2);
	expect(await kv.count(Object.assign(Object.create(null), { startAfter: "b" }))).toBe(1);
	await expectRefused((other) => other.list(Object.create({ limit: 0 })), "options.limit");
});

test("an unknown option, also one that another method has", async () => {
	for (const [, read, name] of RANGES) {
		await expectRefused((kv) => read(kv, { prefx: "a" }), `${name}.prefx`);
		await expectRefused((kv) => read(kv, { prefix: "a", communityId: "C" }), `${name}.communityId`);
	}
	await expectRefused((kv) => kv.count({ reverse: true }), "range.reverse");
	await expectRefused((kv) => kv.count({ limit: 5 }), "range.limit");
	await expectRefused((kv) => kv.entries({ limit: 5 }).next(), "range.limit");
	await expectRefused((kv) => kv.entries({ cursor: "a" }).next(), "range.cursor");
});

test("bounds that are no keys", async () => {
	const { kv } = await storeWithKeys();
	for (const [, read, name] of RANGES) {
		for (const bound of ["prefix", "start", "startAfter", "end"]) {
			for (const key of BAD_KEYS) {
				await expectInvalidArgument(() => read(kv, { [bound]: key }), `${name}.${bound}`);
			}
		}
	}
	expect(await kv.count()).toBe(3);
});

test("bounds that exclude each other", async () => {
	for (const [, read, name] of RANGES) {
		for (const other of ["start", "startAfter", "end"]) {
			const error = await expectRefused((kv) => read(kv, { prefix: "a", [other]: "b" }), `${name}.prefix`);
			expect(error.message).toContain(other);
		}
		await expectRefused((kv) => read(kv, { start: "a", startAfter: "b" }), `${name}.startAfter`);
		// One that is undefined is not given.
		const { kv } = await storeWithKeys();
		await read(kv, { prefix: "a", start: undefined, startAfter: undefined, end: undefined });
	}
});

test("a limit that is none", async () => {
	const { kv } = await storeWithKeys();
	for (const [, read] of LISTS) {
		for (const limit of [0, -1, 1_001, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null, 5n, true]) {
			await expectInvalidArgument(() => read(kv, { limit }), "options.limit");
		}
		expect((await read(kv, { limit: 1_000 })).entries.length).toBe(3);
		expect((await read(kv, { limit: 1 })).entries.length).toBe(1);
	}
});

test("a direction that is neither true nor false", async () => {
	for (const [, read, name] of RANGES.filter(([method]) => method !== "count")) {
		for (const reverse of [0, 1, "true", null, {}]) {
			await expectRefused((kv) => read(kv, { reverse }), `${name}.reverse`);
		}
	}
});

describe("a cursor", () => {
	test("that is no text", async () => {
		for (const [, read] of LISTS) {
			for (const cursor of [null, 7, true, {}, ["a"], Buffer.from("a")]) {
				await expectRefused((kv) => read(kv, { cursor }), "options.cursor");
			}
		}
	});

	test("of another range, direction or community", async () => {
		const { appData, kv } = await storeWithKeys();
		await appData.set(["a", "b", "c"].map((key) => ({ key, value: key, communityId: "C" })));
		const queries = [
			[kv, {}],
			[kv, { reverse: true }],
			[kv, { start: "a" }],
			[kv, { end: "d" }],
			[kv, { start: "a", end: "d" }],
			[kv, { startAfter: "" }],
			[kv, { startAfter: "", reverse: true }],
			[kv.community("C"), {}],
			[kv.community("C"), { reverse: true }],
			[kv.community("\0"), {}],
		];
		for (const [index, [scope, query]] of queries.entries()) {
			const { cursor } = await scope.listKeys({ ...query, limit: 1 });
			if (index < queries.length - 1) expect(cursor).toEqual(expect.any(String));
			for (const [other, [otherScope, otherQuery]] of queries.entries()) {
				const next = () => otherScope.listKeys({ ...otherQuery, cursor });
				if (other === index || cursor === undefined) expect((await next()).entries).toBeInstanceOf(Array);
				else await expectInvalidArgument(next, "options.cursor");
			}
		}
	});

	test("that was changed, cut, or made up", async () => {
		const { kv } = await storeWithKeys();
		const { cursor } = await kv.listKeys({ limit: 1 });
		const changed = [...cursor].map((letter, at) => {
			const other = letter === "A" ? "B" : "A";
			return cursor.slice(0, at) + other + cursor.slice(at + 1);
		});
		const made = ["", " ", "a", `${cursor} `, `${cursor}=`, `${cursor}A`, "\ud800", "x".repeat(1_000_000)];
		for (const bad of [...changed, ...made, ...[...cursor].map((_, length) => cursor.slice(0, length))]) {
			await expectInvalidArgument(() => kv.listKeys({ cursor: bad }), "options.cursor");
			await expectInvalidArgument(() => kv.list({ cursor: bad }), "options.cursor");
		}
		expect((await kv.listKeys({ cursor })).entries).toEqual(["b", "c"]);
	});
});

test("keys that are none, in has and getMany", async () => {
	const { kv } = await storeWithKeys();
	for (const key of [undefined, ...BAD_KEYS]) {
		await expectInvalidArgument(() => kv.has(key), "key");
		await expectInvalidArgument(() => kv.getMany(["a", key]), "keys[1]");
	}
	for (const keys of [undefined, null, "a", 7, {}, new Set(["a"]), { length: 1, 0: "a" }]) {
		await expectInvalidArgument(() => kv.getMany(keys), "keys");
	}
	// A hole is undefined, which is no key.
	await expectInvalidArgument(() => kv.getMany(["a", , "b"]), "keys[1]");
	const { proxy, revoke } = Proxy.revocable([], {});
	revoke();
	await expectInvalidArgument(() => kv.getMany(proxy), "keys");
	expect(await kv.getMany(["a"])).toEqual(["a"]);
});

test("a community that is none is refused at once", async () => {
	const { kv } = await storeWithKeys();
	for (const id of [true, 5n, Number.NaN, {}, ["C"], Symbol("C"), "\ud800"]) {
		let thrown;
		try {
			kv.community(id);
		} catch (error) {
			thrown = error;
		}
		expectArgumentError(thrown, "id");
	}
});

test("an argument is read once, and before the call returns", async () => {
	const { kv } = await storeWithKeys();
	let reads = 0;
	const options = {
		get start() {
			reads++;
			return "b";
		},
	};
	const list = kv.listKeys(options);
	expect(reads).toBe(1);
	expect((await list).entries).toEqual(["b", "c"]);
	expect(reads).toBe(1);
});
