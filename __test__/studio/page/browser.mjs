// The studio's page in Chromium, which reports everything that is wrong on it.

import { chromium } from "playwright-core";
import { onTestFinished } from "vitest";
import { chromiumPath } from "../../../scripts/lib/install/chromium.mjs";

/** Starts the browser, or says in one line what is missing. */
export async function startBrowser() {
	const executablePath = chromiumPath();
	if (executablePath === undefined) {
		throw new Error("there is no Chromium: apt-get install -y --no-install-recommends chromium fonts-dejavu-core");
	}
	// A process that runs as root has no sandbox.
	return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

/** A page, and what its console has said that nobody expects. */
export async function newPage(browser, options = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options });
	const page = await context.newPage();
	// A busy machine takes its time.
	page.setDefaultTimeout(Number(process.env.ROOTCELLAR_TEST_WAIT_MS ?? 120_000));
	const faults = [];
	page.on("console", (message) => {
		if (["error", "warning"].includes(message.type())) faults.push(message.text());
	});
	page.on("pageerror", (error) => faults.push(String(error)));
	page.on("dialog", (dialog) => {
		if (dialog.type() !== "beforeunload") faults.push(`a dialog: ${dialog.message()}`);
		void dialog.accept();
	});
	return { page, faults, context };
}

/** A browser that ends with the test. */
export async function testBrowser() {
	const browser = await startBrowser();
	onTestFinished(() => browser.close());
	return browser;
}

/** Goes to another screen, and waits until it is the one that is shown. */
export async function goTo(page, screen) {
	await page.evaluate((name) => location.assign(`#${name}`), screen);
	await page.locator(`nav a[href="#${screen}"][aria-current="page"]`).waitFor({ state: "attached" });
}

/** Opens a screen of a studio. */
export async function openScreen(page, studio, screen = "keys") {
	await page.goto(studio.url);
	await page.getByRole("navigation", { name: "Screens" }).waitFor();
	if (screen !== "keys") await goTo(page, screen);
}
