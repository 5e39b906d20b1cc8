import { timesAsGood } from "./check.mjs";
import { formatNumber, formatTable } from "./format.mjs";
import { medianOf } from "./statistics.mjs";

/**
 * @typedef {import("./statistics.mjs").Result} Result
 * @typedef {import("./check.mjs").Verdict} Verdict
 * @typedef {import("../../groups/index.mjs").Group} Group
 * @typedef {import("../profile.mjs").Profile} Profile
 */

/** Placeholder where nothing was measured. */
const NOTHING = "-";

/**
 * A group's table: a row for each subject that was measured in any of its workloads, and what share of the first
 * subject's number each has.
 *
 * @param {Group} group
 * @param {Profile} profile
 * @param {readonly Result[]} results
 */
export function groupTable(group, profile, results) {
	const own = results.filter((result) => result.group === group.id);
	const subjects = new Map(group.tasks(profile).map(({ subject, title }) => [subject, title]));
	const [[firstSubject, firstTitle]] = subjects;
	const parts = group.workloads
		.filter(({ id }) => own.some(({ workload }) => workload === id))
		.map(({ id, title, unit, better }) => {
			const place = { group: group.id, workload: id };
			const reference = medianOf(own, place, firstSubject);
			const rows = [...subjects]
				.map(([subject, name]) => ({ name, number: medianOf(own, place, subject) }))
				.filter(({ number }) => number !== undefined)
				.map(({ name, number = 0 }) => {
					const factor = reference === undefined ? undefined : timesAsGood(number, reference, better);
					return [name, formatNumber(number), factor === undefined ? NOTHING : `${formatNumber(factor)} x`];
				});
			return formatTable([title, unit, `of ${firstTitle}`], rows);
		});
	return [`## ${group.title(profile)}`, ...parts].join("\n\n");
}

/**
 * The table of the targets.
 *
 * @param {readonly Verdict[]} verdicts
 * @param {(group: string, workload: string) => import("../../groups/index.mjs").WorkloadInfo} infoOf
 * @param {(group: string, subject: string) => string} titleOf
 */
export function targetTable(verdicts, infoOf, titleOf) {
	const rows = verdicts.map((verdict) => {
		const { group, workload, subject, against, measured, peer, factor } = verdict;
		const { title, unit } = infoOf(group, workload);
		return [
			title,
			measured === undefined ? NOTHING : `${formatNumber(measured)} ${unit}`,
			titleOf(group, subject),
			against === undefined ? NOTHING : titleOf(group, against),
			peer === undefined ? NOTHING : `${formatNumber(peer)} ${unit}`,
			factor === undefined ? NOTHING : `${formatNumber(verdict.costAtMost === undefined ? factor : 1 / factor)} x`,
			describeTarget(verdict, unit),
			verdict.verdict,
		];
	});
	const head = ["workload", "measured", "of", "against", "measured", "ratio", "target", "verdict"];
	return formatTable(head, rows, [0, 2, 3, 7]);
}

/**
 * One line for a target that is missed.
 *
 * @param {Verdict} verdict
 * @param {(group: string, workload: string) => import("../../groups/index.mjs").WorkloadInfo} infoOf
 * @param {(group: string, subject: string) => string} titleOf
 */
export function describeFailure(verdict, infoOf, titleOf) {
	const { group, workload, subject, against, measured, factor, costAtMost } = verdict;
	const { title, unit } = infoOf(group, workload);
	const sides = `${titleOf(group, subject)}${against === undefined ? "" : ` against ${titleOf(group, against)}`}`;
	const what = `${verdict.verdict}: ${title}, ${sides}`;
	if (verdict.verdict === "not measured") return `${what}: target ${describeTarget(verdict, unit)}`;
	const ratio = costAtMost === undefined ? factor : 1 / (factor ?? Number.NaN);
	const got = ratio === undefined ? `${formatNumber(measured ?? Number.NaN)} ${unit}` : `${formatNumber(ratio)} x`;
	return `${what}: ${got}, target ${describeTarget(verdict, unit)}`;
}

/**
 * @param {import("../../targets.mjs").Target} target
 * @param {string} unit
 */
function describeTarget({ atLeast, costAtMost, atMost }, unit) {
	if (atLeast !== undefined) return `at least ${formatNumber(atLeast)} x`;
	if (costAtMost !== undefined) return `at most ${formatNumber(costAtMost)} x the cost`;
	return `at most ${formatNumber(atMost ?? Number.NaN)} ${unit}`;
}
