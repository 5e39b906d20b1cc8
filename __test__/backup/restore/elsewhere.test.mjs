// A store that is restored by one process while a bot has it open in another, which makes its backups.

import { join } from "node:path";
import { expect, test } from "vitest";
import { runModule, startModule } from "../../helpers/child.mjs";
import { expectFailure } from "../../helpers/errors.mjs";
import { expectSound, raw } from "../../helpers/raw.mjs";
import { until } from "../../helpers/time.mjs";
import { content, goesOn, keysIn, open, RESTORE, start, stored, write, written } from "./bot.mjs";

test("while a bot writes, which sees it in its cache and its watch; nothing that it was told is lost, and undoing brings it back", async () => {
	const place = await stored();
	const { directory, file, ids } = place;
	const bot = await start(place);
	const store = open(place);
	await store.appData.get("k");
	await until(() => store.backups.status().state === "elsewhere", "the bot to make the backups");
	await write(bot, 20);
	const { undoId, id } = await store.backups.restore({ id: ids[0] });
	expect(id).toBe(ids[0]);
	await goesOn(bot, 20);
	bot.write("stop\n");
	await bot.line("stopped");
	bot.write("get\n");
	await bot.line("holds 1");
	await until(() => bot.lines.some((line) => line === "saw 1" || line === "saw all"), "the watch to tell");
	expect(await store.appData.get("k")).toBe(1);
	expect(await store.sqlite.all("SELECT x FROM t")).toEqual([{ x: "then" }]);

	// Every acknowledged write is in the state before, or was made afterwards.
	const undone = join(directory, "undone.sqlite3");
	await store.backups.restore({ id: undoId, to: undone });
	const kept = new Set([...(await keysIn(undone)), ...(await keysIn(file))]);
	expect(written(bot).filter((key) => !kept.has(key))).toEqual([]);
	expect((await raw(undone, "select value from __rootapp_kv where key = 'k'"))[0].value).toBe("2");

	// And back: exactly what it was.
	const again = await store.backups.restore({ id: undoId });
	expect(await content(file)).toEqual(await content(undone));
	await store.backups.restore({ id: again.undoId });
	bot.write("get\n");
	await until(() => bot.lines.filter((line) => line === "holds 1").length === 2, "the bot to see it");
	await expectSound(file);
	bot.kill("SIGKILL");
	await bot.ended;
});

const STEPS = ["prepared", "locked", "published", "replaced"];

test.each(STEPS)(
	"a process that is killed when the state is %s leaves the old state or the new one, and the bot goes on",
	async (step) => {
		const place = await stored();
		const { file, url, ids } = place;
		const bot = await start(place);
		bot.write("write\n");
		await until(() => written(bot).length > 5, "the bot to write");
		const env = { ROOTCELLAR_TEST_CRASH_AT: `restore elsewhere: ${step}` };
		const { signal } = await runModule(RESTORE, { args: [file, url, ids[0]], env });
		expect(signal).toBe("SIGABRT");
		const upToNow = bot.lines.length;
		await until(() => written({ lines: bot.lines.slice(upToNow) }).length > 5, "the bot to go on");
		bot.write("stop\n");
		await bot.line("stopped");
		bot.write("get\n");
		await bot.line(step === "replaced" ? "holds 1" : "holds 2");
		const keys = new Set(await keysIn(file));
		const lost = written(bot).filter((key) => !keys.has(key));
		if (step === "replaced") {
			// They are in the state that was replaced, which a backup has.
			const store = open(place);
			const to = `${file}.before`;
			const isLost = (key) => !keys.has(key);
			for (const { id } of await store.backups.list()) {
				await store.backups.restore({ id, to, overwrite: true });
				for (const key of await keysIn(to)) keys.add(key);
				if (!written(bot).some(isLost)) break;
			}
			await store.close();
			expect(written(bot).filter(isLost)).toEqual([]);
			expect(lost.length).toBeGreaterThan(0);
		} else {
			expect(lost).toEqual([]);
		}
		await expectSound(file);
		bot.kill("SIGKILL");
		await bot.ended;
		const store = open(place);
		expect(await store.appData.get("k")).toBe(step === "replaced" ? 1 : 2);
	},
);

test.each(["while it is waited for", "which had backed up all"])(
	"a bot that is killed %s: the process that restores makes the backups then, and loses nothing",
	async (when) => {
		const place = await stored();
		const { directory, file, url, ids } = place;
		const bot = await start(place, 1_000_000);
		if (when.startsWith("while")) {
			await write(bot);
		}
		const other = startModule(RESTORE, { args: [file, url, ids[0]] });
		await other.line("restoring");
		bot.kill("SIGKILL");
		await bot.ended;
		expect(await other.ended).toMatchObject({ code: 0, stderr: "" });
		const undoId = other.lines.at(-1);
		const store = open(place);
		expect(await store.appData.get("k")).toBe(1);
		const to = join(directory, "undone.sqlite3");
		await store.backups.restore({ id: undoId, to });
		const keys = new Set(await keysIn(to));
		expect(written(bot).filter((key) => !keys.has(key))).toEqual([]);
	},
);

test("a bot that backs up to another destination is told of, and nothing is changed", async () => {
	const place = await stored();
	const bot = await start({ ...place, url: join(place.directory, "elsewhere") });
	const store = open(place);
	const error = await expectFailure(() => store.backups.restore({ id: place.ids[0] }), "ERR_BACKUP_ELSEWHERE");
	expect(error.message).toContain("elsewhere, and not to");
	await expectFailure(() => store.backups.restore({ id: "ffffffffffffffff" }), "ERR_BACKUP_ELSEWHERE");
	bot.write("get\n");
	await bot.line("holds 2");
});

test("a state that there is no backup of changes nothing", async () => {
	const place = await stored();
	const bot = await start(place);
	const store = open(place);
	await expectFailure(() => store.backups.restore({ id: "ffffffffffffffff" }), "ERR_BACKUP_NOT_FOUND");
	await expectFailure(() => store.backups.restore({ at: 0 }), "ERR_BACKUP_NOT_FOUND");
	bot.write("get\n");
	await bot.line("holds 2");
});
