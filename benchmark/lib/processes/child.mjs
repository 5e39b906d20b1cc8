// A task in a process of its own. Talks to `processes.mjs` by messages, because drivers may print: the first that it gets
// is its order, every other one its turn.

import { once } from "node:events";
import { groups } from "../../groups/index.mjs";

/** @param {object} message */
const send = (message) => process.send?.(message);

/**
 * Ends the process when the channel is empty; some peers would keep it alive.
 *
 * @param {object} message
 */
const end = (message) => process.send?.(message, () => process.exit());

/** @param {unknown} error */
const fail = (error) => end({ problem: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });

process.once("uncaughtException", fail);
process.once("message", (/** @type {import("./processes.mjs").Order} */ order) => {
	run(order).then(() => end({ done: true }), fail);
});

/** @param {import("./processes.mjs").Order} order */
async function run({ groupId, subject, workloads, profile, folder }) {
	const group = groups.find(({ id }) => id === groupId);
	if (group === undefined) throw new Error(`no group ${groupId}`);
	await group.run({
		subject,
		profile,
		folder,
		wants: (workload) => workloads.includes(workload),
		turn: async () => {
			const given = once(process, "message");
			send({ paused: true });
			await given;
		},
		report: (workload, value) => send({ workload, value }),
	});
}
