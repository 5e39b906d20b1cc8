// A key-value store at work while something is done to its file.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import { until } from "../helpers/time.mjs";

/** Writes and reads until told to stop, each read checked against what is known; counts what it wrote. */
export function load(appData) {
	const state = { running: true, sets: 0, updates: 0 };
	const lane = async (n) => {
		for (let i = 0; state.running; i++) {
			const key = `lane${n}:${i % 40}`;
			await appData.set({ key, value: `${i}${"x".repeat(500)}` });
			state.sets++;
			await sleep(2);
			expect((await appData.get(key)).startsWith(String(i))).toBe(true);
			state.updates++;
			await appData.update("count", (count) => count + 1, 0);
			if (i % 10 === 0) expect((await appData.selectValue(key)).length).toBe(1);
		}
	};
	const lanes = Promise.all(Array.from({ length: 8 }, (_, n) => lane(n)));
	// If the test fails, nobody waits for them, and the store is closed under them.
	lanes.catch(() => {});
	onTestFinished(() => {
		state.running = false;
	});
	return async function stop() {
		await until(() => state.updates > 8, "the load to begin");
		state.running = false;
		await lanes;
		expect(await appData.get("count")).toBe(state.updates);
		return state;
	};
}
