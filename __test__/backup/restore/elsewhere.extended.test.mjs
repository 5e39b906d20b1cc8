// A bot that does not back up what it writes in time: its store is not restored by another process.

import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { expectFailure } from "../../helpers/errors.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";

const BOT = `
	const [filename, url] = process.argv.slice(1);
	const store = openDataStore({ filename, backup: { url, intervalMs: 1_000_000, quiet: true } });
	await store.appData.set({ key: "k", value: 1 });
	const { id } = await store.backups.create();
	await store.appData.set({ key: "k", value: 2 });
	console.log(id);
	process.stdin.once("data", async () => {
		await store.appData.set({ key: "other", value: await store.appData.get("k") });
		console.log("wrote " + (await store.appData.get("other")));
	});`;

test("an error says so, nothing is changed, and the bot writes on", { timeout: 300_000 }, async () => {
	const directory = temporaryDirectory();
	const [file, url] = [join(directory, "bot.sqlite3"), join(directory, "backups")];
	const bot = startModule(BOT, { args: [file, url] });
	await bot.lineCount(1);
	const store = openDataStore({ filename: file, backup: { url, quiet: true } });
	onTestFinished(() => store.close());
	const error = await expectFailure(() => store.backups.restore({ id: bot.lines[0] }), "ERR_BACKUP_ELSEWHERE");
	expect(error.message).toContain("has not backed up what the file holds");
	bot.write("write\n");
	await bot.line("wrote 2");
	expect(await store.appData.get("k")).toBe(2);
});
