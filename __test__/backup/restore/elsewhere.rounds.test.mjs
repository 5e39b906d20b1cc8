// A restore of a bot's store by another process, which is killed at any moment.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startModule } from "../../helpers/child.mjs";
import { expectSound, raw } from "../../helpers/raw.mjs";
import { rounds } from "../../helpers/rounds.mjs";
import { goesOn, RESTORE, start, stored, write } from "./bot.mjs";

test("a process that is killed at any moment, while others are", async () => {
	const place = await stored();
	const { file, url, ids } = place;
	const bot = await start(place, 100);
	await write(bot);
	for (let round = 0; round < rounds({ few: 2, many: 12, long: 60 }); round++) {
		const other = startModule(RESTORE, { args: [file, url, ids[round % 2]] });
		await other.line("restoring");
		await sleep(Math.random() * 600);
		other.kill("SIGKILL");
		await other.ended;
		await goesOn(bot);
		const [{ value }] = await raw(file, "select value from __rootapp_kv where key = 'k'");
		// The table is there exactly with the value of its state.
		const tables = await raw(file, "select name from sqlite_schema where name = 't'");
		expect([value, tables.length]).toEqual(value === "1" ? ["1", 1] : ["2", 0]);
	}
	await expectSound(file);
	bot.kill("SIGKILL");
	await bot.ended;
});
