// The studio's page as a person uses it: with a mouse, with the keyboard alone, beside a bot, and without its server.

import { once } from "node:events";
import { createServer } from "node:http";
import axe from "axe-core";
import { openDataStore } from "rootcellar";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildStudio } from "../../../scripts/lib/studio.mjs";
import { until } from "../../helpers/time.mjs";
import { editor, hold, opened, row, type } from "../opened.mjs";
import { fileWith } from "../studio.mjs";
import { goTo, newPage } from "./browser.mjs";

beforeAll(buildStudio);

const SCREENS = ["keys", "tables", "sql", "backups", "transfer"];

test("a key is found, edited, compared and saved to the letter", async () => {
	const { page, studio, faults } = await opened();
	await page.getByRole("searchbox", { name: "Filter keys" }).fill("settings:");
	await row(page, "settings:theme").click();
	await type(page, '{"dark":  true, "n": 1.0}');
	await page.getByRole("button", { name: "Changes" }).click();
	await page.locator(".cm-deletedChunk").waitFor();
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("Saved.").waitFor();
	expect(await studio.call("key/read", { key: "settings:theme" })).toMatchObject({
		value: '{"dark":  true, "n": 1.0}',
	});
	expect(faults).toEqual([]);
});

test("text that is not JSON is marked and not saved, and what was typed stays through another key and a reload", async () => {
	const { page, studio, faults } = await opened();
	await row(page, "settings:theme").click();
	await type(page, '{"dark": tru}');
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByRole("alert").getByText("is not JSON").waitFor();
	await page.locator(".cm-lintRange-error, .cm-lintPoint-error").first().waitFor();
	await row(page, "motd").click();
	await row(page, "settings:theme").click();
	await page.getByText("What you had typed before is here again.").waitFor();
	await page.reload();
	await row(page, "settings:theme").click();
	await page.getByText('{"dark": tru}').waitFor();
	expect(await studio.call("key/read", { key: "settings:theme" })).toMatchObject({
		value: '{"dark":false,"accent":"#256046"}',
	});
	// The browser notes the answer that refused the text.
	expect(faults.filter((fault) => !/status of 400/.test(fault))).toEqual([]);
});

test("a change of the bot shows at once, and never under what somebody types", async () => {
	const { page, studio, file, faults } = await opened();
	const bot = openDataStore({ filename: file, backup: false });
	onTestFinished(() => bot.close());
	await row(page, "motd").click();
	await page.locator(".cm-content").getByText("Welcome").waitFor();
	await bot.appData.set([
		{ key: "motd", value: "from the bot" },
		{ key: "aaa:new", value: 1 },
	]);
	await page.locator(".cm-content").getByText("from the bot").waitFor();
	await row(page, "aaa:new").waitFor();
	await type(page, '"mine"');
	await bot.appData.set({ key: "motd", value: "from the bot again" });
	await page.getByText("Changed meanwhile by somebody else").waitFor();
	expect(await page.locator(".cm-content").textContent()).toBe('"mine"');
	await page.getByRole("button", { name: "Overwrite with mine" }).click();
	await page.getByText("Saved.").waitFor();
	expect(await bot.appData.get("motd")).toBe("mine");
	expect((await studio.call("key/read", { key: "motd" })).value).toBe('"mine"');
	expect(faults).toEqual([]);
});

describe("no change is lost, whenever it comes:", () => {
	const botOf = (file) => {
		const bot = openDataStore({ filename: file, backup: false });
		onTestFinished(() => bot.close());
		return bot;
	};
	const shows = (page, text) => page.locator(".cm-content").getByText(text).waitFor();

	test("between the reading of the list and of a key, and the begin of their watch", async () => {
		const watch = {};
		const { page, file, faults } = await opened({
			write: false,
			before: async (page) => Object.assign(watch, await hold(page, "watch")),
		});
		await row(page, "motd").click();
		await shows(page, "Welcome");
		await watch.asked;
		// The file is not touched again behind these two.
		await fileWith(
			(bot) =>
				bot.appData.set([
					{ key: "motd", value: "while nobody watched" },
					{ key: "aaa:new", value: 1 },
				]),
			file,
		);
		watch.release();
		await shows(page, "while nobody watched");
		await row(page, "aaa:new").waitFor();
		expect(faults).toEqual([]);
	});

	test("between the reading of a key and the arrival of its answer", async () => {
		const { page, file, faults } = await opened();
		const bot = botOf(file);
		await row(page, "motd").waitFor();
		const read = await hold(page, "key/read", { isAnswered: true });
		await row(page, "motd").click();
		await read.asked;
		await bot.appData.set({ key: "motd", value: "while it was read" });
		await row(page, "motd").getByText("while it was read").waitFor();
		read.release();
		await shows(page, "while it was read");
		expect(faults).toEqual([]);
	});

	test("between the reading of a list and the arrival of its answer", async () => {
		const { page, file, faults } = await opened();
		const bot = botOf(file);
		await row(page, "motd").waitFor();
		const list = await hold(page, "keys/list", { isAnswered: true });
		await page.getByRole("searchbox", { name: "Filter keys" }).fill("m");
		await list.asked;
		await bot.appData.set([
			{ key: "motd", value: "while it was listed" },
			{ key: "mmm:new", value: 1 },
		]);
		list.release();
		await row(page, "motd").getByText("while it was listed").waitFor();
		await row(page, "mmm:new").waitFor();
		expect(faults).toEqual([]);
	});

	test("while somebody types: the text stays, and the change is told", async () => {
		const { page, studio, file, faults } = await opened();
		const bot = botOf(file);
		await row(page, "motd").click();
		await shows(page, "Welcome");
		const read = await hold(page, "key/read", { isAnswered: true });
		await bot.appData.set({ key: "motd", value: "meanwhile" });
		await read.asked;
		await type(page, '"mine"');
		read.release();
		await page.getByText("Changed meanwhile by somebody else").waitFor();
		expect(await page.locator(".cm-content").textContent()).toBe('"mine"');
		await page.getByRole("button", { name: "Take theirs" }).click();
		await shows(page, "meanwhile");
		await bot.appData.delete("motd");
		await page.getByText("Deleted meanwhile by somebody else").waitFor();
		await page.getByRole("button", { name: "Save it again" }).click();
		await page.getByText("Saved.").waitFor();
		expect(await studio.call("key/read", { key: "motd" })).toMatchObject({ value: '"meanwhile"' });
		expect(faults.filter((fault) => !/status of 404/.test(fault))).toEqual([]);
	});

	test("while what somebody has typed is saved: it stays, and is not shown as it was before", async () => {
		const { page, file, faults } = await opened();
		const bot = botOf(file);
		await row(page, "motd").click();
		await shows(page, "Welcome");
		await type(page, '"mine"');
		// Everything that the editor has shown from now on.
		await page.evaluate(() => {
			const content = document.querySelector(".cm-content");
			window.shown = [];
			new MutationObserver(() => window.shown.push(content.textContent)).observe(content, {
				childList: true,
				characterData: true,
				subtree: true,
			});
		});
		const read = await hold(page, "key/read");
		await page.getByRole("button", { name: "Save" }).click();
		await read.asked;
		await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100))));
		await bot.appData.set({ key: "motd", value: "theirs" });
		read.release();
		await shows(page, "theirs");
		expect((await page.evaluate("window.shown")).filter((text) => text.includes("Welcome"))).toEqual([]);
		expect(faults).toEqual([]);
	});

	test("in the very turn in which somebody types", async () => {
		const { page, file, faults } = await opened();
		const bot = botOf(file);
		await row(page, "motd").click();
		await shows(page, "Welcome");
		// Types in the turn in which the answer with the change is drawn, before what follows the drawing.
		await page.evaluate(() => {
			const content = document.querySelector(".cm-content");
			const { parse } = JSON;
			const json = Response.prototype.json;
			Response.prototype.json = async function () {
				const found = await json.call(this);
				if (found.key === "motd" && parse(found.value) === "meanwhile") {
					content.focus();
					queueMicrotask(() =>
						queueMicrotask(() => queueMicrotask(() => document.execCommand("insertText", false, "typed"))),
					);
				}
				return found;
			};
		});
		await bot.appData.set({ key: "motd", value: "meanwhile" });
		await page.locator(".cm-content").getByText("typed").waitFor();
		await page.getByText("Changed meanwhile by somebody else").waitFor();
		await page.locator(".cm-content").getByText("typed").waitFor();
		expect(faults).toEqual([]);
	});
});

test("keys and values that hold HTML or scripts are text everywhere", async () => {
	const attacks = [
		'<img src=x onerror="alert(1)">',
		"<script>alert(2)</script>",
		"javascript:alert(3)",
		'"><svg onload=alert(4)>',
		"{{alert(5)}}",
	];
	const { page, faults } = await opened({
		more: async (store) => {
			await store.appData.set(
				attacks.map((text, n) => ({
					key: `attack:${text}`,
					value: { [text]: text },
					communityId: n ? undefined : text,
				})),
			);
			await store.appData.set(attacks.map((text) => ({ key: `attack:${text}`, value: { [text]: text } })));
			await store.sqlite.exec(`CREATE TABLE "<img src=x onerror=alert(6)>" ("<b onclick=alert(7)>" TEXT)`);
			await store.sqlite.run(`INSERT INTO "<img src=x onerror=alert(6)>" VALUES (?)`, [attacks[0]]);
		},
	});
	await page.getByRole("searchbox", { name: "Filter keys" }).fill("attack:");
	for (const text of attacks) {
		await page
			.getByRole("row")
			.filter({ hasText: `attack:${text}` })
			.first()
			.click();
		await page.locator(".key-name").getByText(text).waitFor();
		await page.locator(".cm-content").waitFor();
	}
	await goTo(page, "tables");
	await page.getByRole("button", { name: "<img src=x onerror=alert(6)>" }).click();
	await page.getByText(attacks[0]).first().waitFor();
	await goTo(page, "sql");
	await page.getByRole("textbox", { name: "SQL" }).click();
	await page.keyboard.insertText("SELECT key AS '<i>key</i>', value FROM __rootapp_kv WHERE key LIKE 'attack%'");
	await page.keyboard.press("Control+Enter");
	await page.getByRole("table", { name: "Result" }).getByText("<script>").first().waitFor();
	expect(await page.locator("#app img, #app script, #app i, #app b, svg[onload]").count()).toBe(0);
	expect(faults).toEqual([]);
});

describe("nobody is left out:", () => {
	for (const colorScheme of ["light", "dark"]) {
		test(`axe finds nothing on any screen in ${colorScheme} colours`, async () => {
			const { page, faults } = await opened({ options: { colorScheme } });
			const found = [];
			const check = async (name) => {
				// A change that has just come fades.
				await page.waitForFunction(() =>
					document
						.getAnimations()
						.every(({ playState, effect }) => playState !== "running" || effect.getTiming().iterations === Infinity),
				);
				const { violations } = await page.evaluate(`(() => { ${axe.source}; return axe.run(); })()`);
				found.push(
					...violations.map(
						({ id, nodes }) => `${name}: ${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
					),
				);
			};
			await row(page, "motd").click();
			await page.locator(".cm-content").getByText("Welcome").waitFor();
			await check("keys");
			for (const screen of SCREENS.slice(1)) {
				await goTo(page, screen);
				if (screen === "tables") await page.getByRole("table").locator("tbody tr").first().click();
				if (screen === "sql") await page.getByRole("textbox", { name: "SQL" }).waitFor();
				if (screen === "backups")
					await page
						.getByRole("button", { name: /^Choose 2/ })
						.first()
						.click();
				if (screen === "transfer") await page.getByRole("button", { name: "Try" }).waitFor();
				await check(screen);
			}
			await page.keyboard.press("Control+K");
			await page.getByRole("combobox", { name: "Go to" }).waitFor();
			await check("palette");
			expect(found).toEqual([]);
			expect(faults).toEqual([]);
		});
	}

	test("a key is found, edited and deleted with the keyboard alone", async () => {
		const { page, studio, faults } = await opened();
		const press = async (...keys) => {
			for (const key of keys) await page.keyboard.press(key);
		};
		await row(page, "motd").waitFor();
		await press("/");
		await page.keyboard.type("settings:t");
		await row(page, "settings:theme").waitFor();
		await until(async () => (await page.getByRole("row").count()) === 2, "the filter");
		await press("Tab");
		await until(() => page.evaluate(() => document.activeElement?.textContent === "New key"), "the button");
		await press("Tab", "Enter");
		await editor(page).waitFor();
		await editor(page).focus();
		await press("Control+A");
		await page.keyboard.insertText("5");
		await press("Control+S");
		await page.getByText("Saved.").waitFor();
		expect(await studio.call("key/read", { key: "settings:theme" })).toMatchObject({ value: "5" });
		// Tab leaves the editor.
		await press("Tab");
		expect(await page.evaluate(() => document.activeElement?.closest(".cm-editor") === null)).toBe(true);
		await page.getByRole("button", { name: "Delete", exact: true }).focus();
		await press("Enter");
		await page.getByRole("dialog").waitFor();
		await press("Escape");
		await page.getByRole("dialog").waitFor({ state: "detached" });
		expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Delete");
		await press("Enter");
		await page.getByRole("dialog").waitFor();
		await press("Tab", "Enter");
		await page.getByText("Deleted.").waitFor();
		expect(await studio.failure("key/read", { key: "settings:theme" })).toMatchObject({ status: 404 });
		await press("Control+K");
		await page.getByRole("combobox", { name: "Go to" }).waitFor();
		await page.keyboard.type("tables");
		await page.getByRole("listbox", { name: "What there is" }).getByRole("option").first().waitFor();
		await press("Enter");
		await page.getByRole("table").waitFor();
		expect(faults).toEqual([]);
	});

	test("nothing is wider than a phone", async () => {
		const { page, faults } = await opened({ options: { viewport: { width: 390, height: 844 }, hasTouch: true } });
		for (const screen of SCREENS) {
			await goTo(page, screen);
			await page.locator(".panes, .sql, .page .panel").first().waitFor();
			expect([screen, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([screen, 390]);
		}
		await goTo(page, "keys");
		await row(page, "motd").tap();
		await page.locator(".cm-content").getByText("Welcome").waitFor();
		await page.getByRole("button", { name: "Back" }).first().tap();
		await row(page, "motd").waitFor();
		expect(faults).toEqual([]);
	});
});

test("a page of another port sees nothing and changes nothing, whatever it tries", async () => {
	const { studio, browser, file } = await opened();
	const attacker = createServer((_request, response) => {
		response.writeHead(200, { "Content-Type": "text/html" });
		response.end("<!doctype html><title>attack</title>");
	});
	attacker.listen(0, "127.0.0.1");
	await once(attacker, "listening");
	onTestFinished(() => void attacker.close());
	const { page } = await newPage(browser);
	await page.goto(`http://127.0.0.1:${attacker.address().port}/`);
	const attempts = await page.evaluate(
		async ({ host, token }) => {
			const target = `http://${host}`;
			const body = JSON.stringify({ key: "motd", value: '"stolen"', version: null });
			const tries = {
				read: () => fetch(`${target}/api/keys/list`, { method: "POST", body: "{}" }),
				readWithToken: () =>
					fetch(`${target}/api/keys/list`, {
						method: "POST",
						body: "{}",
						headers: { Authorization: `Bearer ${token}` },
					}),
				blind: () => fetch(`${target}/api/key/save`, { method: "POST", mode: "no-cors", body }),
				asset: () => fetch(`${target}/`),
				credentials: () => fetch(`${target}/api/info`, { method: "POST", credentials: "include", body: "{}" }),
				frame: () =>
					new Promise((resolve, reject) => {
						const frame = document.createElement("iframe");
						frame.src = `${target}/#token=${token}`;
						frame.onload = () => {
							try {
								resolve({ type: "frame", text: async () => frame.contentDocument.body.innerHTML });
							} catch (error) {
								reject(error);
							}
						};
						document.body.append(frame);
					}),
				script: () =>
					new Promise((resolve, reject) => {
						const script = document.createElement("script");
						script.src = `${target}/main.js`;
						script.onload = () => resolve({ type: "script", text: async () => "loaded" });
						script.onerror = reject;
						document.head.append(script);
					}),
			};
			const seen = {};
			for (const [name, attempt] of Object.entries(tries)) {
				try {
					const response = await attempt();
					seen[name] = response.type === "opaque" ? "opaque" : await response.text();
				} catch {
					seen[name] = "refused";
				}
			}
			return seen;
		},
		{ host: studio.host, token: studio.token },
	);
	expect(attempts).toEqual({
		read: "refused",
		readWithToken: "refused",
		blind: "refused",
		asset: "refused",
		credentials: "refused",
		frame: "refused",
		script: "refused",
	});
	const store = openDataStore({ filename: file, readOnly: true });
	onTestFinished(() => store.close());
	expect(await store.appData.get("motd")).toBe("Welcome to the server");
});

test("the page says that its server is gone, keeps what was typed, and goes on when it is back", async () => {
	const { page, studio, file } = await opened();
	await row(page, "motd").click();
	await page.locator(".cm-content").getByText("Welcome").waitFor();
	await type(page, '"typed"');
	const port = Number(studio.host.split(":")[1]);
	await studio.close();
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("What you typed is still here").waitFor();
	expect(await page.locator(".cm-content").textContent()).toBe('"typed"');
	// The command is started again: at the same port, with another token.
	const { createRequire } = await import("node:module");
	const { startServer } = createRequire(import.meta.url)("../../../lib/studio/server.js");
	const again = await startServer(studio.session, { port });
	onTestFinished(again.close);
	await page.goto(again.url);
	await page.reload();
	await row(page, "motd").click();
	await page.locator(".cm-content").getByText("typed").waitFor();
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("Saved.").waitFor();
	const store = openDataStore({ filename: file, readOnly: true });
	onTestFinished(() => store.close());
	expect(await store.appData.get("motd")).toBe("typed");
});

test("without the token nothing is shown but how to get it", async () => {
	const { studio, browser } = await opened();
	const { page } = await newPage(browser);
	await page.goto(`http://${studio.host}/`);
	await page.getByText("This page needs its key").waitFor();
	expect(await page.content()).not.toContain("motd");
});

test("a long value, a long key and a BLOB are shown, and a value of 10 MB is edited without losing a character", async () => {
	const long = JSON.stringify({ text: "x".repeat(10_000_000) });
	const key = `k${"e".repeat(100_000)}y`;
	const { page, studio, faults } = await opened({
		more: async (store) => {
			await store.appData.set([
				{ key: "big", value: JSON.parse(long) },
				{ key, value: 1 },
				{ key: "bin", value: 1 },
			]);
			await store.sqlite.run("UPDATE __rootapp_kv SET value = x'00ff' WHERE key = 'bin'");
		},
	});
	await row(page, "bin").click();
	await page.getByText("This value is binary, not JSON").waitFor();
	await page.getByRole("row").filter({ hasText: "keeeee" }).first().click();
	await page.locator(".cm-content").getByText("1", { exact: true }).waitFor();
	await row(page, "big").click();
	await page.locator(".cm-content").getByText("xxxxx").first().waitFor();
	await editor(page).click();
	await page.keyboard.press("Control+End");
	await page.keyboard.insertText(" ");
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("Saved.").waitFor();
	const { value } = await studio.call("key/read", { key: "big" });
	expect(value === `${long} `).toBe(true);
	expect(faults).toEqual([]);
});
