// Texts that a person has typed in the studio's page, and work that was begun there, stay, whatever happens to the page, its
// server or the destination.

import { openDataStore } from "rootcellar";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildStudio } from "../../../scripts/lib/studio.mjs";
import { editor, hold, opened, row, type } from "../opened.mjs";
import { fill } from "../sample.mjs";
import { fileWith, startStudio } from "../studio.mjs";
import { goTo, newPage, openScreen, testBrowser } from "./browser.mjs";

beforeAll(buildStudio);

const NO_ANSWER = "s3://bucket/prefix?endpoint=http://127.0.0.1:1";

test("a new key and a cell that somebody types in stay through other keys, rows and screens, and a reload", async () => {
	const { page, file, faults } = await opened();
	await page.getByRole("button", { name: "New key" }).click();
	await page.getByRole("textbox", { name: "Key", exact: true }).fill("typed:key");
	await type(page, '{"half":');
	await row(page, "motd").click();
	await page.locator(".cm-content").getByText("Welcome").waitFor();
	await goTo(page, "tables");
	await page.getByRole("button", { name: "players", exact: true }).click();
	await page.getByRole("table", { name: "Rows of players" }).locator("tbody tr").nth(3).click();
	await page.getByRole("textbox", { name: /^note/ }).fill("typed note");
	await page.getByRole("textbox", { name: /^name/ }).fill("typed name");
	await page.getByRole("table", { name: "Rows of players" }).locator("tbody tr").nth(5).click();
	await page.reload();
	await page.getByRole("button", { name: "players", exact: true }).click();
	await page.getByRole("table", { name: "Rows of players" }).locator("tbody tr").nth(3).click();
	await expect.poll(() => page.getByRole("textbox", { name: /^note/ }).inputValue()).toBe("typed note");
	// One is saved: the other is still there, and so is the row.
	const note = page.locator(".stack", { has: page.getByRole("textbox", { name: /^note/ }) }).last();
	await note.getByRole("button", { name: "Save" }).click();
	await page.getByText("Saved.").waitFor();
	expect(await page.getByRole("textbox", { name: /^name/ }).inputValue()).toBe("typed name");
	const bot = openDataStore({ filename: file, backup: false });
	onTestFinished(() => bot.close());
	expect(await bot.sqlite.get("SELECT note, name FROM players WHERE id = 4")).toEqual({
		note: "typed note",
		name: "player 4",
	});
	// The bot changes what somebody changes here: that is told before it is overwritten.
	await bot.sqlite.run("UPDATE players SET name = 'of the bot' WHERE id = 4");
	const name = page.locator(".stack", { has: page.getByRole("textbox", { name: /^name/ }) }).last();
	await name.getByRole("button", { name: "Save" }).click();
	await page.getByText("By now it is of the bot").waitFor();
	expect(await page.getByRole("textbox", { name: /^name/ }).inputValue()).toBe("typed name");
	await name.getByRole("button", { name: "Overwrite" }).click();
	await expect.poll(() => bot.sqlite.get("SELECT name FROM players WHERE id = 4")).toEqual({ name: "typed name" });
	await goTo(page, "keys");
	await page.getByRole("button", { name: "New key" }).click();
	expect(await page.getByRole("textbox", { name: "Key", exact: true }).inputValue()).toBe("typed:key");
	await editor(page).getByText('{"half":').waitFor();
	expect(faults.filter((fault) => !/status of 409/.test(fault))).toEqual([]);
});

test("keys that were put back can be undone after the page was loaded again", async () => {
	const { page, file, faults } = await opened({
		more: async (store) => {
			await store.backups.create();
			await store.appData.set({ key: "motd", value: "a mistake" });
			await store.backups.create();
		},
	});
	const read = async () => {
		const store = openDataStore({ filename: file, readOnly: true, backup: false });
		const value = await store.appData.get("motd");
		await store.close();
		return value;
	};
	await goTo(page, "backups");
	await page.getByRole("table", { name: "Moments" }).getByRole("button").nth(1).click();
	await page.getByRole("button", { name: "Compare with now" }).click();
	await page.getByRole("checkbox", { name: "Choose motd" }).check();
	await page.getByRole("button", { name: "Put back 1 chosen" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Put back" }).click();
	await page.getByText(/^Put back: 1 key/).waitFor();
	expect(await read()).toBe("Welcome to the server");
	await page.reload();
	await page.getByRole("region", { name: "Restored" }).getByRole("button", { name: "Undo" }).click();
	await page.getByText("Undone.").waitFor();
	expect(await read()).toBe("a mistake");
	expect(faults).toEqual([]);
});

test("what takes long is cancelled, and the page goes on", async () => {
	const { page, faults } = await opened({ screen: "backups" });
	const prove = page.getByRole("button", { name: "Prove that it can be restored" });
	const verify = await hold(page, "backups/verify");
	await prove.click();
	await verify.asked;
	await page.getByRole("button", { name: "Cancel" }).click();
	verify.release();
	await page.getByRole("progressbar").waitFor({ state: "detached" });
	await prove.click();
	await page.getByText("can be restored:").waitFor();
	expect(faults).toEqual([]);
});

test("a destination without an answer is told where it matters, and keys are edited all the same", async () => {
	process.env.AWS_ACCESS_KEY_ID ??= "none";
	process.env.AWS_SECRET_ACCESS_KEY ??= "none";
	const file = await fileWith((store) => fill(store, 20));
	const studio = await startStudio({ file, url: NO_ANSWER, write: true });
	const { page } = await newPage(await testBrowser());
	await openScreen(page, studio, "backups");
	await page.getByRole("alert").getByText("ERR_BACKUP").first().waitFor();
	await goTo(page, "keys");
	await row(page, "motd").click();
	await type(page, '"without backups"');
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("Saved.").waitFor();
	expect(await studio.call("key/read", { key: "motd" })).toMatchObject({ value: '"without backups"' });
});
