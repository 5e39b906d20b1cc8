// The end of a process by a signal: what was acknowledged is backed up, and the process ends by that very signal.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { lose } from "../../backup/backups.mjs";
import { startModule } from "../../helpers/child.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { shortest } from "../../helpers/time.mjs";

/** A bot that backs nothing up by itself, with a write that only a last backup can bring to safety. */
function bot({ before = "", options = "", ready = "setInterval(() => {}, 1000);" }) {
	return `
		${before}
		const filename = process.argv[1];
		const backup = { intervalMs: 100_000, quiet: true, shutdownTimeoutMs: 60_000, ${options} };
		const store = openDataStore({ filename, backup });
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		await store.appData.set({ key: "k", value: 2 });
		console.log("ready");
		${ready}`;
}

/** Makes the destination of a bot fail: puts a file where a folder has to be. */
const WITHOUT_DESTINATION = `
	const { renameSync, writeFileSync } = await import("node:fs");
	renameSync(filename + ".backup", filename + ".away");
	writeFileSync(filename + ".backup", "");
	console.log("cut off");
	setInterval(() => {}, 1000);`;

function start(source) {
	const filename = join(temporaryDirectory(), "bot.sqlite3");
	return { filename, ...startModule(source, { args: [filename] }) };
}

/** Starts a bot, sends it a signal when it has printed `line`, and waits until it has ended. */
async function endBy(signal, source, line = "ready") {
	const child = start(source);
	await child.line(line);
	const since = performance.now();
	child.kill(signal);
	return { ...(await child.ended), lines: child.lines, filename: child.filename, tookMs: performance.now() - since };
}

/** The key's value on a new machine, which has nothing but the backups. */
async function restoredValue(filename) {
	lose(filename);
	const store = openDataStore({ filename, backup: { quiet: true } });
	try {
		return await store.appData.get("k");
	} finally {
		await store.close();
	}
}

describe("a signal that nobody handles", () => {
	for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
		test(`such as ${signal} waits for the last backup`, async () => {
			const ended = await endBy(signal, bot({}));
			expect(ended).toMatchObject({ code: null, signal, stderr: "" });
			expect(await restoredValue(ended.filename)).toBe(2);
		});
	}

	test("does so while JavaScript does not come to an end", async () => {
		const ended = await endBy("SIGTERM", bot({ ready: "for (;;);" }));
		expect(ended).toMatchObject({ code: null, signal: "SIGTERM" });
		expect(await restoredValue(ended.filename)).toBe(2);
	});

	test("does not wait for hooks, nor for one that was called already", async () => {
		const before = "let stuck = false;";
		// To wait for a hook would take 10 s.
		const options = 'beforeBackup: () => stuck && (console.log("hooked"), new Promise(() => {}))';
		const called = "stuck = true; store.backups.create().catch(() => {}); setInterval(() => {}, 1000);";
		for (const [ready, line] of [
			["stuck = true; console.log('stuck'); setInterval(() => {}, 1000);", "stuck"],
			[called, "hooked"],
		]) {
			const tookMs = await shortest(9_000, async () => {
				const ended = await endBy("SIGTERM", bot({ before, options, ready }), line);
				expect(ended).toMatchObject({ code: null, signal: "SIGTERM" });
				expect(await restoredValue(ended.filename)).toBe(2);
				return ended.tookMs;
			});
			expect(tookMs).toBeLessThan(9_000);
		}
	});

	test("backs up every store", async () => {
		const ready = `
			const other = openDataStore({ filename: filename + "2", backup });
			await other.appData.set({ key: "k", value: 3 });
			console.log("both");
			setInterval(() => {}, 1000);`;
		const ended = await endBy("SIGTERM", bot({ ready }), "both");
		expect(ended.signal).toBe("SIGTERM");
		expect(await restoredValue(ended.filename)).toBe(2);
		expect(await restoredValue(`${ended.filename}2`)).toBe(3);
	});

	test("ends the process when the time for the last backup is over", async () => {
		const source = bot({ options: "shutdownTimeoutMs: 1000", ready: WITHOUT_DESTINATION });
		// Unless it is told otherwise it takes 5 s.
		const tookMs = await shortest(4_500, async () => {
			const ended = await endBy("SIGTERM", source, "cut off");
			expect(ended).toMatchObject({ code: null, signal: "SIGTERM" });
			expect(ended.tookMs).toBeGreaterThan(500);
			return ended.tookMs;
		});
		expect(tookMs).toBeLessThan(4_500);
	});

	test("ends the process at once when it comes again", async () => {
		const child = start(bot({ ready: WITHOUT_DESTINATION }));
		await child.line("cut off");
		child.kill("SIGINT");
		await sleep(500);
		const since = performance.now();
		child.kill("SIGTERM");
		expect(await child.ended).toMatchObject({ code: null, signal: "SIGTERM" });
		expect(performance.now() - since).toBeLessThan(30_000);
	});

	test("does so again after every store was closed", async () => {
		const ready = `
			await store.close();
			const next = openDataStore({ filename, backup });
			await next.appData.get("k");
			await next.backups.create();
			await next.appData.set({ key: "k", value: 2 });
			await next.appData.set({ key: "k", value: 4 });
			console.log("again");
			setInterval(() => {}, 1000);`;
		const ended = await endBy("SIGTERM", bot({ ready }), "again");
		expect(ended).toMatchObject({ code: null, signal: "SIGTERM" });
		expect(await restoredValue(ended.filename)).toBe(4);
	});

	test("ends a process whose stores are closed", async () => {
		const ready = 'await store.close(); console.log("closed"); setInterval(() => {}, 1000);';
		const ended = await endBy("SIGTERM", bot({ ready }), "closed");
		expect(ended).toMatchObject({ code: null, signal: "SIGTERM" });
		expect(await restoredValue(ended.filename)).toBe(2);
	});
});

describe("a signal that the bot handles", () => {
	const own = 'process.on("SIGTERM", () => { console.log("own"); process.exit(3); });';

	test("is the bot's, and the end that follows makes the last backup", async () => {
		const later = `${own} console.log("handled"); setInterval(() => {}, 1000);`;
		for (const [source, line] of [
			[bot({ before: own }), "ready"],
			[bot({ ready: later }), "handled"],
		]) {
			const ended = await endBy("SIGTERM", source, line);
			expect(ended).toMatchObject({ code: 3, signal: null });
			expect(ended.lines).toContain("own");
			expect(await restoredValue(ended.filename)).toBe(2);
		}
	});

	test("may be used to close the store", async () => {
		const before = 'process.on("SIGTERM", () => store.close().then(() => process.exit(0)));';
		const ended = await endBy("SIGTERM", bot({ before }));
		expect(ended).toMatchObject({ code: 0, signal: null, stderr: "" });
		expect(await restoredValue(ended.filename)).toBe(2);
	});

	test("does not end the process if the bot goes on", async () => {
		const child = start(bot({ before: 'process.on("SIGTERM", () => console.log("stays"));' }));
		await child.line("ready");
		child.kill("SIGTERM");
		await child.line("stays");
		child.kill("SIGINT");
		expect(await child.ended).toMatchObject({ code: null, signal: "SIGINT" });
		expect(await restoredValue(child.filename)).toBe(2);
	});
});
