// A studio on sample data, its page, and what a person does there.

import { temporaryFile } from "../helpers/store.mjs";
import { newPage, openScreen, testBrowser } from "./page/browser.mjs";
import { fill } from "./sample.mjs";
import { fileWith, startStudio } from "./studio.mjs";

/** A studio on sample data with backups, and a page of it. */
export async function opened({
	write = true,
	screen = "keys",
	options = {},
	more = async () => {},
	before = async () => {},
} = {}) {
	const file = temporaryFile();
	const url = `${file}.backup`;
	const made = async (store) => {
		await fill(store, 20);
		await more(store);
	};
	await fileWith(made, file, { url });
	const studio = await startStudio({ file, url, write });
	const browser = await testBrowser();
	const found = await newPage(browser, options);
	await before(found.page);
	await openScreen(found.page, studio, screen);
	return { file, studio, browser, ...found };
}

export const row = (page, key) =>
	page.getByRole("row", { name: new RegExp(`^${key.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")} `) });
export const editor = (page) => page.getByRole("textbox", { name: "Value as JSON" });

export async function type(page, text) {
	await editor(page).click();
	await page.keyboard.press("Control+A");
	await page.keyboard.insertText(text);
}

/** Lets the next request of a route wait, before it is answered or before its answer arrives. */
export async function hold(page, name, { isAnswered = false } = {}) {
	let tell;
	let release;
	const asked = new Promise((resolve) => (tell = resolve));
	const released = new Promise((resolve) => (release = resolve));
	await page.route(
		`**/api/${name}`,
		async (route) => {
			const response = isAnswered ? await route.fetch() : undefined;
			tell();
			await released;
			await (response === undefined ? route.continue() : route.fulfill({ response }));
		},
		{ times: 1 },
	);
	return { asked, release };
}
