// What a person gets to see.

import { experienceToReach, levelOf, type Outcome } from "./leveling";
import type { Replay } from "./replay";
import type { History, Member } from "./storage";

const SHOWN_MEMBERS = 12;

/** A number for people: `1,234`. */
export function count(value: number): string {
	return value.toLocaleString("en-US");
}

function sum(values: number[]): number {
	return values.reduce((total, value) => total + value, 0);
}

/** What the store still knew from the runs before this one. */
export function restored(members: Member[], history: History | undefined): string {
	if (members.length === 0) return "Restored: nothing, this is the first run.";
	const runs = history?.runs ?? 0;
	const known =
		`${count(members.length)} members, ${count(totalMessages(members))} messages, ` +
		`${count(totalExperience(members))} experience`;
	const source = runs === 0 ? "a run that did not end" : runs === 1 ? "1 earlier run" : `${count(runs)} earlier runs`;
	const ended = history ? `, the last one ended ${history.endedAt}` : "";
	return `Restored: ${known} from ${source}${ended}.`;
}

export function totalMessages(members: Member[]): number {
	return sum(members.map((member) => member.messages));
}

export function totalExperience(members: Member[]): number {
	return sum(members.map((member) => member.experience));
}

/** The members by experience; of equals, whoever has the most messages is first. */
export function leaderboard(members: Member[], outcomes: Outcome[]): string {
	const earnedBy = new Map<string, number>();
	for (const { message, earned } of outcomes) {
		earnedBy.set(message.userId, (earnedBy.get(message.userId) ?? 0) + earned);
	}
	const ranked = [...members].sort((a, b) => b.experience - a.experience || b.messages - a.messages);
	const rows = ranked.slice(0, SHOWN_MEMBERS).map((member, index) => {
		const level = levelOf(member.experience);
		return [
			count(index + 1),
			member.nickname,
			count(level),
			count(member.experience),
			`+${count(earnedBy.get(member.userId) ?? 0)}`,
			count(experienceToReach(level + 1) - member.experience),
			count(member.messages),
			member.lastChannel,
		];
	});
	const hidden = ranked.length - rows.length;
	const table = layOut(
		["#", "member", "level", "experience", "this run", "to next", "messages", "last seen in"],
		["right", "left", "right", "right", "right", "right", "right", "left"],
		rows,
	);
	return hidden > 0 ? `${table}\n   and ${count(hidden)} more` : table;
}

function layOut(head: string[], alignments: ("left" | "right")[], rows: string[][]): string {
	const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
	const line = (cells: string[]) =>
		cells
			.map((cell, column) =>
				alignments[column] === "right" ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
			)
			.join("  ")
			.trimEnd();
	const rule = widths.map((width) => "-".repeat(width)).join("  ");
	return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Who rose, and who rose furthest. */
export function levelUps(outcomes: Outcome[]): string {
	const risen = new Map<string, { nickname: string; from: number; to: number }>();
	for (const { message, levelBefore, levelAfter } of outcomes) {
		if (levelAfter === levelBefore) continue;
		const known = risen.get(message.userId);
		risen.set(message.userId, {
			nickname: message.nickname,
			from: Math.min(levelBefore, known?.from ?? levelBefore),
			to: Math.max(levelAfter, known?.to ?? levelAfter),
		});
	}
	const climbs = [...risen.values()].sort((a, b) => b.to - b.from - (a.to - a.from) || b.to - a.to);
	if (climbs.length === 0) return "Level-ups: none.";
	const furthest = climbs[0];
	const levels = sum(climbs.map(({ from, to }) => to - from));
	return (
		`Level-ups: ${count(levels)} by ${count(climbs.length)} members; ` +
		`furthest rose ${furthest.nickname}, from level ${furthest.from} to ${furthest.to}.`
	);
}

/** What became of the messages of this run. */
export function summary({ outcomes, elapsedMs, busiest }: Replay): string {
	const rewarded = outcomes.filter(({ earned }) => earned > 0);
	const earned = sum(rewarded.map((outcome) => outcome.earned));
	return (
		`This run: ${count(outcomes.length)} messages in ${(elapsedMs / 1000).toFixed(1)} s, up to ${count(busiest)} at once. ` +
		`${count(rewarded.length)} earned ${count(earned)} experience, ` +
		`${count(outcomes.length - rewarded.length)} came within a cooldown.`
	);
}
