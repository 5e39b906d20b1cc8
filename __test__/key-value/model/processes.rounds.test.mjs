// Model in several processes: groups of random operations, each issued by one of several processes, the SDK among them, have
// the results of one plain model.

import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { startForked } from "../../helpers/forked.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";
import { expectLikeModel, expectSameContents, Model, operation, settle } from "./model.mjs";

const program = fileURLToPath(new URL("./participant.mjs", import.meta.url));
const LIBRARIES = ["rootcellar", "rootcellar", "sdk"];

/** A process that issues groups of operations. */
async function start(library, filename) {
	const DATABASE_CONFIG = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } });
	const { message, send } = startForked(program, [library, filename], {
		env: { ...process.env, DATABASE_CONFIG, COMMUNITY_ID: "WiJn1KM1f5eB9A9RzVwVLw", DEV_TOKEN: "none" },
		serialization: "advanced",
	});
	await message();
	return (group) => {
		const outcomes = message();
		send(group);
		return outcomes;
	};
}

/** Operations for the SDK: `set`, which adds a row where a key has one, and `delete`. */
const inSdk = fc.array(
	operation
		.filter(({ method }) => method === "set" || method === "delete")
		.map(({ method, key, entries }) => {
			if (method === "delete") return { method, key };
			const [{ communityId, ...entry }] = entries;
			return { method, ...entry };
		}),
	{ minLength: 1, maxLength: 4 },
);

const inModel = ({ method, ...entry }) => (method === "set" ? { method, entries: [entry] } : { method, ...entry });

const group = fc.array(operation, { minLength: 1, maxLength: 8 });
const turn = fc.oneof(
	{ weight: 2, arbitrary: group.map((operations) => ({ operations })) },
	{ weight: 4, arbitrary: fc.record({ by: fc.constantFrom(0, 1), operations: group }) },
	{ weight: 2, arbitrary: inSdk.map((operations) => ({ by: 2, operations })) },
);

test("operations that several processes and the SDK issue in turn have the results of a plain model", async () => {
	const filename = temporaryFile();
	const store = temporaryStore(filename);
	await store.appData.get("");
	const participants = await Promise.all(LIBRARIES.map((library) => start(library, filename)));
	await fc.assert(
		fc.asyncProperty(fc.array(turn, { minLength: 2, maxLength: 12 }), async (turns) => {
			for (const scope of [undefined, "C", "D"]) await store.appData.deleteLike("%", scope);
			const model = new Model();
			for (const { by, operations } of turns) {
				if (by === undefined) {
					await expectLikeModel(store, model, operations);
				} else if (LIBRARIES[by] === "sdk") {
					// One after the other: the SDK promises no order of those that are issued at once.
					for (const operation of operations) {
						expect(await participants[by]([operation])).toEqual([{ status: "fulfilled", value: undefined }]);
						settle(model, inModel(operation));
					}
				} else {
					const outcomes = (await participants[by](operations)).map(({ reason, ...outcome }) =>
						reason ? { ...outcome, reason: Object.assign(new Error(reason.message), { code: reason.code }) } : outcome,
					);
					expect(outcomes).toEqual(operations.map((operation) => settle(model, operation)));
				}
			}
			await expectSameContents(store, model);
		}),
		{ numRuns: rounds({ few: 25, many: 300, long: 3_000 }) },
	);
}, 300_000);
