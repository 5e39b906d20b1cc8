import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { drivers } from "../../drivers/index.mjs";
import { runWorkloads } from "../key-value/run.mjs";
import { workloads as keyValueWorkloads, selectHundred } from "../key-value/workloads.mjs";
import { fileSize, load, loadAll, loadInOrder, megabytesIn } from "./loading.mjs";

/** The peers that can be loaded with a million keys in a time that one wants to wait. */
const PEERS = ["lmdb", "better-sqlite3", "classic-level"];

/** Workloads measured for every driver at every size; rootcellar gets all of them, small and large. */
const COMPARED = [
	load.id,
	loadInOrder.id,
	fileSize.id,
	"get-small-cache-1",
	"get-small-cache-100",
	"select-1000",
	"set-1000",
];

const workloads = [load, loadInOrder, fileSize, selectHundred, ...keyValueWorkloads];

const measured = drivers.filter(({ id }) => id === "rootcellar" || PEERS.includes(id));

/**
 * The sizes of the stores, from small to large.
 *
 * @param {import("../../lib/profile.mjs").Profile} profile
 */
export const sizesOf = ({ fewKeys, moreKeys, manyKeys }) => ({ few: fewKeys, more: moreKeys, many: manyKeys });

/**
 * @param {string} driver
 * @param {string} size - One of `sizesOf`.
 */
export const subjectOf = (driver, size) => `${driver}-${size}`;

/**
 * The same workloads on a small store and on larger ones, whose keys were stored in a random order. What is read and
 * updated often is as many keys in all of them.
 *
 * @type {import("../index.mjs").Group}
 */
export const scale = {
	id: "scale",
	title: () => "A small store and large ones",
	workloads,
	tasks: (profile) =>
		Object.entries(sizesOf(profile)).flatMap(([size, count]) =>
			measured.map(({ id, title }) => ({
				subject: subjectOf(id, size),
				title: `${title}, ${count.toLocaleString("en-US")} keys`,
				workloads: id === "rootcellar" && size !== "more" ? undefined : COMPARED,
			})),
		),
	run: async ({ subject, profile, folder, wants, turn, report }) => {
		const sizes = Object.entries(sizesOf(profile));
		const driver = measured.find(({ id }) => subject.startsWith(`${id}-`));
		const [, keyCount = 0] = sizes.find(([size]) => subject === subjectOf(driver?.id ?? "", size)) ?? [];
		if (driver === undefined || keyCount === 0) throw new Error(`no subject ${subject}`);
		const loading = { keyCount, arraySize: profile.arraySize };
		if (wants(loadInOrder.id)) {
			await turn();
			const beside = join(folder, "in-order");
			mkdirSync(beside);
			report(loadInOrder.id, await loadAll(driver, { ...loading, folder: beside, isShuffled: false }));
			rmSync(beside, { recursive: true });
		}
		await turn();
		const perSecond = await loadAll(driver, { ...loading, folder, isShuffled: true });
		if (wants(load.id)) report(load.id, perSecond);
		if (wants(fileSize.id)) report(fileSize.id, megabytesIn(folder));
		const wanted = [selectHundred, ...keyValueWorkloads].filter(({ id }) => wants(id));
		await runWorkloads({ folder, driver, keyCount, hotCount: profile.fewKeys, profile, turn, report }, wanted);
	},
};
