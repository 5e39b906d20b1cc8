/**
 * A part of the group: workloads that are measured together, in a process of their own.
 *
 * @typedef {object} Part
 * @property {readonly import("../index.mjs").WorkloadInfo[]} workloads
 * @property {(context: PartContext) => Promise<void>} run
 *
 * @typedef {import("../index.mjs").TaskContext & { keyCount: number, hasBackups: boolean }} PartContext
 */

/** Units, and which way is better. */
export const inMs = /** @type {const} */ ({ unit: "ms", better: "lower" });
export const inMsPerSecond = /** @type {const} */ ({ unit: "ms/s", better: "lower" });
export const inMiB = /** @type {const} */ ({ unit: "MiB", better: "lower" });
export const inMB = /** @type {const} */ ({ unit: "MB", better: "lower" });
