import { setTimeout as wait } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { inMsPerSecond } from "./part.mjs";
import { cpuMsSince } from "./processor.mjs";
import { fileIn } from "./store.mjs";

/** Until a process that has just opened its store and backed it up is at rest. */
const REST_MS = 1000;

/**
 * Processor time of an idle process, in milliseconds of one core per second.
 *
 * @type {import("./part.mjs").Part}
 */
export const idle = {
	workloads: [{ id: "idle-cpu", title: "what the process computes while nothing changes", ...inMsPerSecond }],
	run: async ({ folder, hasBackups, profile: { idleMs }, turn, report }) => {
		const store = openDataStore({ filename: fileIn(folder), backup: hasBackups ? {} : false });
		await store.appData.get("");
		if (hasBackups) await store.backups.create();
		await turn();
		await wait(REST_MS);
		let made = 0;
		if (hasBackups) store.backups.on("backup", () => made++);
		const before = process.cpuUsage();
		await wait(idleMs);
		const cpuMs = cpuMsSince(before);
		if (made > 0) throw new Error(`${made} backups were made although nothing had changed`);
		await store.close();
		report("idle-cpu", (cpuMs / idleMs) * 1000);
	},
};
