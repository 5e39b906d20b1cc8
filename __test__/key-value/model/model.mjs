// A plain model of the store, random operations on both, and the comparison of their outcomes.

import fc from "fast-check";
import { expect } from "vitest";
import { anyCharacter } from "../../helpers/characters.mjs";
import { isStorable } from "../../helpers/storable.mjs";
import { changers, issue, updaters } from "./issue.mjs";

export const HOUR_MS = 3_600_000;
const FUTURE = Date.now() + 24 * HOUR_MS;

/**
 * The store as its documentation has it, one row after the other: an expired row is as good as none, a key keeps its place
 * while it lives, and every operation takes effect in the order of issue.
 */
export class Model {
	#rows = new Map();

	#name(key, community) {
		return JSON.stringify([community || null, key]);
	}

	#live(key, community) {
		const row = this.#rows.get(this.#name(key, community));
		return row && !(row.expiresAt <= Date.now()) ? row : undefined;
	}

	#put(key, community, value, expiresAt) {
		const name = this.#name(key, community);
		if (!this.#live(key, community)) this.#rows.delete(name);
		this.#rows.set(name, { key, community: community || null, value: JSON.stringify(value), expiresAt });
	}

	#matching(pattern, community) {
		const rows = [...this.#rows.values()];
		return rows.filter((row) => row.community === (community || null) && patterns[pattern].test(row.key));
	}

	get(key, community) {
		const row = this.#live(key, community);
		return row && JSON.parse(row.value);
	}

	set(entries) {
		for (const { key, value, expiresAt, communityId } of entries) this.#put(key, communityId, value, expiresAt);
	}

	update(key, updateFunc, defaultValue, expiresAt, community) {
		const row = this.#live(key, community);
		const value = updateFunc(JSON.parse(row ? row.value : JSON.stringify(defaultValue)));
		this.#put(key, community, value, expiresAt ?? row?.expiresAt);
		return value;
	}

	delete(key, community) {
		this.#rows.delete(this.#name(key, community));
	}

	deleteLike(pattern, community) {
		for (const { key } of this.#matching(pattern, community)) this.delete(key, community);
	}

	select(pattern, community) {
		return this.#matching(pattern, community)
			.filter(({ key }) => this.#live(key, community))
			.map(({ key, value, expiresAt }) => {
				const entry = { key, value: JSON.parse(value) };
				if (expiresAt === undefined) return entry;
				return { ...entry, expiresAt: new Date(expiresAt), expires_at: new Date(expiresAt) };
			});
	}

	selectValue(pattern, community) {
		return this.select(pattern, community).map(({ value }) => value);
	}

	getMany(keys, community) {
		return keys.map((key) => this.get(key, community));
	}

	/** The live entries of a range, in the order of their keys. */
	entries({ prefix = "", start, startAfter, end, reverse = false }, community) {
		const compare = (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other));
		const found = this.select("%", community)
			.filter(({ key }) => key.startsWith(prefix))
			.filter(({ key }) => start === undefined || compare(key, start) >= 0)
			.filter(({ key }) => startAfter === undefined || compare(key, startAfter) > 0)
			.filter(({ key }) => end === undefined || compare(key, end) < 0)
			.sort((one, other) => compare(one.key, other.key));
		return reverse ? found.reverse() : found;
	}

	list({ limit = 100, ...range }, community) {
		const found = this.entries(range, community);
		return { entries: found.slice(0, limit), hasMore: found.length > limit };
	}

	increment(key, by, { min = -Infinity, max = Infinity, expiresAt }, community) {
		const row = this.#live(key, community);
		const before = row ? JSON.parse(row.value) : 0;
		if (typeof before !== "number") throw expect.objectContaining({ code: "ERR_VALUE_TYPE" });
		if (before + by < min || before + by > max) throw expect.objectContaining({ code: "ERR_OUT_OF_RANGE" });
		this.#put(key, community, before + by, row ? row.expiresAt : expiresAt);
		return before + by;
	}

	setIfAbsent(key, value, expiresAt, community) {
		if (this.#live(key, community)) return false;
		this.#put(key, community, value, expiresAt);
		return true;
	}

	getAndDelete(key, community) {
		const value = this.get(key, community);
		this.delete(key, community);
		return value;
	}

	expire(key, expiresAt, community) {
		const row = this.#live(key, community);
		if (row) row.expiresAt = expiresAt;
		return row !== undefined;
	}

	deleteRange(range, community) {
		const found = this.entries(range, community);
		for (const { key } of found) this.delete(key, community);
		return found.length;
	}

	updateMany(keys, updateFunc, community) {
		const rows = keys.map((key) => [key, this.#live(key, community)]).filter(([, row]) => row);
		const made = updateFunc(Object.fromEntries(rows.map(([key, row]) => [key, JSON.parse(row.value)])));
		for (const [key, value] of Object.entries(made ?? {})) {
			if (value === undefined) this.delete(key, community);
			else this.#put(key, community, value, this.#live(key, community)?.expiresAt);
		}
		const after = keys.map((key) => [key, this.get(key, community)]);
		return Object.fromEntries(after.filter(([, value]) => value !== undefined));
	}
}

/** The patterns in use, each with what it means. */
const patterns = {
	"%": /^[\s\S]*$/u,
	"a%": /^a[\s\S]*$/iu,
	_: /^[\s\S]$/u,
	"%b": /^[\s\S]*b$/iu,
	"a\\%": /^a%$/iu,
	"\\\\": /^\\$/u,
	"": /^$/u,
	A_: /^a[\s\S]$/iu,
};

const key = fc.constantFrom(...["a", "A", "ab", "a%", "b", "", "\\", "\u{1f980}", "a\0"].filter(isStorable));
const community = fc.constantFrom(undefined, undefined, undefined, "C", "D");
const pattern = fc.constantFrom(...Object.keys(patterns));
const bound = fc.option(fc.constantFrom(...["", "a", "a%", "a\0", "b", "\u{1f980}", "\u{ffff}"].filter(isStorable)), {
	nil: undefined,
});
const range = fc.oneof(
	fc.record({ prefix: bound }),
	fc.record({ start: bound, end: bound }),
	fc.record({ startAfter: bound, end: bound }),
);
const value = fc.oneof(fc.integer(), fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: anyCharacter, maxLength: 8 }));
const past = fc.integer({ min: 0, max: 1_000_000_000_000 });
const future = fc.integer({ min: FUTURE, max: 8_640_000_000_000_000 });
const expiresAt = fc.oneof(
	{ weight: 4, arbitrary: fc.constant(undefined) },
	{ weight: 1, arbitrary: past },
	{ weight: 2, arbitrary: future },
);
const entry = fc.record({ key, value, expiresAt, communityId: community });

/** So many entries that they are set in bulk. */
function inBulk(entries) {
	return Array.from({ length: 1_001 }, (_, index) => entries[index % entries.length]);
}

/** One operation, as the method and the arguments that store and model are both called with. */
export const operation = fc.oneof(
	{ weight: 3, arbitrary: fc.record({ method: fc.constant("get"), key, community }) },
	{
		weight: 4,
		arbitrary: fc.record({
			method: fc.constant("set"),
			entries: fc.array(entry, { minLength: 1, maxLength: 1 }),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({ method: fc.constant("setMany"), entries: fc.array(entry, { maxLength: 6 }) }),
	},
	{
		weight: 1,
		arbitrary: fc.record({
			method: fc.constant("setMany"),
			entries: fc.array(entry, { minLength: 1, maxLength: 6 }).map(inBulk),
		}),
	},
	{
		weight: 5,
		arbitrary: fc.record({
			method: fc.constant("update"),
			key,
			updater: fc.constantFrom("wrap", "count", "count", "keep", "fail"),
			value,
			expiresAt,
			community,
		}),
	},
	{ weight: 2, arbitrary: fc.record({ method: fc.constant("delete"), key, community }) },
	{ weight: 1, arbitrary: fc.record({ method: fc.constant("deleteLike"), pattern, community }) },
	{ weight: 2, arbitrary: fc.record({ method: fc.constant("select"), pattern, community }) },
	{ weight: 1, arbitrary: fc.record({ method: fc.constant("selectValue"), pattern, community }) },
	{ weight: 1, arbitrary: fc.record({ method: fc.constant("has"), key, community }) },
	{
		weight: 2,
		arbitrary: fc.record({ method: fc.constant("getMany"), keys: fc.array(key, { maxLength: 9 }), community }),
	},
	{
		weight: 2,
		arbitrary: fc.record({
			method: fc.constantFrom("list", "listKeys"),
			range,
			reverse: fc.boolean(),
			limit: fc.constantFrom(1, 2, 3, 100),
			community,
		}),
	},
	{ weight: 1, arbitrary: fc.record({ method: fc.constant("count"), range, community }) },
	{
		weight: 5,
		arbitrary: fc.record({
			method: fc.constant("increment"),
			key,
			by: fc.integer({ min: -3, max: 3 }),
			bounds: fc.constantFrom({}, {}, { min: 0 }, { min: -2, max: 2 }),
			expiresAt,
			community,
		}),
	},
	{ weight: 2, arbitrary: fc.record({ method: fc.constant("setIfAbsent"), key, value, expiresAt, community }) },
	{ weight: 2, arbitrary: fc.record({ method: fc.constant("getAndDelete"), key, community }) },
	{ weight: 2, arbitrary: fc.record({ method: fc.constant("expire"), key, expiresAt, community }) },
	{ weight: 1, arbitrary: fc.record({ method: fc.constant("deleteRange"), range, community }) },
	{
		weight: 3,
		arbitrary: fc.record({
			method: fc.constant("updateMany"),
			keys: fc.uniqueArray(key, { minLength: 1, maxLength: 4 }),
			changer: fc.constantFrom("rotate", "rotate", "count", "nothing", "fail"),
			community,
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({ method: fc.constant("entries"), range, reverse: fc.boolean(), community }),
	},
);

/** Steps of a run: a group issued without awaiting, or the store opened again. */
export const step = fc.oneof(
	{ weight: 12, arbitrary: fc.record({ group: fc.array(operation, { minLength: 1, maxLength: 14 }) }) },
	{ weight: 1, arbitrary: fc.constant({ reopen: true }) },
	{ weight: 1, arbitrary: fc.constant({ closeWithoutWaiting: true }) },
);

function apply(model, o) {
	switch (o.method) {
		case "get":
			return model.get(o.key, o.community);
		case "set":
		case "setMany":
			return model.set(o.entries);
		case "update":
			return model.update(o.key, updaters[o.updater], o.value, o.expiresAt, o.community);
		case "delete":
			return model.delete(o.key, o.community);
		case "has":
			return model.get(o.key, o.community) !== undefined;
		case "getMany":
			return model.getMany(o.keys, o.community);
		case "list":
			return model.list({ ...o.range, reverse: o.reverse, limit: o.limit }, o.community);
		case "listKeys": {
			const { entries, hasMore } = model.list({ ...o.range, reverse: o.reverse, limit: o.limit }, o.community);
			return { entries: entries.map(({ key }) => key), hasMore };
		}
		case "count":
			return model.entries(o.range, o.community).length;
		case "increment":
			return model.increment(o.key, o.by, { ...o.bounds, expiresAt: o.expiresAt }, o.community);
		case "setIfAbsent":
			return model.setIfAbsent(o.key, o.value, o.expiresAt, o.community);
		case "getAndDelete":
			return model.getAndDelete(o.key, o.community);
		case "expire":
			return model.expire(o.key, o.expiresAt, o.community);
		case "deleteRange":
			return model.deleteRange(o.range, o.community);
		case "updateMany":
			return model.updateMany(o.keys, changers[o.changer](o.keys), o.community);
		case "entries":
			return model.entries({ ...o.range, reverse: o.reverse }, o.community);
		default:
			return model[o.method](o.pattern, o.community);
	}
}

/** The model's outcome in the form of `Promise.allSettled`. */
export function settle(model, o) {
	try {
		return { status: "fulfilled", value: apply(model, o) };
	} catch (reason) {
		return { status: "rejected", reason };
	}
}

/** Issues a group without awaiting any of it, and compares every outcome with the model's. */
export async function expectLikeModel(store, model, group, message) {
	const results = await Promise.allSettled(group.map((o, i) => issue(store, o, i)));
	const expected = group.map((o) => settle(model, o));
	expect(results, message).toEqual(expected);
}

export async function expectSameContents(store, model, message) {
	for (const scope of [undefined, "C", "D"]) {
		expect(await store.appData.select("%", scope), message).toEqual(model.select("%", scope));
	}
}
