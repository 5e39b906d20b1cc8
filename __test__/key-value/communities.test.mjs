// Communities: the SDK's undocumented last argument, and `communityId` inside the entries of `set`.

import { describe, expect, test } from "vitest";
import { expectInvalidArgument } from "../helpers/errors.mjs";
import { rawRows } from "../helpers/raw.mjs";
import { keysOf, temporaryAppData, temporaryFile, temporaryStore } from "../helpers/store.mjs";

/** A store with the same two keys in the default scope and in the communities A and B. */
async function threeScopes() {
	const appData = temporaryAppData();
	await appData.set(
		[undefined, "A", "B"].flatMap((communityId) => [
			{ key: "k1", value: `k1 of ${communityId}`, communityId },
			{ key: "k2", value: `k2 of ${communityId}`, communityId },
		]),
	);
	return appData;
}

const untouched = (communityId) => [
	{ key: "k1", value: `k1 of ${communityId}` },
	{ key: "k2", value: `k2 of ${communityId}` },
];

describe("rows of one community never show in another or in the default scope", () => {
	test("in get", async () => {
		const appData = await threeScopes();
		expect(await appData.get("k1")).toBe("k1 of undefined");
		expect(await appData.get("k1", "A")).toBe("k1 of A");
		expect(await appData.get("k1", "B")).toBe("k1 of B");
		expect(await appData.get("k1", "C")).toBeUndefined();
	});

	test("in select and selectValue", async () => {
		const appData = await threeScopes();
		for (const communityId of [undefined, "A", "B"]) {
			expect(await appData.select("k%", communityId)).toEqual(untouched(communityId));
			expect(await appData.selectValue("k1", communityId)).toEqual([`k1 of ${communityId}`]);
		}
		expect(await appData.select("%", "C")).toEqual([]);
	});

	test("in set", async () => {
		const appData = await threeScopes();
		await appData.set({ key: "k1", value: "new", communityId: "A" });
		expect(await appData.selectValue("%", "A")).toEqual(["new", "k2 of A"]);
		expect(await appData.select("%")).toEqual(untouched());
		expect(await appData.select("%", "B")).toEqual(untouched("B"));
	});

	test("in update", async () => {
		const appData = await threeScopes();
		expect(await appData.update("k1", (text) => `${text}!`, "", undefined, "A")).toBe("k1 of A!");
		expect(await appData.update("k3", (text) => `${text}!`, "none", undefined, "A")).toBe("none!");
		expect(await appData.selectValue("%", "A")).toEqual(["k1 of A!", "k2 of A", "none!"]);
		expect(await appData.select("%")).toEqual(untouched());
		expect(await appData.select("%", "B")).toEqual(untouched("B"));
	});

	test("in delete and deleteLike", async () => {
		const appData = await threeScopes();
		await appData.delete("k1", "A");
		expect(await keysOf(appData, "A")).toEqual(["k2"]);
		await appData.deleteLike("%", "B");
		expect(await keysOf(appData, "B")).toEqual([]);
		expect(await appData.select("%")).toEqual(untouched());
		await appData.deleteLike("%");
		expect(await keysOf(appData)).toEqual([]);
		expect(await keysOf(appData, "A")).toEqual(["k2"]);
	});

	test("in operations issued together", async () => {
		const appData = temporaryAppData();
		const scopes = [undefined, "A", "B", "C"];
		const updates = Array.from({ length: 100 }, (_, i) =>
			appData.update("k", (n) => n + 1, 0, undefined, scopes[i % 4]),
		);
		const reads = scopes.map((scope) => appData.get("k", scope));
		expect(await Promise.all(reads)).toEqual([25, 25, 25, 25]);
		await Promise.all(updates);
	});
});

test("of equal keys in one array the last of its community wins", async () => {
	const appData = temporaryAppData();
	await appData.set([
		{ key: "k", value: 1, communityId: "A" },
		{ key: "k", value: 2 },
		{ key: "k", value: 3, communityId: "A" },
		{ key: "k", value: 4, communityId: "B" },
	]);
	expect(await appData.get("k")).toBe(2);
	expect(await appData.get("k", "A")).toBe(3);
	expect(await appData.get("k", "B")).toBe(4);
});

for (const [name, communityId] of [
	["undefined", undefined],
	["null", null],
	["the empty text", ""],
]) {
	test(`${name} as a community is the default scope, NULL in the file`, async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "a", value: 1, communityId });
		await appData.update("b", (n) => n + 1, 0, undefined, communityId);
		expect(await appData.get("a")).toBe(1);
		expect(await appData.get("b", communityId)).toBe(1);
		expect(await keysOf(appData, communityId)).toEqual(["a", "b"]);
		expect(await appData.selectValue("%", communityId)).toEqual([1, 1]);
		expect((await rawRows(filename)).map((row) => row.community_id)).toEqual([null, null]);
		await appData.delete("a", communityId);
		await appData.deleteLike("b", communityId);
		expect(await keysOf(appData)).toEqual([]);
	});
}

test("a number as a community is its decimal string", async () => {
	const appData = temporaryAppData();
	await appData.set({ key: "k", value: 1, communityId: 5 });
	expect(await appData.get("k", "5")).toBe(1);
	expect(await appData.get("k", 5)).toBe(1);
	expect(await appData.get("k")).toBeUndefined();
});

test("communities differ in case, after a NUL and in normalisation", async () => {
	const appData = temporaryAppData();
	const communities = ["a", "A", "a\0", "a\0b", "\u00e9", "e\u0301", "%", "_", "x".repeat(10_000)];
	await appData.set(communities.map((communityId, value) => ({ key: "k", value, communityId })));
	for (const [value, communityId] of communities.entries()) {
		expect(await appData.selectValue("%", communityId)).toEqual([value]);
	}
});

for (const [name, communityId] of [
	["a boolean", true],
	["an object", {}],
	["an array", ["A"]],
	["a symbol", Symbol("A")],
	["a BigInt", 1n],
	["NaN", Number.NaN],
	["a function", () => "A"],
	["a lone surrogate", "\ud800"],
]) {
	test(`${name} as a community is a TypeError in every operation, and nothing is written`, async () => {
		const appData = temporaryAppData();
		const entry = { key: "k", value: 1 };
		await expectInvalidArgument(() => appData.set({ ...entry, communityId }), "values.communityId");
		await expectInvalidArgument(() => appData.set([entry, { ...entry, communityId }]), "values[1].communityId");
		await expectInvalidArgument(() => appData.get("k", communityId), "communityId");
		await expectInvalidArgument(() => appData.update("k", () => 1, 1, undefined, communityId), "communityId");
		await expectInvalidArgument(() => appData.delete("k", communityId), "communityId");
		await expectInvalidArgument(() => appData.deleteLike("k", communityId), "communityId");
		await expectInvalidArgument(() => appData.select("k", communityId), "communityId");
		await expectInvalidArgument(() => appData.selectValue("k", communityId), "communityId");
		expect(await keysOf(appData)).toEqual([]);
	});
}
