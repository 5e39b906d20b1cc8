import { rootcellar } from "../../drivers/rootcellar.mjs";
import { runWorkloads } from "../key-value/run.mjs";
import { workloads as keyValueWorkloads, selectHundred } from "../key-value/workloads.mjs";

const workloads = [selectHundred, ...keyValueWorkloads];

/** @param {number} count */
const titled = (count) => `rootcellar, ${count.toLocaleString("en-US")} keys`;

/**
 * The same workloads on a small store and on a large one. What is read and updated often is as many keys in both.
 *
 * @type {import("../index.mjs").Group}
 */
export const scale = {
	id: "scale",
	title: () => "rootcellar on a small store and on a large one",
	workloads,
	tasks: ({ fewKeys, manyKeys }) => [
		{ subject: "few-keys", title: titled(fewKeys), template: fewKeys },
		{ subject: "many-keys", title: titled(manyKeys), template: manyKeys },
	],
	run: async ({ subject, profile, folder, wants, turn, report }) => {
		const { fewKeys, manyKeys } = profile;
		const keyCount = subject === "few-keys" ? fewKeys : manyKeys;
		const wanted = workloads.filter(({ id }) => wants(id));
		await runWorkloads({ folder, driver: rootcellar, keyCount, hotCount: fewKeys, profile, turn, report }, wanted);
	},
};
