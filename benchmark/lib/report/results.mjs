import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/lib/run.mjs";
import { drawGrowth } from "../../charts/growth.mjs";
import { drawPeers } from "../../charts/peers.mjs";
import { speedTable, writeSpeedTable } from "./speed-table.mjs";

/** Folder of the results of a full run, which the README shows. */
export const RESULTS = join(root, "benchmark", "results");

/** So many digits of a number count. */
const DIGITS = 5;

/**
 * Everything that a run has found, as it is written to `latest.json`.
 *
 * @typedef {object} Report
 * @property {string} date
 * @property {import("../profile.mjs").Profile} profile
 * @property {ReturnType<typeof import("./machine.mjs").describeMachine>} machine
 * @property {Record<string, string>} versions
 * @property {{ id: string, title: string, durable: boolean, durability: string }[]} drivers
 * @property {(import("./statistics.mjs").Result & { title: string, unit: string })[]} results
 * @property {import("./check.mjs").Verdict[]} targets
 * @property {import("../processes/rounds.mjs").Failure[]} failures
 */

/**
 * Writes `latest.json` and the charts, `chart.svg` and `growth.svg`; in the folder that the README shows, also its table.
 *
 * @param {string} folder
 * @param {Report} report
 */
export function writeResults(folder, report) {
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, "latest.json"), `${JSON.stringify(report, shorten, "\t")}\n`);
	writeFileSync(join(folder, "chart.svg"), drawPeers(report));
	writeFileSync(join(folder, "growth.svg"), drawGrowth(report));
	if (folder === RESULTS) writeSpeedTable(join(root, "README.md"), speedTable(report));
}

/**
 * Reads what `writeResults` has written as `latest.json`.
 *
 * @param {string} file
 * @returns {Report}
 */
export function readResults(file) {
	return JSON.parse(readFileSync(file, "utf8"));
}

/**
 * @param {string} _name
 * @param {unknown} value
 */
function shorten(_name, value) {
	return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
}
