// One signal for many calls: Node warns of a leak where a signal has more than ten listeners.

import { getEventListeners } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { temporaryStore } from "../../helpers/store.mjs";

const ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

const listeners = ({ signal }) => getEventListeners(signal, "abort").length;

/** The warnings of the process, from now on until the test ends. */
function warnings() {
	const found = [];
	const note = (warning) => found.push(warning.message);
	process.on("warning", note);
	onTestFinished(() => process.off("warning", note));
	return found;
}

/** Warnings are emitted in the next tick. */
const nextTick = () => new Promise((resolve) => process.nextTick(resolve));

test("a hundred calls at once share a listener, which goes with the last of them, and nothing warns", async () => {
	const { sqlite } = temporaryStore();
	const found = warnings();
	const controller = new AbortController();
	const { signal } = controller;
	const calls = Array.from({ length: 25 }, () => [
		sqlite.all("SELECT 1", [], { signal }),
		sqlite.run("CREATE TABLE IF NOT EXISTS t (x)", [], { signal }),
		sqlite.batch([{ sql: "SELECT 1" }], { signal }),
		sqlite.transaction((tx) => tx.all("SELECT 1", [], { signal }), { signal }),
	]).flat();
	expect(listeners(controller)).toBe(1);
	await Promise.all(calls);
	expect(listeners(controller)).toBe(0);
	await sqlite.all("SELECT 1", [], { signal });
	expect(listeners(controller)).toBe(0);
	await nextTick();
	expect(found).toEqual([]);
});

test("so do watches, which end together", async () => {
	const { kv } = temporaryStore();
	const found = warnings();
	const controller = new AbortController();
	const { signal } = controller;
	const watches = Array.from({ length: 25 }, () => kv.watch({ prefix: "", signal }));
	expect(listeners(controller)).toBe(1);
	await watches.pop().return();
	const ends = watches.map((watch) => watch.next());
	controller.abort();
	for (const end of ends) expect(await end).toEqual({ value: undefined, done: true });
	expect(listeners(controller)).toBe(0);
	await nextTick();
	expect(found).toEqual([]);
});

test("abort cancels every call that has the signal, with its reason, and no other", async () => {
	const { sqlite } = temporaryStore();
	const [one, other] = [new AbortController(), new AbortController()];
	const cancelled = Array.from({ length: 20 }, () => sqlite.all(ENDLESS, [], { signal: one.signal }));
	const kept = sqlite.all("SELECT 1 AS one", [], { signal: other.signal });
	one.abort("enough");
	const results = await Promise.allSettled(cancelled);
	for (const { reason } of results) expect(reason).toMatchObject({ code: "ABORT_ERR", cause: "enough" });
	expect(await kept).toEqual([{ one: 1 }]);
	expect([listeners(one), listeners(other)]).toEqual([0, 0]);
});
