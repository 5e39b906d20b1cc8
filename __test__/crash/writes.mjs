// The writes of the crash test: how they are chosen, how they are carried out, and what each makes of the
// contents. A write is a small array, so that its process can report it through a pipe before it is issued.

/** Counters that every client increments, through `update` or by SQL. */
export const SHARED_COUNTERS = ["shared/0", "shared/1"];

/** Far enough to outlive the test. */
const EXPIRES_AT = 4_102_444_800_000;

const SLOTS = 40;
/** Keys between which amounts are moved, and what each has in the beginning: their sum is always the same. */
const ACCOUNTS = 10;
const BALANCE = 100;
const GROUPS = 3;
/** The group of those arrays that are larger than SQLite's page cache, so that pages reach the log early. */
const LARGE_GROUP = 3;
const LARGE = { count: 100, size: 25_000 };

const COUNT_BY_SQL = "update __rootapp_kv set value = cast(cast(value as integer) + 1 as text) where key = ?1";
const PUT_BY_SQL = "update __rootapp_kv set value = ?2 where key = ?1 and community_id is null";
const INSERT_BY_SQL =
	"insert into __rootapp_kv (key, value) select ?1, ?2 where not exists (select 1 from __rootapp_kv where key = ?1)";
const INSERT_ROW = "insert into bot_rows (client, slot, number, tag) values (?1, ?2, ?3, ?4)";

/** The table of the other SQLite library. */
export const ROWS_SCHEMA =
	"create table if not exists bot_rows (client text, slot integer, number integer, tag integer, unique (client, slot, number))";

/** A whole number from 0 to `below - 1`. */
export const random = (below) => Math.floor(Math.random() * below);

/** A write through the store. */
export function randomWrite() {
	const slot = random(SLOTS);
	const tag = random(1_000_000);
	const choice = random(1_000);
	if (choice < 350) return ["set", slot, tag, random(4) === 0 ? random(3_000) : 0, random(4) === 0];
	if (choice < 500) return ["add", slot];
	if (choice < 650) return ["count", random(SHARED_COUNTERS.length)];
	if (choice < 730) return ["delete", slot];
	if (choice < 740) return ["expire", slot, random(2) === 0];
	if (choice < 755) return ["claim", slot, tag, random(4) === 0];
	if (choice < 820) return ["transfer", random(ACCOUNTS), random(ACCOUNTS), random(60)];
	if (choice < 850) return ["deleteLike", random(2) === 0 ? `k${random(4)}` : `a${random(GROUPS + 1)}:`];
	if (choice < 995) return ["setMany", random(GROUPS), 2 + random(60), tag, random(200)];
	return ["setMany", LARGE_GROUP, LARGE.count, tag, LARGE.size];
}

/** A transaction of another SQLite library: rows of a table of its own, a key of the store, a shared counter. */
export function randomTransaction() {
	return ["transaction", random(10), 2 + random(30), random(1_000_000), random(SHARED_COUNTERS.length)];
}

const makeValue = (tag, size) => (size === 0 ? tag : { tag, pad: "x".repeat(size) });
const increment = (value) => (typeof value === "number" ? value : value.tag) + 1;
const numbers = (count) => Array.from({ length: count }, (_, number) => number);

const slotKey = (client, slot) => `${client}/k${slot}`;
const entryKey = (client, group, number) => `${client}/a${group}:${number}`;
const accountKey = (client, number) => `${client}/t${number}`;

/** Moves an amount between two of several accounts, if there is enough. */
function transferred(values, from, to, amount) {
	const balanceOf = (key) => values[key] ?? BALANCE;
	if (from === to || balanceOf(from) < amount) return undefined;
	return { [from]: balanceOf(from) - amount, [to]: balanceOf(to) + amount };
}
const lastKey = (client) => `${client}/last`;

/** The name under which the contents have a row of the other library's table. */
export const rowKey = (client, slot, number) => `${client}/row${slot}:${number}`;

/** Contents of a key as text: its value and its expiry. */
export const contentOf = (json, expiresAt) => (expiresAt ? `${json}@${expiresAt}` : json);

/** Carries out a write through the store: in one of the ways that there are, where these come to the same. */
export function perform({ appData, kv }, client, [kind, ...rest]) {
	switch (kind) {
		case "set": {
			const [slot, tag, size, expires] = rest;
			const entry = { key: slotKey(client, slot), value: makeValue(tag, size) };
			return appData.set(expires ? { ...entry, expiresAt: EXPIRES_AT } : entry);
		}
		case "setMany": {
			const [group, count, tag, size] = rest;
			const value = makeValue(tag, size);
			return appData.set(numbers(count).map((number) => ({ key: entryKey(client, group, number), value })));
		}
		case "add":
			return appData.update(slotKey(client, rest[0]), increment, 0);
		case "count":
			return random(2)
				? kv.increment(SHARED_COUNTERS[rest[0]])
				: appData.update(SHARED_COUNTERS[rest[0]], increment, 0);
		case "delete":
			return random(2) ? kv.getAndDelete(slotKey(client, rest[0])) : appData.delete(slotKey(client, rest[0]));
		case "claim": {
			const [slot, tag, expires] = rest;
			return kv.setIfAbsent({ key: slotKey(client, slot), value: tag, expiresAt: expires ? EXPIRES_AT : undefined });
		}
		case "expire":
			return kv.expire(slotKey(client, rest[0]), rest[1] ? { expiresAt: EXPIRES_AT } : null);
		case "transfer": {
			const [from, to, amount] = rest;
			const accounts = numbers(ACCOUNTS).map((number) => accountKey(client, number));
			return kv.updateMany(accounts, (values) => transferred(values, accounts[from], accounts[to], amount));
		}
		default:
			return random(2)
				? kv.deleteRange({ prefix: `${client}/${rest[0]}` })
				: appData.deleteLike(`${client}/${rest[0]}%`);
	}
}

/** The statements of a transaction between `begin` and `commit`, each with its parameters. */
export function statementsOf(client, [, slot, count, tag, counter]) {
	return [
		["delete from bot_rows where client = ?1 and slot = ?2", client, slot],
		...numbers(count).map((number) => [INSERT_ROW, client, slot, number, tag]),
		[INSERT_BY_SQL, lastKey(client), "0"],
		[PUT_BY_SQL, lastKey(client), String(tag)],
		[INSERT_BY_SQL, SHARED_COUNTERS[counter], "0"],
		[COUNT_BY_SQL, SHARED_COUNTERS[counter]],
	];
}

/** The shared counter that a write increments, if it does. */
export function counterOf([kind, ...rest]) {
	if (kind === "count") return SHARED_COUNTERS[rest[0]];
	return kind === "transaction" ? SHARED_COUNTERS[rest[3]] : undefined;
}

/**
 * Applies a write to what the keys of its client hold, a map of {@link contentOf}. Returns the keys that may have
 * changed; the shared counters are nobody's.
 */
export function apply(contents, client, [kind, ...rest]) {
	const put = (key, content) => {
		contents.set(key, content);
		return key;
	};
	const remove = (prefix) => {
		const keys = [...contents.keys()].filter((key) => key.startsWith(prefix));
		for (const key of keys) contents.delete(key);
		return keys;
	};
	switch (kind) {
		case "set": {
			const [slot, tag, size, expires] = rest;
			const json = JSON.stringify(makeValue(tag, size));
			return [put(slotKey(client, slot), contentOf(json, expires ? EXPIRES_AT : undefined))];
		}
		case "setMany": {
			const [group, count, tag, size] = rest;
			const json = JSON.stringify(makeValue(tag, size));
			return numbers(count).map((number) => put(entryKey(client, group, number), json));
		}
		case "add": {
			const key = slotKey(client, rest[0]);
			const [json, expiresAt] = (contents.get(key) ?? "0").split("@");
			return [put(key, contentOf(String(increment(JSON.parse(json))), expiresAt))];
		}
		case "count":
			return [];
		case "delete":
			contents.delete(slotKey(client, rest[0]));
			return [slotKey(client, rest[0])];
		case "claim": {
			const [slot, tag, expires] = rest;
			const key = slotKey(client, slot);
			return contents.has(key) ? [] : [put(key, contentOf(String(tag), expires ? EXPIRES_AT : undefined))];
		}
		case "expire": {
			const key = slotKey(client, rest[0]);
			const held = contents.get(key);
			return held === undefined ? [] : [put(key, contentOf(held.split("@")[0], rest[1] ? EXPIRES_AT : undefined))];
		}
		case "transfer": {
			const [from, to] = [accountKey(client, rest[0]), accountKey(client, rest[1])];
			const values = Object.fromEntries(
				[from, to].flatMap((key) => (contents.has(key) ? [[key, Number(contents.get(key))]] : [])),
			);
			const made = transferred(values, from, to, rest[2]);
			return Object.entries(made ?? {}).map(([key, value]) => put(key, String(value)));
		}
		case "deleteLike":
			return remove(`${client}/${rest[0]}`);
		default: {
			const [slot, count, tag] = rest;
			return [
				...remove(rowKey(client, slot, "")),
				...numbers(count).map((number) => put(rowKey(client, slot, number), String(tag))),
				put(lastKey(client), String(tag)),
			];
		}
	}
}
