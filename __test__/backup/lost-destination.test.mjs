// A folder of backups that is removed, or gets what is no backup, while the bot runs; and two bots that take turns.

import {
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expectFailure, rejection } from "../helpers/errors.mjs";
import { remove } from "../helpers/files.mjs";
import { raw } from "../helpers/raw.mjs";
import { until } from "../helpers/time.mjs";
import { lose, machineWithFile, openBackedUp as open, rarely } from "./backups.mjs";
import { captured, machine } from "./machine.mjs";

const backupsAt = (destination) =>
	existsSync(join(destination, "ltx"))
		? readdirSync(join(destination, "ltx"), { recursive: true }).filter((name) => name.endsWith(".ltx"))
		: [];

function heard(store) {
	const failures = [];
	store.backups.on("failure", (error) => failures.push(error));
	return failures;
}

describe("backups that are removed while the bot runs are made anew", () => {
	const removed = [
		["the folder", remove],
		["what is in it", (destination) => remove(join(destination, "ltx"))],
		["a level", (destination) => remove(join(destination, "ltx/0"))],
		["the files", (destination) => captured(destination).map((name) => remove(join(destination, "ltx/0", name)))],
	];

	test.each(removed)("%s: by create()", async (_, removeAt) => {
		const { file, destination } = machine();
		const store = open(file, rarely());
		await store.appData.set({ key: "k", value: 1 });
		const { id } = await store.backups.create();
		const failures = heard(store);
		removeAt(destination);
		expect(await store.backups.create()).toMatchObject({ id });
		expect(failures.map(({ code }) => code)).toEqual(["ERR_BACKUP_DAMAGED"]);
		expect(failures[0].message).toContain("missing from");
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(1);
	});

	test.each(removed)("%s: by itself", async (_, removeAt) => {
		const { file, destination } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		const failures = heard(store);
		removeAt(destination);
		await until(() => backupsAt(destination).length > 0, "a new backup");
		await until(() => failures.length > 0, "the failure");
		expect(store.backups.status().lastError.code).toBe("ERR_BACKUP_DAMAGED");
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(1);
	});

	test.each(removed)("%s: by close()", async (_, removeAt) => {
		const { file, destination } = machine();
		const store = open(file, rarely());
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		removeAt(destination);
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(1);
	});

	test("a database without content has none, and that is said", async () => {
		const { file } = machine();
		const store = open(file, { ...rarely(), url: join(file, "..", "backups") });
		await store.appData.get("k");
		const backup = await store.backups.create().catch(({ code }) => code);
		expect(backup).toSatisfy((what) => what === "ERR_BACKUP_NOT_FOUND" || typeof what.id === "string");
	});
});

describe("a folder of backups that is not there", () => {
	const away = ({ directory, destination }) => renameSync(destination, join(directory, "away"));
	const back = ({ directory, destination }) => {
		rmSync(destination);
		renameSync(join(directory, "away"), destination);
	};

	test.each([
		[
			"but a link that leads nowhere",
			({ directory, destination }) => symlinkSync(join(directory, "volume"), destination),
		],
		["but a link to itself", ({ destination }) => symlinkSync(destination, destination)],
		["but a file", ({ destination }) => writeFileSync(destination, "")],
	])("%s: fails, begins no lost file anew, and is used when it is back", async (_, replace) => {
		const found = machine();
		const { file } = found;
		const store = open(file, { ...rarely(), shutdownTimeoutMs: 0 });
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		away(found);
		replace(found);
		await store.appData.set({ key: "k", value: 2 });
		await expectFailure(() => store.backups.create(), "ERR_BACKUP_DESTINATION");
		await store.close();
		lose(file);
		const next = open(file, rarely());
		await expectFailure(() => next.appData.get("k"), "ERR_BACKUP_DESTINATION");
		expect(existsSync(file)).toBe(false);
		back(found);
		expect(await next.appData.get("k")).toBe(1);
	});

	test("but another link to the same: goes on", async () => {
		const found = machine();
		const store = open(found.file, rarely());
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		away(found);
		symlinkSync(join(found.directory, "away"), found.destination);
		await store.appData.set({ key: "k", value: 2 });
		await store.backups.create();
		await store.close();
		lose(found.file);
		expect(await open(found.file).appData.get("k")).toBe(2);
	});
});

describe("the last backup that is", () => {
	const level = (destination) => join(destination, "ltx/0");
	test.each([
		["emptied", (path) => truncateSync(path)],
		["cut off", (path) => truncateSync(path, 50)],
		["overwritten", (path) => writeFileSync(path, "x".repeat(1_000))],
	])("%s while the bot runs is noticed, and everything is backed up anew", async (_, damage) => {
		const { file, destination } = machine();
		const store = open(file, rarely());
		const failures = heard(store);
		for (const value of [1, 2]) {
			await store.appData.set({ key: "k", value });
			await store.backups.create();
		}
		damage(
			join(
				level(destination),
				captured(destination)
					.filter((name) => name.endsWith(".ltx"))
					.sort()
					.at(-1),
			),
		);
		await store.backups.create();
		expect(failures.map(({ code }) => code)).toEqual(["ERR_BACKUP_DAMAGED"]);
		expect(store.backups.status()).toMatchObject({ state: "active", lagMs: 0 });
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(2);
	});
});

test("what is in the way of the next backup and no file is named", async () => {
	const { file, destination } = machine();
	const store = open(file, { ...rarely(), shutdownTimeoutMs: 0 });
	await store.appData.set({ key: "k", value: 1 });
	const { id } = await store.backups.create();
	const next = (BigInt(`0x${id}`) + 1n).toString(16).padStart(16, "0");
	const path = join(destination, "ltx/0", `${next}-${next}.ltx`);
	mkdirSync(path);
	await store.appData.set({ key: "k", value: 2 });
	const { message } = await expectFailure(() => store.backups.create(), "ERR_BACKUP_DESTINATION");
	expect(message).toContain(`${next}-${next}.ltx is in the way`);
	rmSync(path, { recursive: true });
	expect(await store.backups.create()).toMatchObject({ id: next });
});

test("a foreign name is told without what a terminal would obey", async () => {
	const { file, destination } = machine();
	mkdirSync(join(destination, "ltx/0"), { recursive: true });
	writeFileSync(join(destination, "ltx/0/\u001b[31mred\n.ltx"), "");
	const store = open(file, rarely());
	const failures = heard(store);
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	expect(failures.map(({ code }) => code)).toEqual(["ERR_BACKUP_DAMAGED"]);
	expect(failures[0].message).toContain("[31mred");
	expect(failures[0].message).not.toMatch(/\p{Cc}/u);
});

describe("names that cannot be backups", () => {
	const NAMES = [
		"0/7fffffffffffffff-7fffffffffffffff.ltx",
		"0/7ffffffffffffffe-7ffffffffffffffe.ltx",
		"0/8000000000000000-8000000000000000.ltx",
		"0/ffffffffffffffff-ffffffffffffffff.ltx",
		"0/0000010000000000-0000010000000000.ltx",
		"3/0000000000000001-7fffffffffffffff.ltx",
		"9/0000000000000001-7fffffffffffffff.ltx",
		"0/notes.ltx",
	];

	test.each(NAMES)("%s is reported once and passed over", async (name) => {
		const { file, destination } = machine();
		const put = () => {
			mkdirSync(join(destination, "ltx", name, ".."), { recursive: true });
			writeFileSync(join(destination, "ltx", name), "no backup");
		};
		// Before the first backup, and between two.
		put();
		const store = open(file, rarely());
		const failures = heard(store);
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		await store.close();
		expect(failures.map(({ code }) => code)).toEqual(["ERR_BACKUP_DAMAGED"]);
		expect(failures[0].message).toContain(name);

		rmSync(join(destination, "ltx", name));
		const next = open(file, rarely());
		await next.appData.set({ key: "k", value: 2 });
		await next.backups.create();
		put();
		for (const value of [3, 4]) {
			await next.appData.set({ key: "k", value });
			await next.backups.create();
		}
		const [newest] = await next.backups.list();
		expect(newest.id < "0000000000000010", newest.id).toBe(true);
		await next.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(4);
	});
});

describe("a bot whose destination has the backups of another database", () => {
	const made = ["as this version makes it", "as a version made it that gave it no identity"];
	test.each(made)("%s: adds nothing to them, is told so, and backs up when it has one of its own", async (how) => {
		const [first, other] = [await machineWithFile(), machine()];
		const url = first.destination;
		if (how !== made[0]) {
			await raw(first.file, "delete from __rootcellar_schema where version < 0");
		}
		const store = open(first.file, rarely(url));
		await store.appData.set({ key: "k", value: "first" });
		await store.backups.create();
		await store.close();
		const alone = open(other.file, rarely(other.destination));
		await alone.appData.set({ key: "k", value: "other" });
		await alone.backups.create();
		await alone.close();
		const before = backupsAt(url);
		for (const value of [1, 2]) {
			const mistaken = open(other.file, rarely(url));
			await mistaken.appData.set({ key: "n", value });
			const error = await rejection(() => mistaken.backups.create());
			expect(error).toMatchObject({ code: "ERR_BACKUP_CONFLICT" });
			expect(error.message).toContain("backups of another database");
			await mistaken.close();
		}
		expect(backupsAt(url)).toEqual(before);
		const again = open(first.file, rarely(url));
		expect(await again.appData.get("k")).toBe("first");
		await again.appData.set({ key: "k", value: "first, later" });
		await again.backups.create();
		const corrected = open(other.file, rarely(other.destination));
		expect(await corrected.kv.getMany(["k", "n"])).toEqual(["other", 2]);
		await corrected.backups.create();
	});

	test("goes on with those of its own file, although nothing is known of them any more", async () => {
		const [old, moved] = [machine(), machine()];
		const url = old.destination;
		const store = open(old.file, rarely(url));
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		await store.close();
		copyFileSync(old.file, moved.file);
		const next = open(moved.file, rarely(url));
		await next.appData.set({ key: "k", value: 2 });
		await next.backups.create();
		await next.close();
		lose(moved.file);
		expect(await open(moved.file, rarely(url)).appData.get("k")).toBe(2);
	});
});

describe("a bot that another has overtaken", () => {
	const setAside = (directory) => readdirSync(directory).filter((name) => /stale|damaged/.test(name));

	test("keeps the rows that it has written, also when it is opened again and again", async () => {
		const [blue, green] = [machine(), machine()];
		const url = blue.destination;
		const first = open(blue.file, rarely(url));
		await first.appData.set({ key: "k", value: "blue" });
		await first.backups.create();
		const second = open(green.file, rarely(url));
		expect(await second.appData.get("k")).toBe("blue");
		await first.appData.set({ key: "k", value: "blue, later" });
		await first.backups.create();
		await second.appData.set({ key: "green", value: 1 });
		await expectFailure(() => second.backups.create(), "ERR_BACKUP_CONFLICT");
		await second.close();
		await keeps(green, url);
		// And the other goes on.
		await first.appData.set({ key: "k", value: "blue, last" });
		await first.backups.create();
	});

	test("keeps them if it learns of it only after it was opened", async () => {
		const [blue, green] = [machine(), machine()];
		const url = blue.destination;
		const first = open(blue.file, rarely(url));
		await first.appData.set({ key: "k", value: "blue" });
		await first.backups.create();
		await open(green.file, rarely(url)).close();
		const restored = open(green.file, rarely(url));
		expect(await restored.appData.get("k")).toBe("blue");
		await restored.close();
		await first.appData.set({ key: "k", value: "blue, later" });
		await first.backups.create();
		// The destination is away while it is opened.
		const level = join(url, "ltx/0");
		renameSync(level, join(blue.directory, "away"));
		writeFileSync(level, "");
		const second = open(green.file, rarely(url));
		await second.appData.set({ key: "green", value: 1 });
		rmSync(level);
		renameSync(join(blue.directory, "away"), level);
		await expectFailure(() => second.backups.create(), "ERR_BACKUP_CONFLICT");
		await second.close();
		await keeps(green, url);
	});

	async function keeps({ file, directory }, url) {
		for (const value of [2, 3]) {
			const again = open(file, rarely(url));
			expect(await again.appData.get("green")).toBe(value - 1);
			expect(setAside(directory)).toEqual([]);
			await again.appData.set({ key: "green", value });
			await expectFailure(() => again.backups.create(), "ERR_BACKUP_CONFLICT");
			await again.close();
		}
	}
});

test("a restore makes the folders of its file, and leaves none if there is nothing to restore", async () => {
	const { directory, file } = machine();
	const store = open(file, rarely());
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	const to = join(directory, "a/b/copy.sqlite3");
	await expectFailure(() => store.backups.restore({ to, id: "00000000000000ff" }), "ERR_BACKUP_NOT_FOUND");
	expect(existsSync(join(directory, "a"))).toBe(false);
	await store.backups.restore({ to });
	expect(await raw(to, "select value from __rootapp_kv")).toEqual([{ value: "1" }]);
	writeFileSync(join(directory, "file"), "");
	await expectFailure(() => store.backups.restore({ to: join(directory, "file/copy.sqlite3") }), "ERR_BACKUP_STATE");
});
