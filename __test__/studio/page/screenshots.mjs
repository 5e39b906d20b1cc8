// Takes a picture of every screen, for somebody to look at, and those of the documentation:
// `node __test__/studio/page/screenshots.mjs <folder> [keys]`, where `keys` is how many keys the store has.

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openDataStore } from "rootcellar";
import { buildStudio } from "../../../scripts/lib/studio.mjs";
import { fill } from "../sample.mjs";
import { goTo, newPage, openScreen, startBrowser } from "./browser.mjs";

const require = createRequire(import.meta.url);
const { startServer } = require("../../../lib/studio/server.js");
const { Session } = require("../../../lib/studio/session.js");

const SIZES = [
	{ width: 1280, height: 720 },
	{ width: 390, height: 844 },
];

const QUERY = `SELECT level, count(*) AS players, avg(ratio) AS ratio
FROM players -- by level
GROUP BY level ORDER BY players DESC`;

/** Steps on each screen before its picture is taken. */
const STEPS = {
	keys: async (page) => {
		await page.getByRole("row", { name: /^cooldown:daily:bob / }).waitFor();
	},
	key: async (page, { isPhone }) => {
		await goTo(page, "keys");
		await page.getByRole("searchbox", { name: "Filter keys" }).fill("profile:");
		await page.getByRole("row", { name: /^profile:ada / }).click();
		await page.locator(".cm-content").getByText("badges").waitFor();
		await page.getByRole("button", { name: "Format" }).click();
		if (!isPhone) await page.getByRole("button", { name: "Changes" }).click();
	},
	tables: async (page, { isPhone }) => {
		await page.getByRole("table").locator("tbody tr").first().waitFor();
		if (isPhone) await page.getByRole("button", { name: "Tables", exact: true }).click();
		await page.getByRole("button", { name: "players", exact: true }).click();
		await page.getByRole("table", { name: "Rows of players" }).locator("tbody tr").nth(3).click();
		if (!isPhone) await page.getByRole("textbox", { name: /^note/ }).waitFor();
	},
	sql: async (page) => {
		await page.getByRole("textbox", { name: "SQL" }).click();
		await page.keyboard.insertText(QUERY);
		await page.keyboard.press("Control+Enter");
		await page.getByRole("table", { name: "Result" }).waitFor();
	},
	backups: async (page, { id }) => {
		const moment = page.getByRole("table", { name: "Moments" }).getByRole("row").filter({ hasText: id });
		await moment.getByRole("button").click();
		await page.getByRole("button", { name: "Compare with now" }).click();
		await page.getByRole("table", { name: "Keys that differ" }).waitFor();
		await page.getByText("Since then").first().waitFor();
		await page.locator("#moment").scrollIntoViewIfNeeded();
	},
	transfer: async (page) => {
		await page.getByRole("button", { name: "Try" }).waitFor();
	},
};

/** A file with keys and a few moments to go back to, served to be changed. */
async function serve(folder, keys) {
	const file = join(folder, "bot.sqlite3");
	const url = `${file}.backup`;
	const store = openDataStore({ filename: file, backup: { url, quiet: true } });
	await fill(store, keys);
	const { id } = await store.backups.create();
	for (const [n, value] of [4, 7, 9].entries()) {
		await store.appData.set([
			{ key: "profile:ada", value: { xp: 360 + value, level: 2, badges: ["early"].slice(n) } },
			{ key: `cooldown:quest:${n}`, value: true, expiresAt: Date.now() + 7_200_000 },
		]);
		if (n === 2) await store.appData.delete("shop:items");
		await store.backups.create();
	}
	await store.close();
	const session = new Session({ file, url, moment: undefined, canWrite: true });
	const server = await startServer(session);
	const close = async () => {
		await server.close();
		await session.close();
	};
	return { ...server, id, close };
}

/**
 * Takes every picture, and resolves with their paths and with what the pages' consoles have said.
 */
export async function takeScreenshots(folder, keys) {
	await buildStudio();
	mkdirSync(folder, { recursive: true });
	const data = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-shots-")));
	const studio = await serve(data, keys);
	const browser = await startBrowser();
	const [paths, faults] = [[], []];
	try {
		for (const viewport of SIZES) {
			for (const colorScheme of ["light", "dark"]) {
				const found = await newPage(browser, { viewport, colorScheme });
				await openScreen(found.page, studio);
				for (const [name, step] of Object.entries(STEPS)) {
					if (name !== "key") await goTo(found.page, name);
					await step(found.page, { isPhone: viewport.width < 500, id: studio.id });
					// The cursor of an editor blinks, and what has changed fades: neither is in the picture.
					const path = join(folder, `${name}-${colorScheme}-${viewport.width}.png`);
					await found.page.screenshot({ path, animations: "disabled", caret: "hide" });
					paths.push(path);
				}
				faults.push(...found.faults);
				await found.context.close();
			}
		}
	} finally {
		await browser.close();
		await studio.close();
		rmSync(data, { recursive: true, force: true });
	}
	return { paths, faults };
}

const [, program = "", folder, keys = "20"] = process.argv;
if (import.meta.url === pathToFileURL(program).href) {
	if (folder === undefined) throw new Error("usage: node __test__/studio/page/screenshots.mjs <folder> [keys]");
	const { paths, faults } = await takeScreenshots(folder, Number(keys));
	for (const line of [...paths, ...faults]) console.log(line);
	process.exitCode = faults.length > 0 ? 1 : 0;
}
