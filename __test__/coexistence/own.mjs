// Rootcellar's side: several flows that write keys of their own, and check what they read.

import { openDataStore } from "rootcellar";
import { COUNTER_KEY, FOREIGN_COMMUNITY } from "./ledger.mjs";
import { isBusy } from "./libraries.mjs";
import { between, oneOf, sleep, someText } from "./pace.mjs";

const FLOWS = 3;
const GROUPS = 8;
const KEYS_PER_GROUP = 100;

/**
 * Writes until the run is over. With `openMs` the store is closed after about that time, with operations in
 * flight, and opened again. `pauseMs` is the longest pause between two operations of a flow.
 *
 * `run` is `{ filename, name, ledger, door, isOver() }`; while a store is open it is `run.appData`.
 */
export async function writeWithRootcellar(run, { openMs, pauseMs }) {
	while (!run.isOver()) {
		await run.door.enter();
		const store = openDataStore({ filename: run.filename, backup: false });
		run.appData = store.appData;
		const until = openMs === undefined ? Infinity : Date.now() + between(openMs / 2, openMs * 2);
		const flows = Array.from({ length: FLOWS }, (_, number) =>
			flow({ ...run, appData: store.appData }, `${run.name}/${number}`, pauseMs, () => isTimeToClose(run, until)),
		);
		while (!isTimeToClose(run, until)) await sleep(5);
		run.appData = undefined;
		await store.close();
		await Promise.all(flows);
		run.door.leave();
		await sleep(between(0, 20));
	}
}

function isTimeToClose(run, until) {
	return run.isOver() || run.door.isShut || Date.now() >= until;
}

async function flow(run, name, pauseMs, isEnding) {
	const turns = [burst, array, update, remove, removeGroup, increment, read, select];
	while (!isEnding()) {
		const group = `${name}/${between(0, GROUPS - 1)}/`;
		await oneOf(turns)({ ...run, group }).catch((error) => note(run, error));
		// Leaves the lock to others for a moment: whoever asks for it only from time to time would hardly ever meet it.
		await sleep(between(0, pauseMs));
	}
}

/** A busy error is part of the game, whatever else is not. */
function note({ ledger }, error) {
	if (isBusy(error)) ledger.busy.own++;
	else ledger.errors.push(`rootcellar: ${error.code ?? error.name}: ${error.message}`);
}

function someValue() {
	return { at: Date.now(), text: someText() };
}

function someKeys(group, most) {
	const first = between(0, KEYS_PER_GROUP - 1);
	const count = Math.min(between(1, most), KEYS_PER_GROUP - first);
	return Array.from({ length: count }, (_, index) => `${group}${first + index}`);
}

function acknowledge({ ledger }, key, value) {
	ledger.own.set(key, value === undefined ? undefined : JSON.stringify(value));
	ledger.acknowledged.own++;
}

function expectSame({ ledger }, what, found, expected) {
	if (found !== expected) {
		const [shown, wanted] = [found, expected].map((text) => text?.slice(0, 80));
		ledger.errors.push(`rootcellar read ${what} as ${shown}, acknowledged was ${wanted}`);
	}
}

async function burst(run) {
	const writes = someKeys(run.group, 60).map(async (key) => {
		const value = someValue();
		await run.appData.set({ key, value });
		acknowledge(run, key, value);
	});
	for (const { reason } of await Promise.allSettled(writes)) if (reason) note(run, reason);
}

async function array(run) {
	const entries = someKeys(run.group, KEYS_PER_GROUP).map((key) => ({ key, value: someValue() }));
	await run.appData.set(entries);
	for (const { key, value } of entries) acknowledge(run, key, value);
}

async function update(run) {
	const [key] = someKeys(run.group, 1);
	const next = (seen) => {
		expectSame(run, key, seen === null ? undefined : JSON.stringify(seen), run.ledger.own.get(key));
		return someValue();
	};
	acknowledge(run, key, await run.appData.update(key, next, null));
}

async function remove(run) {
	const [key] = someKeys(run.group, 1);
	await run.appData.delete(key);
	acknowledge(run, key, undefined);
}

async function removeGroup(run) {
	await run.appData.deleteLike(`${run.group}%`);
	run.ledger.deleteOwnPrefix(run.group);
	run.ledger.acknowledged.own++;
}

async function increment(run) {
	await run.appData.update(COUNTER_KEY, (count) => count + 1, 0);
	run.ledger.increments++;
	run.ledger.acknowledged.own++;
}

async function read(run) {
	const [key] = someKeys(run.group, 1);
	expectSame(run, key, JSON.stringify(await run.appData.get(key)), run.ledger.own.get(key));
}

async function select(run) {
	const found = await run.appData.select(`${run.group}%`);
	const expected = [...run.ledger.own].filter(([key, text]) => text !== undefined && key.startsWith(run.group));
	expectSame(run, `the number of ${run.group}%`, `${found.length}`, `${expected.length}`);
	for (const { key, value } of found) expectSame(run, key, JSON.stringify(value), run.ledger.own.get(key));
}

/** A row that the other library has committed shows at once, if a store is open. */
export async function readForeign(run, key) {
	if (run.appData === undefined) return;
	try {
		const found = await run.appData.get(key, FOREIGN_COMMUNITY);
		expectSame(run, `the foreign ${key}`, JSON.stringify(found), run.ledger.foreign.get(key));
	} catch (error) {
		if (error.code !== "ERR_STORE_CLOSED") note(run, error);
	}
}
