// A store that is restored while other libraries have its file open, in the same process and in another.

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { raw } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";

const USER = JSON.stringify(new URL("./user.mjs", import.meta.url).href);
const TIME = JSON.stringify(new URL("../../helpers/time.mjs", import.meta.url).href);

/** Number of restores. */
const ROUNDS = 4;

/** Another process, which ends when its input does. */
const OTHER_PROCESS = `
	import { use } from ${USER};
	let isOver = false;
	process.stdin.once("data", () => { isOver = true; });
	console.log("begun");
	const used = await use("sqlite3", process.argv[1], "other process", () => isOver);
	console.log(JSON.stringify(used));
	process.exit();`;

/**
 * The bot's process, with another library in it: the store is restored to its first state and back, several times. Two
 * others would not notice each other's locks, whatever this package does.
 */
const BOT = `
	import { use, TABLES } from ${USER};
	import { until } from ${TIME};
	const [file, library] = process.argv.slice(1);
	const store = openDataStore({ filename: file, backup: { intervalMs: 100 } });
	for (const sql of TABLES) await store.sqlite.run(sql);
	await store.appData.set({ key: "state", value: "first" });
	const first = await store.backups.create();
	console.log("ready");
	let isOver = false;
	const used = use(library, file, "same process", () => isOver);
	const states = [];
	const writes = async (user) => (await store.sqlite.get("select count(*) as n from numbers where id like ?", [user + "%"])).n;
	// Each reads before each of its writes: who has written twice has read what is there now.
	async function bothHaveRead() {
		for (const user of ["same process", "other process"]) {
			const before = await writes(user);
			await until(async () => (await writes(user)) >= before + 2, user + " to write");
		}
	}
	for (let round = 0; round < ${ROUNDS}; round++) {
		await bothHaveRead();
		await store.sqlite.run("update state set name = 'second'");
		await store.appData.set({ key: "state", value: "second" });
		await bothHaveRead();
		await store.backups.restore({ id: first.id });
		states.push(await store.appData.get("state"), (await store.sqlite.get("select name from state")).name);
	}
	const restoredAt = Date.now();
	for (let round = 0; round < 3; round++) await bothHaveRead();
	isOver = true;
	const user = await used;
	console.log(JSON.stringify({ states, restoredAt, user }));
	await store.close();
	process.exit();`;

describe.each(["sqlite3", "better-sqlite3"])("with %s in the same process", (library) => {
	test("everybody sees each state whole, and what they write then stays", { timeout: 300_000 }, async () => {
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const bot = startModule(BOT, { args: [file, library] });
		await bot.line("ready");
		const otherProcess = startModule(OTHER_PROCESS, { args: [file] });
		await otherProcess.line("begun");
		await bot.lineCount(2);
		otherProcess.write("over\n");
		expect(await otherProcess.ended).toMatchObject({ code: 0, stderr: "" });
		expect(await bot.ended).toMatchObject({ code: 0 });
		const { states, restoredAt, user } = JSON.parse(bot.lines[1]);
		expect(states).toEqual(Array(2 * ROUNDS).fill("first"));
		for (const { seen, writes, verdict } of [user, JSON.parse(otherProcess.lines[1])]) {
			expect(verdict).toBe("ok");
			expect(seen).toEqual([...Array(ROUNDS).fill(["first", "second"]), "first"].flat());
			const later = writes.filter(([, begun]) => begun > restoredAt).map(([id]) => id);
			expect(later.length).toBeGreaterThan(3);
			const marks = later.map(() => "?").join();
			const found = await raw(file, [`select count(*) as count from numbers where id in (${marks})`, ...later]);
			expect(found).toEqual([{ count: later.length }]);
		}
		expect(await raw(file, "pragma integrity_check")).toEqual([{ integrity_check: "ok" }]);
	});

	test("a restore that is undone brings back what others wrote, and theirs is what is backed up then", {
		timeout: 300_000,
	}, async () => {
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const source = `
		import { libraries } from ${JSON.stringify(new URL("../../coexistence/libraries.mjs", import.meta.url).href)};
		const [file, library] = process.argv.slice(1);
		const store = openDataStore({ filename: file, backup: { intervalMs: 100_000 } });
		await store.sqlite.run("create table t (x)");
		const first = await store.backups.create();
		const other = await libraries[library](file);
		await other.run("insert into t values (?)", "before");
		const count = async () => (await other.all("select count(*) as count from t"))[0].count;
		const seen = [await count()];
		const { undoId } = await store.backups.restore({ id: first.id });
		seen.push(await count());
		await store.backups.restore({ id: undoId });
		seen.push(await count());
		await other.run("insert into t values (?)", "after");
		seen.push(await count());
		await store.backups.create();
		await store.backups.restore({ to: file + ".copy" });
		await other.close();
		await store.close();
		console.log(JSON.stringify(seen));
		process.exit();`;
		const child = startModule(source, { args: [file, library] });
		const { code, stderr } = await child.ended;
		expect(code, stderr).toBe(0);
		expect(JSON.parse(child.lines[0])).toEqual([1, 0, 1, 2]);
		expect(await raw(`${file}.copy`, "select x, count(*) as count from t group by x order by x")).toEqual([
			{ x: "after", count: 1 },
			{ x: "before", count: 1 },
		]);
	});
});
