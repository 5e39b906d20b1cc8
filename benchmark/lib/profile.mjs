/**
 * Extent of a run. Everything that distinguishes a quick run from a full one stands here.
 *
 * @typedef {object} Profile
 * @property {"full" | "quick"} name
 * @property {number} rounds
 * @property {number} keys - Of the stores on which the drivers are compared.
 * @property {number} arraySize
 * @property {number} manyInFlight - What the workloads of "1,000 in flight" keep in flight.
 * @property {number} starts - How often a fresh process is started per round.
 * @property {number} fewKeys - Of the small store with which costs are compared.
 * @property {number} moreKeys
 * @property {number} manyKeys - Of the largest.
 * @property {number} largeFileKeys - Of the store that is opened by a fresh process.
 * @property {readonly string[]} bulkPrefixes - What is selected and deleted while the event loop is watched.
 * @property {Record<"small" | "medium" | "large" | "huge", number>} backupKeys - Of the stores that are backed up.
 * @property {number} safetyMs - How long a store is under load while it is measured how soon a write is safe.
 * @property {number} idleMs - How long a process is watched that does nothing.
 * @property {number} daySeconds - Of the day of backups that is played.
 * @property {import("../../scripts/lib/addon.mjs").Build} build - How the addon, and the program that plays that day, are compiled.
 * @property {number} slices - Of each workload that is measured with backups and without.
 * @property {import("./measure.mjs").Duration} sliceDuration - Of one of them.
 * @property {import("./measure.mjs").Duration} duration
 */

/** @type {Profile} */
export const fullProfile = {
	name: "full",
	rounds: 3,
	keys: 20_000,
	arraySize: 20_000,
	manyInFlight: 1000,
	starts: 3,
	fewKeys: 10_000,
	moreKeys: 100_000,
	manyKeys: 1_000_000,
	largeFileKeys: 420_000,
	bulkPrefixes: ["group:1", "group:2", "group:3"],
	backupKeys: { small: 42_000, medium: 210_000, large: 420_000, huge: 4_200_000 },
	safetyMs: 60_000,
	idleMs: 10_000,
	// And a minute for what the end of a day makes due.
	daySeconds: 24 * 60 * 60 + 60,
	build: "release",
	slices: 8,
	sliceDuration: { warmUpMs: 250, measureMs: 1500 },
	duration: { warmUpMs: 250, measureMs: 600 },
};

/** Only to see that everything runs; its numbers mean nothing. */
export const quickProfile = /** @type {Profile} */ ({
	name: "quick",
	rounds: 1,
	keys: 2000,
	arraySize: 500,
	manyInFlight: 50,
	starts: 1,
	fewKeys: 2000,
	moreKeys: 5000,
	manyKeys: 10_000,
	largeFileKeys: 10_000,
	bulkPrefixes: ["group:001", "group:002"],
	backupKeys: { small: 2000, medium: 5000, large: 10_000, huge: 20_000 },
	safetyMs: 1000,
	idleMs: 100,
	daySeconds: 30,
	build: "quick",
	slices: 2,
	sliceDuration: { warmUpMs: 10, measureMs: 25 },
	duration: { warmUpMs: 10, measureMs: 25 },
});
