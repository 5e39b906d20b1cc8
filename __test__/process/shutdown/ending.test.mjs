// End of a process by a signal in the middle of something: within bounds, with everything in the backup, whoever else handles
// signals in it.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openDataStore } from "rootcellar";
import { afterAll, describe, expect, test } from "vitest";
import { lose } from "../../backup/backups.mjs";
import { packageUrl, startModule } from "../../helpers/child.mjs";
import { raw } from "../../helpers/raw.mjs";
import { temporaryFile } from "../../helpers/store.mjs";

/** Keys, or those of a pattern, that a new machine finds, which has nothing but the backups. */
async function restored(filename, pattern = "%") {
	lose(filename);
	const store = openDataStore({ filename, backup: { quiet: true } });
	try {
		return Object.fromEntries((await store.appData.select(pattern)).map(({ key, value }) => [key, value]));
	} finally {
		await store.close();
	}
}

/** A bot that backs nothing up by itself. */
const bot = (options, source) => `
	const filename = process.argv[1];
	let hooked = false;
	const store = openDataStore({ filename, backup: { intervalMs: 100_000, quiet: true, shutdownTimeoutMs: 60_000, ${options} } });
	await store.appData.set({ key: "k", value: 1 });
	await store.backups.create();
	hooked = true;
	await store.appData.set({ key: "k", value: 2 });
	${source}`;

const HOOK = `beforeBackup: () => { if (hooked) { console.log("backing up"); return new Promise((resolve) => setTimeout(resolve, 1500)); } }`;

describe("a signal while a last backup is being made ends the process, with the backup", () => {
	const ends = [
		["of close()", HOOK, "setInterval(() => {}, 1000); await store.close();", "backing up"],
		[
			"of close(), of much data",
			"",
			"setInterval(() => {}, 1000); await large(); console.log('backing up'); await store.close();",
			"backing up",
		],
		["of process.exit()", "", "await large(); console.log('backing up'); process.exit(0);", "backing up"],
		["of the natural end", "", "await large(); console.log('backing up');", "backing up"],
	];
	const large = `const large = async () => {
		for (let n = 0; n < 20; n++) await store.appData.set({ key: "large" + n, value: (n + "x").repeat(80_000) });
	};`;
	for (const [name, options, source, line] of ends) {
		for (const delay of [0, 100]) {
			test(`${name}, after ${delay} ms`, async () => {
				const filename = temporaryFile();
				const child = startModule(bot(options, `${large} ${source}`), { args: [filename] });
				await child.line(line);
				await sleep(delay);
				const since = performance.now();
				child.kill("SIGTERM");
				const ended = await child.ended;
				// It may have been done before the signal came.
				expect(ended.signal === "SIGTERM" || ended.code === 0).toBe(true);
				expect(performance.now() - since).toBeLessThan(30_000);
				expect(await restored(filename, "k")).toEqual({ k: 2 });
			});
		}
	}
});

test("nothing is acknowledged after a signal that the last backup does not hold", async () => {
	const reserved = "const connection = await store.sqlite.reserve();";
	const kinds = [
		["", "await store.appData.set({ key: 'k' + n, value: n });"],
		["", "await store.sqlite.run('INSERT INTO numbers (n) VALUES (?)', [n]);"],
		["", "await store.sqlite.transaction((tx) => tx.appData.set({ key: 'k' + n, value: n }));"],
		[reserved, "await connection.run('INSERT INTO numbers (n) VALUES (?)', [n]);"],
		[
			`${reserved} await connection.exec("BEGIN");`,
			"await connection.exec('INSERT INTO numbers (n) VALUES (' + n + '); COMMIT; BEGIN');",
		],
	];
	for (const [before, write] of kinds) {
		const filename = temporaryFile();
		const source = `import { writeSync } from "node:fs";
			const store = openDataStore({ filename: process.argv[1], backup: { quiet: true, shutdownTimeoutMs: 60_000 } });
			await store.sqlite.exec("CREATE TABLE numbers (n)");
			${before}
			for (let n = 0; ; n++) { ${write} writeSync(1, n + "\\n"); }`;
		const child = startModule(source, { args: [filename] });
		await child.lineCount(60 + Math.floor(Math.random() * 60));
		child.kill("SIGTERM");
		expect(await child.ended).toMatchObject({ signal: "SIGTERM", stderr: "" });
		const acknowledged = child.lines.length;
		expect(acknowledged).toBeGreaterThan(50);
		for (const place of ["file", "backup"]) {
			if (place === "backup") await restored(filename);
			const sql = write.includes("appData") ? "select value as n from __rootapp_kv" : "select n from numbers";
			const numbers = new Set((await raw(filename, sql)).map(({ n }) => Number(n)));
			const missing = Array.from({ length: acknowledged }, (_, n) => n).filter((n) => !numbers.has(n));
			expect(missing, `${write} in the ${place}`).toEqual([]);
		}
	}
});

test("writes go on if a handler that comes meanwhile lets the process go on", async () => {
	const filename = temporaryFile();
	const source = `
		const store = openDataStore({ filename: process.argv[1], backup: { quiet: true, intervalMs: 100_000, shutdownTimeoutMs: 60_000 } });
		await store.appData.set({ key: "k", value: "x".repeat(10_000_000) });
		process.kill(process.pid, "SIGTERM");
		process.on("SIGTERM", () => console.log("handled"));
		await store.appData.set({ key: "after", value: 1 });
		console.log("acknowledged");
		setInterval(() => {}, 1000);`;
	const child = startModule(source, { args: [filename] });
	await child.line("handled");
	await child.line("acknowledged");
	child.kill("SIGINT");
	expect(await child.ended).toMatchObject({ signal: "SIGINT" });
	expect(await restored(filename, "after")).toEqual({ after: 1 });
});

/** Way to start a process as the first of its own, if this machine lets us. */
const asFirst = (() => {
	for (const how of [
		["--pid", "--fork", "--mount-proc", "--kill-child"],
		["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"],
	]) {
		try {
			execFileSync("unshare", [...how, "true"], { stdio: "ignore" });
			return how;
		} catch {}
	}
	return undefined;
})();

test.runIf(asFirst)("the first process of a container ends with 128 and the signal's number", async () => {
	for (const [signal, code] of [
		["SIGTERM", 143],
		["SIGINT", 130],
		["SIGHUP", 129],
	]) {
		for (const backup of ["false", "{ quiet: true, intervalMs: 100_000, shutdownTimeoutMs: 60_000 }"]) {
			const filename = temporaryFile();
			const source = `import { openDataStore } from ${JSON.stringify(packageUrl)};
				const store = openDataStore({ filename: ${JSON.stringify(filename)}, backup: ${backup} });
				await store.appData.set({ key: "k", value: process.pid });
				process.kill(process.pid, "${signal}");
				setInterval(() => {}, 1000);`;
			const child = spawn("unshare", [...asFirst, process.execPath, "--input-type=module", "--eval", source]);
			const ended = await new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));
			expect(ended).toEqual({ code, signal: null });
			expect(await raw(filename, "select value from __rootapp_kv")).toEqual([{ value: "1" }]);
			if (backup !== "false") expect(await restored(filename)).toEqual({ k: 1 });
		}
	}
});

/** The package once more, with a binary of its own. */
function secondCopy(place) {
	const folder = join(place, "node_modules", "rootcellar");
	mkdirSync(folder, { recursive: true });
	const root = fileURLToPath(new URL("../../../", import.meta.url));
	for (const name of ["index.js", "index.mjs", "package.json", "lib"]) {
		cpSync(join(root, name), join(folder, name), { recursive: true });
	}
	for (const name of execFileSync("ls", [root], { encoding: "utf8" }).split("\n")) {
		if (name.endsWith(".node")) cpSync(join(root, name), join(folder, name));
	}
	return join(folder, "index.mjs");
}

describe("two copies of the package in one process", () => {
	const place = mkdtempSync(join(tmpdir(), "rootcellar-"));
	afterAll(() => rmSync(place, { recursive: true }));
	const copy = secondCopy(place);
	const source = (steps) => `
		const { openDataStore: open } = await import(${JSON.stringify(copy)});
		const options = { backup: { quiet: true, intervalMs: 100_000, shutdownTimeoutMs: 60_000 } };
		const stores = {
			a: openDataStore({ filename: process.argv[1], ...options }),
			b: open({ filename: process.argv[2], ...options }),
		};
		const used = async (name, value) => {
			await stores[name].appData.set({ key: "k", value });
			if (value === 1) await stores[name].backups.create();
		};
		await used("a", 1);
		await used("b", 1);
		${steps}
		console.log("ready");
		setInterval(() => {}, 1000);`;
	const cases = [
		["both open", 'await used("a", 2); await used("b", 2);', 2, 2],
		["the first closed", 'await stores.a.close(); await used("b", 2);', 1, 2],
		["the second closed", 'await stores.b.close(); await used("a", 2);', 2, 1],
		["both closed, the first first", "await stores.a.close(); await stores.b.close();", 1, 1],
		["both closed, the second first", "await stores.b.close(); await stores.a.close();", 1, 1],
		[
			"the first closed and opened again",
			`await stores.a.close(); stores.a = openDataStore({ filename: process.argv[1], ...options });
			await used("a", 2); await used("b", 2);`,
			2,
			2,
		],
		[
			"a listener added and removed above both",
			`const own = () => {}; process.on("SIGTERM", own); process.on("SIGINT", own);
			process.off("SIGTERM", own); process.off("SIGINT", own);
			await used("a", 2); await used("b", 2);`,
			2,
			2,
		],
	];
	const signals = ["SIGTERM", "SIGINT"];
	for (const [index, [name, steps, a, b]] of cases.entries()) {
		test(`${name}: each does its part, and the process ends`, async () => {
			// Behaviour that the two share is common to all cases.
			for (const signal of index === 0 ? signals : [signals[index % 2]]) {
				const files = [temporaryFile(), temporaryFile()];
				const child = startModule(source(steps), { args: files });
				await child.line("ready");
				child.kill(signal);
				expect(await child.ended).toMatchObject({ code: null, signal });
				expect(await restored(files[0])).toEqual({ k: a });
				expect(await restored(files[1])).toEqual({ k: b });
			}
		});
	}
});

describe("a listener that the bot removes again leaves the last backup waited for", () => {
	const cases = [
		["on and off", 'const own = () => {}; process.on("SIGTERM", own); process.off("SIGTERM", own);'],
		["removeAllListeners", 'process.on("SIGTERM", () => {}); process.removeAllListeners("SIGTERM");'],
		[
			"before the store is opened",
			"",
			'const early = () => {}; process.on("SIGTERM", early);',
			'process.off("SIGTERM", early);',
		],
		[
			"once, after it was called",
			`const called = new Promise((resolve) => process.once("SIGTERM", resolve));
			const waiting = setInterval(() => {}, 1000);
			process.kill(process.pid, "SIGTERM");
			await called;
			clearInterval(waiting);`,
		],
		[
			"of several the last",
			`const own = [() => {}, () => {}];
			for (const one of own) process.on("SIGTERM", one);
			for (const one of own) process.off("SIGTERM", one);`,
		],
	];
	for (const [name, after, before = "", last = ""] of cases) {
		test(name, async () => {
			const filename = temporaryFile();
			const source = `${before}
				const backup = { intervalMs: 100_000, quiet: true, shutdownTimeoutMs: 60_000 };
				const store = openDataStore({ filename: process.argv[1], backup });
				await store.appData.set({ key: "k", value: 1 });
				await store.backups.create();
				${after} ${last}
				await store.appData.set({ key: "k", value: 2 });
				console.log("ready");
				setInterval(() => {}, 1000);`;
			const child = startModule(source, { args: [filename] });
			await child.line("ready");
			child.kill("SIGTERM");
			expect(await child.ended).toMatchObject({ code: null, signal: "SIGTERM", stderr: "" });
			expect(await restored(filename)).toEqual({ k: 2 });
		});
	}

	test("and one that stays is called", async () => {
		const source = `
			const store = openDataStore({ filename: process.argv[1], backup: false });
			await store.appData.set({ key: "k", value: 1 });
			const other = () => {};
			process.on("SIGTERM", () => { console.log("own"); process.exit(5); });
			process.on("SIGTERM", other);
			process.off("SIGTERM", other);
			console.log("ready");
			setInterval(() => {}, 1000);`;
		const child = startModule(source, { args: [temporaryFile()] });
		await child.line("ready");
		child.kill("SIGTERM");
		expect(await child.ended).toMatchObject({ code: 5, signal: null });
		expect(child.lines).toContain("own");
	});
});
