// A leveling bot: members earn experience for their messages and rise through levels.
//
// Run it twice; the second run goes on from where the first one ended.

import { join, resolve } from "node:path";
import { createLeveling } from "./leveling";
import { readRecording, replay } from "./replay";
import * as report from "./report";
import { closeStorage, databaseFile, readHistory, readMembers, recordRun } from "./storage";

/** How much faster than real time the recording is played; the cooldown shrinks alike. */
const SPEED = 1_200;
const COOLDOWN_MS = 120_000;

async function main(): Promise<void> {
	const [members, history] = await Promise.all([readMembers(), readHistory()]);
	console.log(report.restored(members, history));

	const messages = readRecording(join(__dirname, "..", "messages.jsonl"));
	console.log(`Playing ${report.count(messages.length)} messages at ${report.count(SPEED)} times their speed ...\n`);
	const played = await replay(messages, SPEED, createLeveling(COOLDOWN_MS / SPEED));

	const { runs } = await recordRun();
	const standing = await readMembers();
	console.log(`${report.leaderboard(standing, played.outcomes)}\n`);
	console.log(report.levelUps(played.outcomes));
	console.log(report.summary(played));
	console.log(
		`All runs: ${report.count(runs)}, with ${report.count(report.totalMessages(standing))} messages and ` +
			`${report.count(report.totalExperience(standing))} experience by ${report.count(standing.length)} members.`,
	);
	console.log(`Stored in: ${resolve(databaseFile())}`);
}

main()
	.catch((error: unknown) => {
		console.error(error instanceof Error ? `The bot stopped: ${error.message}` : error);
		process.exitCode = 1;
	})
	.finally(closeStorage);
