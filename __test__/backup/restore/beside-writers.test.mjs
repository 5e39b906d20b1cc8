// A store that is restored while others write to it: every write that they were told of is in the state before, or in
// the store.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";
import { openBackedUp as open } from "../backups.mjs";

/** Writes one key after the other, and prints the number of each that is written. */
const WRITER = `
	const store = openDataStore({ filename: process.argv[1] });
	let isOver = false;
	process.stdin.once("data", () => { isOver = true; });
	for (let number = 0; !isOver; number++) {
		await store.appData.set({ key: "other process " + number, value: number });
		console.log("other process " + number);
	}
	await store.close();
	process.exit();`;

/** The keys that a store holds, without what was there from the beginning. */
const keysOf = async (store) => (await store.appData.select("% %")).map(({ key }) => key);

test("in another process, and in another store of this one", { timeout: 300_000 }, async () => {
	const file = join(temporaryDirectory(), "bot.sqlite3");
	const store = open(file, { intervalMs: 1000 });
	const filler = "x".repeat(1000);
	await store.appData.set(Array.from({ length: 4000 }, (_, index) => ({ key: `base${index}`, value: filler + index })));
	const { id } = await store.backups.create();
	const other = open(file);
	const child = startModule(WRITER, { args: [file] });
	await child.lineCount(10);
	let isOver = false;
	const keys = [];
	onTestFinished(() => {
		isOver = true;
	});
	const written = (async () => {
		for (let number = 0; !isOver; number++) {
			await other.appData.set({ key: `other store ${number}`, value: number });
			keys.push(`other store ${number}`);
			await sleep(1);
		}
	})();
	/** For a while, and until both have written some more. */
	const passing = async () => {
		const [ofStore, ofProcess] = [keys.length + 10, child.lines.length + 10];
		await sleep(300);
		await until(() => keys.length > ofStore && child.lines.length > ofProcess, "both to write");
	};
	await passing();
	const { undoId } = await store.backups.restore({ id });
	await passing();
	isOver = true;
	child.write("over\n");
	expect(await child.ended).toMatchObject({ code: 0, stderr: "" });
	await written;
	const acknowledged = [...keys, ...child.lines];

	const now = await keysOf(store);
	const to = `${file}.undo`;
	await store.backups.restore({ id: undoId, to });
	const undone = openDataStore({ filename: to, backup: false });
	const before = await keysOf(undone);
	await undone.close();
	for (const who of ["other store", "other process"]) {
		expect(before.filter((key) => key.startsWith(who)).length).toBeGreaterThan(5);
		expect(now.filter((key) => key.startsWith(who)).length).toBeGreaterThan(5);
	}
	const kept = new Set([...before, ...now]);
	expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
});
