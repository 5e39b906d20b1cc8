// Model: random sequences of all operations, several in flight, against a plain model.

import { join } from "node:path";
import fc from "fast-check";
import { onTestFinished, test, vi } from "vitest";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryDirectory, temporaryStore } from "../../helpers/store.mjs";
import { expectLikeModel, expectSameContents, HOUR_MS, Model, operation, step } from "./model.mjs";

test("random operations, several in flight, with reopening, have the results of a plain model", async () => {
	const directory = temporaryDirectory();
	let run = 0;
	await fc.assert(
		fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
			const filename = join(directory, `${run++}.sqlite3`);
			const model = new Model();
			let store = temporaryStore(filename);
			for (const { group, reopen } of steps) {
				if (group) {
					await expectLikeModel(store, model, group);
					continue;
				}
				const closing = store.close();
				if (reopen) await closing;
				store = temporaryStore(filename);
			}
			await expectSameContents(store, model);
			await store.close();
		}),
		{ numRuns: rounds({ few: 15, many: 500, long: 10_000 }) },
	);
}, 300_000);

test("random operations while time passes have the results of a plain model", async () => {
	const directory = temporaryDirectory();
	const start = Date.now();
	let run = 0;
	const soon = fc.integer({ min: 0, max: 5 }).map((hours) => start + (hours + 0.5) * HOUR_MS);
	const never = fc.constant(undefined);
	const withExpiry = operation.chain((o) =>
		fc.oneof(never, soon).map((at) => ({
			...o,
			...(o.entries ? { entries: o.entries.map((e) => ({ ...e, expiresAt: at })) } : { expiresAt: at }),
		})),
	);
	const timed = fc.record({ hours: fc.integer({ min: 0, max: 2 }), group: fc.array(withExpiry, { maxLength: 8 }) });
	vi.useFakeTimers({ toFake: ["Date"] });
	onTestFinished(() => {
		vi.useRealTimers();
	});
	await fc.assert(
		fc.asyncProperty(fc.array(timed, { minLength: 2, maxLength: 6 }), async (steps) => {
			vi.setSystemTime(start);
			const store = temporaryStore(join(directory, `${run++}.sqlite3`));
			const model = new Model();
			for (const { hours, group } of steps) {
				vi.setSystemTime(Date.now() + hours * HOUR_MS);
				await expectLikeModel(store, model, group);
				await expectSameContents(store, model);
			}
			await store.close();
		}),
		{ numRuns: rounds({ few: 5, many: 80, long: 800 }) },
	);
}, 300_000);

test("thousands of random operations issued in one tick have the results of a plain model", async () => {
	const seed = Math.floor(Math.random() * 2 ** 31);
	const numRuns = rounds({ few: 2_000, many: 6_000 });
	const store = temporaryStore();
	const model = new Model();
	await expectLikeModel(store, model, fc.sample(operation, { numRuns, seed }), `seed ${seed}`);
	await expectSameContents(store, model, `seed ${seed}`);
}, 300_000);
