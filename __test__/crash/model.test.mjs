// The model of the crash test: what it accepts, and that it refuses what a store that loses writes would leave.

import { describe, expect, test } from "vitest";
import { problemWith } from "./model.mjs";
import { apply } from "./writes.mjs";

const writes = [
	["set", 1, 10, 0, false],
	["setMany", 0, 5, 20, 0],
	["add", 1],
	["count", 0],
	["deleteLike", "a0:"],
	["set", 2, 30, 0, true],
	["count", 0],
];

/** Contents of a store after the first `count` writes. */
function contentsAfter(count, counter = 0) {
	const contents = new Map();
	for (const write of writes.slice(0, count)) apply(contents, "main", write);
	return counter > 0 ? contents.set("shared/0", String(counter)) : contents;
}

const record = (acknowledged, changes = {}) => ({
	client: "main",
	writes,
	acknowledged,
	rejected: new Set(),
	...changes,
});
const problem = (after, acknowledged) => problemWith(new Map(), after, [record(acknowledged)]);

describe("the model of the crash test", () => {
	test("accepts every state between the last acknowledged write and the last issued one", () => {
		const counters = [0, 0, 0, 0, 1, 1, 1, 2];
		for (let acknowledged = 0; acknowledged <= writes.length; acknowledged++) {
			for (let count = acknowledged; count <= writes.length; count++) {
				expect(problem(contentsAfter(count, counters[count]), acknowledged)).toBeUndefined();
			}
		}
	});

	test("accepts what a rejected write left untouched, and not what it would have written", () => {
		const rejected = new Set([1]);
		const after = new Map([["main/k1", "10"]]);
		const some = { writes: writes.slice(0, 2), rejected };
		expect(problemWith(new Map(), after, [record(2, some)])).toBeUndefined();
		expect(problemWith(new Map(), contentsAfter(2), [record(2, some)])).toContain("main/a0:0");
	});

	test("builds on what the file held before", () => {
		const before = new Map([
			["main/k1", "7@1"],
			["shared/0", "5"],
		]);
		const some = record(1, {
			writes: [
				["add", 1],
				["count", 0],
			],
		});
		const expected = new Map([
			["main/k1", "8@1"],
			["shared/0", "6"],
		]);
		expect(problemWith(before, expected, [some])).toBeUndefined();
		expect(problemWith(before, before, [some])).toContain("main/k1 holds 7@1, not 8@1");
	});

	test("refuses a lost acknowledged write", () => {
		expect(problem(contentsAfter(0), 1)).toContain("main/k1 holds nothing, not 10");
		expect(problem(contentsAfter(2), 3)).toContain("main/k1");
	});

	test("refuses half of an array", () => {
		const half = contentsAfter(2);
		half.delete("main/a0:4");
		expect(problem(half, 0)).toContain("main/a0:4 holds nothing, not 20");
	});

	test("refuses a write without one that was issued before it", () => {
		expect(problem(new Map([["main/k2", "30@4102444800000"]]), 0)).toContain("main/k");
	});

	test("refuses what a pattern delete left over", () => {
		const after = contentsAfter(5, 1).set("main/a0:3", "20");
		expect(problem(after, 5)).toContain("main/a0:3 holds 20, not nothing");
	});

	test("refuses a lost or changed expiry", () => {
		const after = contentsAfter(7, 2).set("main/k2", "30");
		expect(problem(after, 7)).toContain("main/k2 holds 30, not 30@4102444800000");
	});

	test("refuses a counter below the acknowledged increments or above the issued ones", () => {
		expect(problem(contentsAfter(4), 4)).toContain("the shared counters grew by 0,0");
		expect(problem(contentsAfter(7, 3), 4)).toContain("the shared counters grew by 3,0");
	});

	test("adds up the increments of all clients", () => {
		const count = [["count", 0]];
		const of = (client, acknowledged) => ({ client, writes: count, acknowledged, rejected: new Set() });
		const counted = (n) => new Map([["shared/0", String(n)]]);
		const both = [of("main", 1), of("peer", 0)];
		expect(problemWith(new Map(), counted(1), both)).toBeUndefined();
		expect(problemWith(new Map(), counted(2), both)).toBeUndefined();
		expect(problemWith(new Map(), counted(0), both)).toContain("grew by 0,0");
		expect(problemWith(new Map(), counted(3), both)).toContain("grew by 3,0");
	});

	test("refuses half of another library's transaction", () => {
		const transaction = ["transaction", 3, 2, 40, 1];
		const after = new Map([
			["library/row3:0", "40"],
			["library/row3:1", "40"],
			["library/last", "40"],
			["shared/1", "1"],
		]);
		const some = [{ client: "library", writes: [transaction], acknowledged: 0, rejected: new Set() }];
		expect(problemWith(new Map(), after, some)).toBeUndefined();
		expect(problemWith(new Map(), new Map(), some)).toBeUndefined();
		for (const key of after.keys()) {
			const part = new Map(after);
			part.delete(key);
			expect(problemWith(new Map(), part, some)).toEqual(expect.any(String));
		}
	});

	test("refuses a key that nobody wrote", () => {
		expect(problem(contentsAfter(1).set("stranger", "1"), 0)).toContain("nobody wrote it");
		expect(problem(contentsAfter(1).set("main/other", "1"), 0)).toContain("main/other");
	});
});
