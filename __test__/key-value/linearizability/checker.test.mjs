// The checker: it accepts histories that are linearizable and refuses those that are not.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "./checker.mjs";
import { isRead, projection, register, store, textOf } from "./semantics.mjs";

/** An operation of a client between two moments. */
const operation = (client, invoked, returned, kind, rest = {}) => ({
	client,
	invoked,
	returned,
	kind,
	isRead: isRead(kind),
	...rest,
});
const set = (client, from, to, argument, key = "k") => operation(client, from, to, "set", { argument, key });
const get = (client, from, to, value, key = "k") =>
	operation(client, from, to, "get", { result: JSON.stringify(value) ?? null, key });
const remove = (client, from, to, key = "k") => operation(client, from, to, "delete", { key });
const append = (client, from, to, argument, result, key = "k") =>
	operation(client, from, to, "append", { argument, result: JSON.stringify(result), key });
const increment = (client, from, to, result, key = "k") =>
	operation(client, from, to, "increment", { result: String(result), key });
const setMany = (client, from, to, entries) =>
	operation(client, from, to, "setMany", { argument: entries.map(([key, value]) => ({ key, value })) });
const select = (client, from, to, entries) => operation(client, from, to, "select", { result: textOf(entries) });
const deleteLike = (client, from, to) => operation(client, from, to, "deleteLike");

const isLinearizable = (history, step = register) => check(history, step).explained !== undefined;

describe("on one key, the checker accepts", () => {
	for (const [name, history] of [
		["nothing at all", []],
		["operations one after the other", [set("a", 0, 1, 1), get("b", 2, 3, 1), remove("a", 4, 5), get("b", 6, 7)]],
		["a read beside a write with the old value", [set("a", 0, 9, 1), get("b", 1, 2)]],
		["a read beside a write with the new value", [set("a", 0, 9, 1), get("b", 1, 2, 1)]],
		["two writes at once in either order", [set("a", 0, 9, 1), set("b", 0, 9, 2), get("c", 10, 11, 1)]],
		["a write that never returned and was seen", [set("a", 0, Infinity, 1), get("b", 5, 6, 1)]],
		["a write that never returned and was not seen", [set("a", 0, Infinity, 1), get("b", 5, 6), get("b", 7, 8)]],
		["increments at once that each saw another count", [increment("a", 0, 9, 2), increment("b", 0, 9, 1)]],
		["appends at once that build on each other", [append("a", 0, 9, 1, [2, 1]), append("b", 0, 9, 2, [2])]],
		[
			"operations of one client that overlap, in its order",
			[set("a", 0, 9, 1), set("a", 1, 9, 2), get("b", 10, 11, 2)],
		],
		["times that touch, in either order", [set("a", 0, 5, 1), get("b", 5, 6)]],
		[
			"what needs a choice to be taken back",
			[set("a", 0, 9, 1), set("b", 0, 9, 2), set("c", 0, 9, 3), get("d", 10, 11, 2), increment("e", 20, 21, 3)],
		],
	]) {
		test(name, () => {
			const { explained } = check(history, register);
			expect(explained).toHaveLength(name.includes("was not seen") ? 2 : history.length);
		});
	}
});

describe("on one key, the checker refuses", () => {
	for (const [name, history] of [
		["a stale read", [set("a", 0, 1, 1), set("a", 2, 3, 2), get("b", 4, 5, 1)]],
		["a read of nothing after a write", [set("a", 0, 1, 1), get("b", 2, 3)]],
		["a read of a value that nobody wrote", [set("a", 0, 1, 1), get("b", 2, 3, 2)]],
		["a read before the write that it saw", [get("b", 0, 1, 1), set("a", 2, 3, 1)]],
		["reads that go back in time", [set("a", 0, 9, 1), get("b", 1, 2, 1), get("c", 3, 4)]],
		["a read of a deleted value", [set("a", 0, 1, 1), remove("a", 2, 3), get("b", 4, 5, 1)]],
		["a lost update", [increment("a", 0, 9, 1), increment("b", 0, 9, 1)]],
		["an increment that counted twice", [increment("a", 0, 1, 1), get("b", 2, 3, 2)]],
		["an append that dropped another", [append("a", 0, 1, 1, [1]), append("b", 2, 3, 2, [2])]],
		[
			"appends that two reads saw in different orders",
			[append("a", 0, 9, 1, [1]), append("b", 0, 9, 2, [1, 2]), get("c", 3, 4, [2, 1])],
		],
		[
			"one order of writes seen by some and another by others",
			[set("a", 0, 9, 1), set("b", 0, 9, 2), get("c", 1, 2, 1), get("c", 3, 4, 2), get("c", 5, 6, 1)],
		],
		["writes of one client against its order", [set("a", 0, 9, 1), set("a", 1, 9, 2), get("b", 10, 11, 1)]],
		["a read of one client from before its own write", [set("a", 0, 9, 1), get("a", 1, 8)]],
		["a read of one client from after it", [get("a", 0, 9, 1), set("a", 1, 9, 1)]],
		["a write that never returned, seen and then not", [set("a", 0, Infinity, 1), get("b", 1, 2, 1), get("b", 3, 4)]],
	]) {
		test(name, () => {
			const { explained, longest } = check(history, register);
			expect(explained).toBeUndefined();
			expect(longest.length).toBeLessThan(history.length);
		});
	}
});

describe("on the whole store, the checker", () => {
	test("accepts an array seen as a whole, and refuses half of one", () => {
		const array = setMany("a", 0, 9, [
			["k", 1],
			["l", 2],
		]);
		expect(
			isLinearizable(
				[
					array,
					select("b", 1, 2, [
						["k", 1],
						["l", 2],
					]),
				],
				store,
			),
		).toBe(true);
		expect(isLinearizable([array, select("b", 1, 2, [])], store)).toBe(true);
		expect(isLinearizable([array, select("b", 1, 2, [["k", 1]])], store)).toBe(false);
		expect(isLinearizable([array, get("b", 1, 2, 1, "k"), get("b", 3, 4, undefined, "l")], store)).toBe(false);
		expect(isLinearizable([array, get("b", 1, 2, undefined, "k"), get("b", 3, 4, 2, "l")], store)).toBe(true);
	});

	test("refuses a pattern delete seen by half", () => {
		const array = setMany("a", 0, 1, [
			["k", 1],
			["l", 2],
		]);
		const history = (...rest) => [array, deleteLike("a", 2, 9), ...rest];
		expect(isLinearizable(history(select("b", 3, 4, [["l", 2]])), store)).toBe(false);
		expect(isLinearizable(history(get("b", 3, 4, undefined, "k"), get("b", 5, 6, 2, "l")), store)).toBe(false);
		expect(isLinearizable(history(select("b", 3, 4, []), get("b", 5, 6, undefined, "l")), store)).toBe(true);
	});

	test("refuses writes of one client seen against its order, which each key alone cannot show", () => {
		const writes = [set("a", 0, 9, 1, "k"), set("a", 1, 9, 1, "l")];
		const history = [...writes, get("b", 2, 3, 1, "l"), get("b", 4, 5, undefined, "k")];
		expect(isLinearizable(projection(history, "k"))).toBe(true);
		expect(isLinearizable(projection(history, "l"))).toBe(true);
		expect(isLinearizable(history, store)).toBe(false);
	});
});

test("an operation on several keys is one on each of them", () => {
	const history = [
		setMany("a", 0, 1, [["k", 1]]),
		select("b", 2, 3, [
			["k", 1],
			["l", 5],
		]),
		deleteLike("a", 4, 5),
	];
	expect(projection(history, "k").map(({ kind, result }) => [kind, result])).toEqual([
		["set", undefined],
		["get", "1"],
		["delete", undefined],
	]);
	expect(projection(history, "l").map(({ kind, result }) => [kind, result])).toEqual([
		["get", "5"],
		["delete", undefined],
	]);
});

/** Tries every order of a history for one that explains it. */
function isLinearizableByForce(history, step, initial = null) {
	const explains = (left, state) => {
		if (left.every(({ returned }) => returned === Infinity)) return true;
		return left.some((next, index) => {
			const others = left.toSpliced(index, 1);
			if (others.some(({ returned }) => returned < next.invoked)) return false;
			const isBefore = (other) => other.client === next.client && !(other.isRead && next.isRead);
			if (left.slice(0, index).some(isBefore)) return false;
			const result = step(state, next);
			return result !== undefined && explains(others, result.state);
		});
	};
	return explains(history, initial);
}

test("the checker agrees with trying every order, on random histories", () => {
	const interval = fc.tuple(fc.nat(12), fc.nat(6), fc.nat(20)).map(([invoked, length, pending]) => ({
		invoked,
		returned: pending === 0 ? Infinity : invoked + length,
	}));
	const text = fc.constantFrom(null, "1", "2", "3");
	const key = fc.constantFrom("k", "l");
	const kind = fc.oneof(
		fc.record({ kind: fc.constant("get"), result: text, key }),
		fc.record({ kind: fc.constant("set"), argument: fc.integer({ min: 1, max: 2 }), key }),
		fc.record({ kind: fc.constant("increment"), result: fc.constantFrom("1", "2", "3"), key }),
		fc.record({ kind: fc.constant("delete"), key }),
	);
	const client = fc.constantFrom("a", "b", "c");
	const one = fc.tuple(client, interval, kind).map(([name, times, rest]) => ({
		client: name,
		...times,
		...rest,
		isRead: isRead(rest.kind),
	}));
	const outcomes = { true: 0, false: 0 };
	fc.assert(
		fc.property(fc.array(one, { maxLength: 7 }), (operations) => {
			const history = operations.sort((a, b) => a.invoked - b.invoked);
			for (const [part, step] of [
				[projection(history, "k"), register],
				[history, store],
			]) {
				const expected = isLinearizableByForce(part, step);
				outcomes[expected]++;
				expect(isLinearizable(part, step)).toBe(expected);
			}
		}),
		{ numRuns: 3_000 },
	);
	// Both verdicts, and often.
	expect(Math.min(outcomes.true, outcomes.false)).toBeGreaterThan(500);
});

test("a history of 20,000 operations of 12 clients is checked without a long search", () => {
	let count = 0;
	let time = 0;
	const history = Array.from({ length: 20_000 }, (_, n) => {
		const client = String(n % 12);
		time += 1;
		if (n % 3 === 0) return get(client, time, time + 11, count);
		count += 1;
		return increment(client, time, time + 11, count);
	});
	history[0] = set("0", 0, 1, 0);
	expect(isLinearizable(history)).toBe(true);
	history[10_002] = get("6", history[10_002].invoked, history[10_002].returned, count);
	expect(isLinearizable(history)).toBe(false);
});
