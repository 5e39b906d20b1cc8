// The example bot, as a person runs it: compiled, then run in a folder of its own, twice.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rawRows } from "../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile } from "../helpers/store.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = join(root, "examples/leveling-bot");
const recorded = readFileSync(join(example, "messages.jsonl"), "utf8").trimEnd().split("\n").map(JSON.parse);
const membersRecorded = new Set(recorded.map(({ userId }) => userId)).size;
const TIME_LIMIT_MS = 300_000;

const execute = promisify(execFile);

beforeAll(async () => {
	await execute(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", example, "--skipLibCheck"]);
}, TIME_LIMIT_MS);

/** Runs the bot in `cwd` and resolves with what it printed. */
async function runBot(cwd, config = {}) {
	const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, ...env } = process.env;
	const { stdout, stderr } = await execute(process.execPath, [join(example, "dist/main.js")], {
		cwd,
		env: { ...env, ...config },
	});
	expect(stderr).toBe("");
	return stdout;
}

/** The numbers of the line that begins with `label`, in their order; `1,234` is 1234. */
function numbersOf(output, label) {
	const line = output.split("\n").find((candidate) => candidate.startsWith(label));
	expect(line, `a line that begins with ${label}`).toBeDefined();
	return line.match(/\d[\d,]*(?:\.\d+)?/g).map((number) => Number(number.replaceAll(",", "")));
}

/** The figures that a run reports about itself and about all runs so far. */
function figuresOf(output) {
	const [messages, , , rewarded, earned, unrewarded] = numbersOf(output, "This run:");
	const [runs, allMessages, experience, members] = numbersOf(output, "All runs:");
	return { messages, rewarded, earned, unrewarded, runs, allMessages, experience, members };
}

/** The rows of the leaderboard, top first. */
function leaderboardOf(output) {
	const rows = output.match(/^ *\d+ {2}\S.* {2,}\d[\d,]* .*$/gm);
	return rows.map((row) => {
		const [place, member, level, experience, earned, toNext, messages, channel] = row.trim().split(/ {2,}/);
		const number = (text) => Number(text.replace(/[+,]/g, ""));
		return {
			place: number(place),
			member,
			level: number(level),
			experience: number(experience),
			earned: number(earned),
			toNext: number(toNext),
			messages: number(messages),
			channel,
		};
	});
}

describe("the recording", () => {
	test("holds at least 500 messages of several members and channels, in the order of their time", () => {
		expect(recorded.length).toBeGreaterThanOrEqual(500);
		expect(membersRecorded).toBeGreaterThanOrEqual(20);
		expect(new Set(recorded.map(({ channelId }) => channelId)).size).toBeGreaterThanOrEqual(4);
		expect(new Set(recorded.map(({ id }) => id)).size).toBe(recorded.length);
		const times = recorded.map(({ createdAt }) => Date.parse(createdAt));
		expect(times).toEqual([...times].sort((a, b) => a - b));
	});
});

describe("the bot, run twice", () => {
	const folder = mkdtempSync(join(realpathSync(tmpdir()), "rootcellar-example-"));
	const file = join(folder, "rootsdk.sqlite3");
	const outputs = [];

	beforeAll(async () => {
		outputs.push(await runBot(folder));
		outputs.push(await runBot(folder));
	}, TIME_LIMIT_MS);
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	test("says in the first run that nothing was restored, and in the second what was", () => {
		const first = figuresOf(outputs[0]);
		expect(outputs[0]).toMatch(/^Restored: nothing, this is the first run\.$/m);
		const restored = numbersOf(outputs[1], "Restored:").slice(0, 4);
		expect(restored).toEqual([first.members, first.allMessages, first.experience, first.runs]);
	});

	test("goes on from where it was, and its numbers add up exactly", () => {
		const [first, second] = outputs.map(figuresOf);
		expect(first).toMatchObject({ runs: 1, messages: recorded.length, members: membersRecorded });
		expect(first.allMessages).toBe(first.messages);
		expect(first.experience).toBe(first.earned);
		expect(second).toMatchObject({ runs: 2, messages: recorded.length, members: membersRecorded });
		expect(second.allMessages).toBe(first.allMessages + second.messages);
		expect(second.experience).toBe(first.experience + second.earned);
	});

	test("rewards every member, and no message that came within a cooldown", () => {
		for (const { messages, rewarded, unrewarded, earned } of outputs.map(figuresOf)) {
			expect(rewarded + unrewarded).toBe(messages);
			expect(rewarded).toBeGreaterThanOrEqual(membersRecorded);
			expect(unrewarded).toBeGreaterThan(0);
			expect(earned).toBeGreaterThanOrEqual(rewarded * 11);
			expect(earned).toBeLessThanOrEqual(rewarded * 20);
		}
	});

	test("leaves a file that lies where it says, with what it printed", async () => {
		for (const output of outputs) expect(output).toContain(`Stored in: ${file}\n`);
		expect(existsSync(`${file}-wal`)).toBe(false);
		const rows = await rawRows(file);
		const progress = rows.filter(({ key }) => key.startsWith("progress:")).map(({ value }) => JSON.parse(value));
		const { allMessages, experience } = figuresOf(outputs[1]);
		expect(progress).toHaveLength(membersRecorded);
		expect(progress.reduce((sum, { messages }) => sum + messages, 0)).toBe(allMessages);
		expect(progress.reduce((sum, member) => sum + member.experience, 0)).toBe(experience);
	});

	test("prints a leaderboard that is in order", () => {
		for (const output of outputs) {
			const rows = leaderboardOf(output);
			expect(rows.map(({ place }) => place)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
			const experiences = rows.map(({ experience }) => experience);
			expect(experiences).toEqual([...experiences].sort((a, b) => b - a));
			expect(output).toContain(`and ${membersRecorded - rows.length} more\n`);
		}
	});

	test("counts every message of a member over both runs, and levels by experience", () => {
		const [first, second] = outputs.map(leaderboardOf);
		for (const { member, experience, earned, level, toNext, messages, channel } of second) {
			const own = recorded.filter(({ nickname }) => nickname === member);
			expect(messages, member).toBe(2 * own.length);
			expect(channel, member).toBe(own.at(-1).channel);
			expect(experience + toNext, member).toBe(10 * (level + 1) * level);
			const before = first.find((row) => row.member === member);
			if (before) expect(experience, member).toBe(before.experience + earned);
		}
		expect(second.some(({ member }) => first.some((row) => row.member === member))).toBe(true);
	});

	test("sums up who rose", () => {
		for (const output of outputs) {
			const [levels, members, from, to] = numbersOf(output, "Level-ups:");
			expect(members).toBeGreaterThan(0);
			expect(levels).toBeGreaterThanOrEqual(members);
			expect(to).toBeGreaterThan(from);
		}
	});
});

describe("the bot's file", () => {
	test(
		"lies where DATABASE_CONFIG says",
		async () => {
			const filename = temporaryFile("community.sqlite3");
			const cwd = temporaryDirectory();
			const config = JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename } });
			const output = await runBot(cwd, { DATABASE_CONFIG: config });
			expect(output).toContain(`Stored in: ${filename}\n`);
			expect(existsSync(filename)).toBe(true);
			expect(existsSync(join(cwd, "rootsdk.sqlite3"))).toBe(false);
		},
		TIME_LIMIT_MS,
	);

	test(
		"that cannot be opened ends the bot with one line that says so",
		async () => {
			const cwd = temporaryDirectory();
			const failed = runBot(cwd, { DATABASE_CONFIG: "not JSON" });
			await expect(failed).rejects.toMatchObject({
				code: 1,
				stdout: "",
				stderr: expect.stringMatching(/^The bot stopped: DATABASE_CONFIG .+\n$/),
			});
		},
		TIME_LIMIT_MS,
	);
});
