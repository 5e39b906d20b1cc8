// States of a store as plain JavaScript reads them, and their difference by a plain model.

import { raw } from "../../helpers/raw.mjs";

const ROWS = "select key, community_id, value, expires_at from __rootapp_kv order by rowid";

/** Keys of a file at a time, sorted by their names: the newest row of a key has its value. */
export async function keysOf(file, now) {
	const keys = new Map();
	for (const { key, community_id, value, expires_at } of await raw(file, ROWS)) {
		keys.set(nameOf(community_id, key), { json: value, expiresAt: expires_at ?? undefined });
	}
	for (const [name, { expiresAt }] of keys) if (expiresAt !== undefined && expiresAt <= now) keys.delete(name);
	return keys;
}

/** A name in whose order keys come: that of the bytes of communities, the default scope first, and of keys. */
export function nameOf(community, key) {
	return `${Buffer.from(community ?? "").toString("hex")} ${Buffer.from(key).toString("hex")}`;
}

/** The differing keys of two states, as `[name, before, after]`. */
export function differenceOf(before, after) {
	const names = [...new Set([...before.keys(), ...after.keys()])].sort();
	return names
		.map((name) => [name, before.get(name), after.get(name)])
		.filter(([, was, is]) => was?.json !== is?.json || was?.expiresAt !== is?.expiresAt);
}

/** Keys of a difference, in the form of {@link differenceOf}. */
export async function told(difference) {
	const rows = [];
	for await (const { key, community, before, after } of difference) {
		const held = (stored) => stored && { json: stored.json, expiresAt: stored.expiresAt };
		rows.push([nameOf(community, key), held(before), held(after)]);
	}
	return rows;
}

/** Numbers of keys of {@link differenceOf} that were added, removed and changed. */
export function countsOf(rows) {
	const count = (is) => rows.filter(([, before, after]) => is(before !== undefined, after !== undefined)).length;
	return {
		added: count((was, is) => !was && is),
		removed: count((was, is) => was && !is),
		changed: count((was, is) => was && is),
	};
}
