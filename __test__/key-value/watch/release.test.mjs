// A watch whose snapshot is taken late holds up what is behind it until then. It releases that once, and nothing else.

import { createRequire } from "node:module";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { temporaryFile } from "../../helpers/store.mjs";
import { ENDLESS } from "../../sql/tables.mjs";

const require = createRequire(import.meta.url);
const { createWatch } = require("../../../lib/api/kv/watch.js");
const { Change } = require("../../../lib/queue/change.js");
const { OperationQueue } = require("../../../lib/queue/queue.js");
const { Promised, writeOfOne } = require("../../../lib/queue/writes.js");

/** Readers of a file, each of which may be busy (`READERS_MAX` in `src/limits.rs`). */
const READERS = 4;

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A queue on a connection that takes each snapshot when the test says so, and carries out each batch at once. */
function queueOfLateSnapshots() {
	const snapshots = [];
	const opened = {
		watch(_scope, handler) {
			snapshots.push(() => handler({ kind: "started" }));
			return { id: snapshots.length, isStarted: false };
		},
		unwatch() {},
		select(_select, _now, _receiver, started) {
			snapshots.push(started);
			return false;
		},
		submit(_batch, _epoch, _now, ended) {
			setImmediate(ended, { committed: 1 });
		},
	};
	const queue = new OperationQueue({ state: "open", opened, checkForeignCopies() {} }, 0);
	const written = [];
	const write = (key) => {
		const promised = new Promised(() => written.push(key), expect.unreachable);
		queue.write(writeOfOne("delete", new Change(undefined, key, undefined, undefined), promised));
	};
	return { queue, snapshots, write, written };
}

test("one that ends after it has begun releases nothing that others hold up by then", async () => {
	const { queue, snapshots, write, written } = queueOfLateSnapshots();
	const watch = createWatch(queue, undefined, { prefix: "" });
	await turn();
	snapshots.shift()();
	queue.select({ community: undefined }, { slice() {}, reject: expect.unreachable });
	write("k");
	await turn();
	for (let times = 0; times < 2; times++) {
		await watch.return();
		await turn();
		await turn();
		expect(written).toEqual([]);
	}
	snapshots.shift()();
	await turn();
	expect(written).toEqual(["k"]);
});

test("one that ends before it has begun releases what is behind it, and one that has begun late as well", async () => {
	const { queue, snapshots, write, written } = queueOfLateSnapshots();
	const given = createWatch(queue, undefined, { prefix: "" });
	write("a");
	await turn();
	expect(written).toEqual([]);
	await given.return();
	await turn();
	expect(written).toEqual(["a"]);
	const begun = createWatch(queue, undefined, { prefix: "" });
	write("b");
	await turn();
	snapshots.pop()();
	await turn();
	expect(written).toEqual(["a", "b"]);
	await begun.return();
});

test("one that has begun late and ends during a restore lets no write overtake that", async () => {
	const store = openDataStore({ filename: temporaryFile(), backup: { quiet: true, intervalMs: 100_000 } });
	onTestFinished(() => store.close());
	await store.appData.set({ key: "k", value: "restored" });
	const { id } = await store.backups.create();
	const controller = new AbortController();
	const reads = [];
	for (let number = 0; number < READERS; number++) {
		reads.push(rejection(() => store.sqlite.get(ENDLESS, [], { signal: controller.signal })));
		await turn();
	}
	const watch = store.kv.watch({ keys: ["k"] });
	let isWritten = false;
	const written = store.appData.set({ key: "k", value: "before" }).then(() => {
		isWritten = true;
	});
	await turn();
	expect(isWritten).toBe(false);
	controller.abort();
	for (const error of await Promise.all(reads)) expect(error).toMatchObject({ code: "ABORT_ERR" });
	await written;
	const restored = store.backups.restore({ id });
	await turn();
	await watch.return();
	await Promise.all([restored, store.appData.set({ key: "k", value: "after" })]);
	expect(await store.appData.get("k")).toBe("after");
});
