// Clients that record what they do: what they issued and when, when it returned, and with what.

import { setImmediate as turn } from "node:timers/promises";
import { isRead, jointUpdates, textOf, updates } from "./semantics.mjs";

/** The keys of the file: lists that can be appended to, and a count. */
const LIST_KEYS = ["list/a", "list/b"];
export const KEYS = [...LIST_KEYS, "count/a"];
/** The keys of {@link recordTransfers}, and what each has in the beginning. */
export const ACCOUNTS = Array.from({ length: 10 }, (_, n) => `account/${n}`);
export const BALANCE = 100;
/** Another list, for {@link appendInOrder}. */
export const ORDER_KEY = "order";

/** Operations of a client's history, also where a busy machine leaves it no time. */
const LEAST = 20;

const random = (below) => Math.floor(Math.random() * below);

/** Nanoseconds since `zero` by the clock that all processes of a machine share (on Linux CLOCK_MONOTONIC). */
export const nowSince = (zero) => Number(process.hrtime.bigint() - zero);

/** An operation through a store; `tag` tells its value from every other. */
function randomOperation(tag) {
	const choice = random(100);
	if (choice < 2) return { kind: "setMany", argument: KEYS.map((key) => ({ key, value: valueFor(key, tag) })) };
	if (choice < 3) return { kind: "deleteLike" };
	if (choice < 8) return { kind: "exchange", argument: { keys: LIST_KEYS } };
	if (choice < 18) return { kind: "select" };
	const key = KEYS[random(KEYS.length)];
	if (choice < 21) return { kind: "take", key };
	return choice < 26 ? { kind: "claim", key, argument: valueFor(key, tag) } : randomOperationOnKey(tag);
}

function randomOperationOnKey(tag) {
	const key = KEYS[random(KEYS.length)];
	const choice = random(100);
	if (choice < 45) return { kind: "get", key };
	if (choice < 55) return { kind: "set", key, argument: valueFor(key, tag) };
	if (choice < 60) return { kind: "delete", key };
	return LIST_KEYS.includes(key) ? { kind: "append", key, argument: tag } : { kind: "increment", key };
}

/** A transfer between two accounts, or a read of one or of all. */
function randomTransfer() {
	const choice = random(100);
	if (choice < 20) return { kind: "select" };
	const from = random(ACCOUNTS.length);
	if (choice < 50) return { kind: "get", key: ACCOUNTS[from] };
	const to = (from + 1 + random(ACCOUNTS.length - 1)) % ACCOUNTS.length;
	return { kind: "transfer", argument: { keys: [ACCOUNTS[from], ACCOUNTS[to]], amount: 1 + random(9) } };
}

const valueFor = (key, tag) => (LIST_KEYS.includes(key) ? [tag] : random(1_000_000));
const toText = (value) => JSON.stringify(value) ?? null;

/** The entries of the store, which are of these keys, as of one moment, read in one of the ways that there are. */
async function contents({ appData, kv }, keys) {
	switch (random(4)) {
		case 0: {
			const values = await kv.getMany(keys);
			return keys.map((key, index) => [key, values[index]]).filter(([, value]) => value !== undefined);
		}
		case 1: {
			const { entries } = await kv.list({ reverse: random(2) === 0 });
			return entries.map((entry) => [entry.key, entry.value]);
		}
		case 2: {
			const found = [];
			for await (const entry of kv.entries()) found.push([entry.key, entry.value]);
			return found;
		}
		default:
			return (await appData.select("%")).map((entry) => [entry.key, entry.value]);
	}
}

/** Carries out an operation with the store, and resolves with its result as the semantics have it. */
async function perform(store, keys, { kind, key, argument }) {
	const { appData, kv } = store;
	switch (kind) {
		case "get":
			return toText(await appData.get(key));
		case "select":
			return textOf(await contents(store, keys));
		case "set":
			return appData.set({ key, value: argument });
		case "setMany":
			return appData.set(argument);
		case "delete":
			return appData.delete(key);
		case "deleteLike":
			return random(2) ? appData.deleteLike("%") : kv.deleteRange({ prefix: "" });
		case "exchange":
		case "transfer": {
			const after = await kv.updateMany(argument.keys, (values) => {
				const before = argument.keys.map((name) => values[name]);
				const made = jointUpdates[kind].apply(before, argument);
				return Object.fromEntries(argument.keys.map((name, index) => [name, made[index]]));
			});
			return JSON.stringify(argument.keys.map((name) => after[name] ?? null));
		}
		case "take":
			return toText(await kv.getAndDelete(key));
		case "claim":
			return String(await kv.setIfAbsent({ key, value: argument }));
		default:
			if (kind === "increment" && random(2)) return toText(await kv.increment(key));
			return toText(await appData.update(key, (value) => updates[kind](value, argument), null));
	}
}

/** Carries out an operation on a key with another SQLite library, in a transaction of its own. */
async function performBySql(all, { kind, key, argument }) {
	await all("begin immediate");
	try {
		const [row] = await all("select value from __rootapp_kv where key = ?", key);
		const before = row?.value ?? null;
		if (kind === "get") return before;
		const made = kind === "set" ? argument : updates[kind]?.(JSON.parse(before), argument);
		if (made === undefined) await all("delete from __rootapp_kv where key = ?", key);
		else if (row) await all("update __rootapp_kv set value = ? where key = ?", toText(made), key);
		else await all("insert into __rootapp_kv (key, value) values (?, ?)", key, toText(made));
		return toText(made);
	} finally {
		await all("commit");
	}
}

/**
 * Issues operations until it is over, now and then several without waiting between them, and returns them
 * in the order of issue. One that was rejected because of a held lock, and so changed nothing, has `isRejected`.
 *
 * @param {object} options
 * @param {string} options.client its name
 * @param {number} options.flows how many sequences of operations it issues at the same time
 * @param {bigint} options.zero where time begins
 * @param {() => boolean} options.isOver
 * @param {(tag: string) => object} next
 * @param {(operation: object) => Promise<string | null | undefined>} carryOut
 */
async function record({ client, flows, zero, isOver }, next, carryOut) {
	const history = [];
	async function issue() {
		const wanted = next(`${client}-${history.length}`);
		const operation = { client, ...wanted, isRead: isRead(wanted.kind), invoked: nowSince(zero), returned: Infinity };
		history.push(operation);
		try {
			operation.result = await carryOut(operation);
			operation.returned = nowSince(zero);
		} catch (error) {
			if (error.code !== "SQLITE_BUSY") throw error;
			operation.isRejected = true;
		}
	}
	async function flow() {
		do {
			if (random(20) === 0) compute();
			await Promise.all(Array.from({ length: random(3) === 0 ? 1 + random(5) : 1 }, issue));
			if (random(4) === 0) await turn();
		} while (!isOver() || history.length < LEAST);
	}
	await Promise.all(Array.from({ length: flows }, flow));
	while (history.every(({ isRejected }) => isRejected)) await issue();
	return history;
}

/** Keeps the thread busy for up to two milliseconds, in which it does not hear what has become of its operations. */
function compute() {
	const until = performance.now() + 2 * Math.random();
	while (performance.now() < until);
}

/** Appends `<client>-0` and so on to the list of a key, without waiting in between. Resolves when all are done. */
export function appendInOrder(appData, client, count) {
	const appends = Array.from({ length: count }, (_, n) =>
		appData.update(ORDER_KEY, (list) => [...list, `${client}-${n}`], []),
	);
	return Promise.all(appends);
}

/** {@link record} through a store. */
export const recordStore = (store, options) =>
	record(options, randomOperation, (operation) => perform(store, KEYS, operation));

/** {@link record} of transfers between accounts, through a store. */
export const recordTransfers = (store, options) =>
	record(options, randomTransfer, (operation) => perform(store, ACCOUNTS, operation));

/** {@link record} on one connection of the `sqlite3` package, which does one thing at a time. */
export function recordLibrary(database, options) {
	const all = (sql, ...parameters) =>
		new Promise((resolve, reject) => {
			database.all(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
		});
	let last = Promise.resolve();
	return record(options, randomOperationOnKey, (operation) => {
		const result = last.then(() => performBySql(all, operation));
		last = result.catch(() => {});
		return result;
	});
}
