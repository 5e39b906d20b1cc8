import { medianOf } from "./statistics.mjs";

/**
 * A target with what was measured.
 *
 * @typedef {import("../../targets.mjs").Target & {
 *   measured?: number,
 *   peer?: number,
 *   factor?: number,
 *   verdict: "ok" | "missed" | "not measured",
 * }} Verdict
 *
 * @typedef {import("../../groups/index.mjs").WorkloadInfo} WorkloadInfo
 */

/**
 * Holds results against targets.
 *
 * @param {readonly import("../../targets.mjs").Target[]} targets
 * @param {readonly import("./statistics.mjs").Result[]} results
 * @param {(group: string, workload: string) => WorkloadInfo} infoOf
 * @returns {Verdict[]}
 */
export function judge(targets, results, infoOf) {
	return targets.map((target) => {
		const { better } = infoOf(target.group, target.workload);
		const measured = medianOf(results, target, target.subject);
		const peer = target.against === undefined ? undefined : medianOf(results, target, target.against);
		if (measured === undefined || (target.against !== undefined && peer === undefined)) {
			return { ...target, measured, peer, verdict: "not measured" };
		}
		const factor = peer === undefined ? undefined : timesAsGood(measured, peer, better);
		return { ...target, measured, peer, factor, verdict: isMet(target, measured, factor) ? "ok" : "missed" };
	});
}

/**
 * Ratio of a number to another one of its workload: above 1, it is better.
 *
 * @param {number} number
 * @param {number} other
 * @param {"higher" | "lower"} better
 */
export function timesAsGood(number, other, better) {
	return better === "higher" ? number / other : other / number;
}

/**
 * @param {import("../../targets.mjs").Target} target
 * @param {number} measured
 * @param {number | undefined} factor
 */
function isMet({ atLeast, costAtMost, atMost }, measured, factor) {
	if (atMost !== undefined && measured > atMost) return false;
	if (atLeast !== undefined && !(factor !== undefined && factor >= atLeast)) return false;
	return !(costAtMost !== undefined && !(factor !== undefined && 1 / factor <= costAtMost));
}

/**
 * The verdicts that `--check` fails for. A run of everything must have measured everything.
 *
 * @param {readonly Verdict[]} verdicts
 * @param {{ everything: boolean }} options
 */
export function failures(verdicts, { everything }) {
	return verdicts.filter(({ verdict }) => verdict === "missed" || (everything && verdict === "not measured"));
}
