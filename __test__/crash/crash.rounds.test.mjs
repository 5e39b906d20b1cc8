// Crash: processes killed by SIGKILL at random moments under mixed load, and what their files hold afterwards.

import { readdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryFile } from "../helpers/store.mjs";
import { differentKeys, readByLibrary, readByStore } from "./inspect.mjs";
import { problemWith } from "./model.mjs";
import { LoadProcess } from "./process.mjs";
import { random } from "./writes.mjs";

const KILLS = rounds({ few: 8, many: 160, long: 3_000 });
/** Files under load at the same time. */
const LANES = 2;

vi.setConfig({ testTimeout: 120_000 + KILLS * 6_000 });

/** Files, each with the clients of the process that is killed, and perhaps with a process beside it. */
function* plans() {
	for (let n = random(6); ; n++) {
		const clients = ["main", ...(n % 2 ? ["worker"] : []), ...(n % 3 === 0 ? ["library"] : [])];
		const beside = [[], ["other"], ["peer"], []][n % 4];
		yield { clients, beside, kills: 3 + random(8) };
	}
}

/** Waits for the moment to kill: mostly amid the load, sometimes while the file is being opened, or made. */
async function wait(process_, isNew) {
	if (random(isNew ? 2 : 6) === 0) return sleep(random(25));
	await Promise.race([process_.underLoad(), sleep(5_000)]);
	return sleep(5 + random(145));
}

class Lane {
	totals = { kills: 0, writes: 0, acknowledged: 0, whileWriting: 0, besideAlive: 0, files: 0 };

	async run(kills) {
		for (const plan of plans()) {
			if (this.totals.kills >= kills) return;
			await this.#runFile({ ...plan, kills: Math.min(plan.kills, kills - this.totals.kills) });
		}
	}

	/** Kills processes on one file, each the next to open it after the crash. */
	async #runFile({ clients, beside, kills }) {
		const filename = temporaryFile();
		let contents = new Map();
		let victim = new LoadProcess(filename, clients);
		let companion = beside.length > 0 ? new LoadProcess(filename, beside) : undefined;
		for (let round = 0; round < kills; round++) {
			await Promise.all([victim.ready, companion?.ready]);
			const underLoad = [victim, companion].filter(Boolean);
			for (const process_ of underLoad) process_.go();
			await wait(victim, round === 0);
			const dying = random(2) === 0 ? underLoad : [victim];
			await Promise.all(dying.map((process_) => process_.kill()));
			if (companion && !dying.includes(companion)) await companion.stop();
			const records = underLoad.flatMap((process_) => process_.reports.take());
			this.#count(records, companion !== undefined && !dying.includes(companion));
			// Loading takes time, which the inspection fills.
			if (round + 1 < kills) {
				victim = new LoadProcess(filename, clients);
				if (companion && dying.includes(companion)) companion = new LoadProcess(filename, beside);
			}
			const name = `kill ${round} of ${[clients, ...beside]} on one file`;
			contents = await this.#inspect(filename, contents, records, name);
		}
		await companion?.kill();
		this.totals.files++;
		rmSync(dirname(filename), { recursive: true });
	}

	/** Opens the file, first by the store or first by the other library, as one of them has to recover it. */
	async #inspect(filename, before, records, name) {
		const first = random(2) === 0 ? await readByStore(filename) : undefined;
		const library = await readByLibrary(filename);
		const store = first ?? (await readByStore(filename));
		expect(library, name).toMatchObject({ integrity: "ok", duplicates: 0 });
		expect(differentKeys(library.store, store), name).toEqual([]);
		const after = new Map([...store, ...library.rows]);
		expect(problemWith(before, after, records), name).toBeUndefined();
		const strays = readdirSync(dirname(filename)).filter((file) => file.includes(".stray-"));
		expect(strays, `${name}: its own log was taken for another's`).toEqual([]);
		return after;
	}

	#count(records, companionLives) {
		const { totals } = this;
		totals.kills++;
		totals.besideAlive += companionLives ? 1 : 0;
		for (const { writes, acknowledged } of records) {
			totals.writes += writes.length;
			totals.acknowledged += acknowledged;
		}
		if (records.some(({ writes, acknowledged }) => writes.length > acknowledged)) totals.whileWriting++;
	}
}

test("a process killed at any moment loses no acknowledged write, and leaves none by half", async () => {
	const started = performance.now();
	const lanes = Array.from({ length: LANES }, () => new Lane());
	await Promise.all(lanes.map((lane) => lane.run(KILLS / LANES)));
	const total = (name) => lanes.reduce((sum, lane) => sum + lane.totals[name], 0);
	const text = (name) => total(name).toLocaleString("en");
	console.log(
		`crash: ${text("kills")} kills on ${text("files")} files, ${text("whileWriting")} of them with writes in flight and ` +
			`${text("besideAlive")} beside a process that lived on, ${text("acknowledged")} of ${text("writes")} writes ` +
			`acknowledged, 0 lost, 0 by half, ${((performance.now() - started) / 1_000).toFixed(1)} s`,
	);
	expect(total("kills")).toBe(KILLS);
	// Else nothing was proved.
	expect(total("whileWriting")).toBeGreaterThan(KILLS / 8);
	expect(total("acknowledged")).toBeGreaterThan(KILLS);
});
