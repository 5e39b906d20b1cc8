import { backups } from "./backup/index.mjs";
import { keyValue } from "./key-value/index.mjs";
import { kv } from "./kv/index.mjs";
import { postgres } from "./postgres/index.mjs";
import { processes } from "./process/index.mjs";
import { scale } from "./scale/index.mjs";
import { slowSync } from "./slow-sync/index.mjs";
import { sql } from "./sql/index.mjs";

/**
 * Group of workloads, and the tasks that run them. A task is one process per round.
 *
 * @typedef {object} Group
 * @property {string} id
 * @property {(profile: Profile) => string} title
 * @property {readonly WorkloadInfo[]} workloads
 * @property {(profile: Profile) => readonly Task[]} tasks
 * @property {() => Promise<{ env: NodeJS.ProcessEnv, end: () => Promise<void> }>} [prepare] - Starts, for a round, what the
 * tasks share; gives the variables that tell them of it.
 * @property {(context: TaskContext) => Promise<void>} run - In the task's own process.
 *
 * @typedef {{ id: string, title: string, unit: string, better: "higher" | "lower" }} WorkloadInfo
 *
 * @typedef {object} Task
 * @property {string} subject - What is measured: a driver, or a driver at a size.
 * @property {string} title
 * @property {readonly string[]} [workloads] - Those of the group that the task measures; default: all of them.
 * @property {number} [template] - The keys of a store that lies in the folder before the task starts.
 * @property {boolean} [slowSync] - Whether every sync of a file is delayed in its process.
 * @property {boolean} [once] - Whether one round is enough: it takes minutes, and hardly differs from round to round.
 *
 * @typedef {object} TaskContext
 * @property {string} subject
 * @property {Profile} profile
 * @property {string} folder - Empty but for the template; removed afterwards.
 * @property {(workload: string) => boolean} wants
 * @property {() => Promise<void>} turn - To be awaited before each workload that is compared with other tasks'.
 * @property {(workload: string, value: number) => void} report
 *
 * @typedef {import("../lib/profile.mjs").Profile} Profile
 */

/** @type {readonly Group[]} */
export const groups = [keyValue, kv, slowSync, sql, scale, processes, backups, postgres];
