// `npx rootcellar studio`: how it starts, what it refuses to start with, and how it ends.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { openDataStore } from "rootcellar";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildStudio } from "../../scripts/lib/studio.mjs";
import { environment, failure, program } from "../cli/cli.mjs";
import { raw } from "../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile } from "../helpers/store.mjs";
import { fileWith, hashOf } from "./studio.mjs";

beforeAll(buildStudio);

/** Starts the command, and resolves with what it has printed. */
async function start(...args) {
	const child = spawn(process.execPath, [program, "studio", "--json", ...args], { env: environment() });
	onTestFinished(() => void child.kill("SIGKILL"));
	const [line] = await once(child.stdout.setEncoding("utf8"), "data");
	const told = JSON.parse(line);
	const [, host, token] = /^http:\/\/([\d.:]+)\/#token=(.+)$/.exec(told.url);
	const call = async (name, input = {}) => {
		const headers = { Authorization: `Bearer ${token}` };
		const response = await fetch(`http://${host}/api/${name}`, {
			method: "POST",
			headers,
			body: JSON.stringify(input),
		});
		return response.json();
	};
	return { child, told, host, call };
}

const withKey = (file) => fileWith((store) => store.appData.set({ key: "a", value: 1 }), file);

test("it reads beside nobody, serves its page, and ends with Ctrl+C, leaving everything as it was", async () => {
	const file = await withKey(join(temporaryDirectory(), "bot.sqlite3"));
	const before = hashOf(file);
	const { child, told, host, call } = await start("--file", file);
	expect(told).toMatchObject({ file, write: false });
	expect(host).toMatch(/^127\.0\.0\.1:\d+$/);
	expect(await call("keys/list")).toMatchObject({ keys: [{ key: "a" }] });
	expect(await (await fetch(`http://${host}/`)).text()).toContain('<div id="app">');
	expect(
		await (await fetch(`http://${host}/main.js`, { headers: { "Accept-Encoding": "identity" } })).text(),
	).toContain("token");
	child.kill("SIGINT");
	expect((await once(child, "exit"))[0]).toBe(0);
	expect(hashOf(file)).toBe(before);
	expect(readdirSync(dirname(file)).filter((name) => !name.startsWith("bot.sqlite3"))).toEqual([]);
});

test("with --write it changes the file beside a bot, which sees the change", async () => {
	const file = await withKey(temporaryFile());
	const bot = openDataStore({ filename: file, backup: false });
	onTestFinished(() => bot.close());
	expect(await bot.appData.get("a")).toBe(1);
	const { child, call } = await start("--file", file, "--write");
	const { version } = await call("key/read", { key: "a" });
	await call("key/save", { key: "a", value: "2", version });
	expect(await bot.appData.get("a")).toBe(2);
	child.kill("SIGTERM");
	expect((await once(child, "exit"))[0]).toBe(0);
});

test("a studio that is killed has stored what it has said was saved, and the bot beside it goes on", async () => {
	const file = await withKey(temporaryFile());
	const bot = openDataStore({ filename: file, backup: false });
	onTestFinished(() => bot.close());
	const { child, call } = await start("--file", file, "--write");
	let { version } = await call("key/read", { key: "a" });
	let saved = 1;
	// The bot writes its own keys all the while.
	let isOver = false;
	const writing = (async () => {
		let n = 0;
		while (!isOver) await bot.appData.set({ key: "bot", value: ++n });
		return n;
	})();
	for (let n = 2; n < 12; n++) {
		({ version } = await call("key/save", { key: "a", value: String(n), version }));
		expect(version).toEqual(expect.any(String));
		saved = n;
	}
	const last = call("key/save", { key: "a", value: "12", version }).catch(() => undefined);
	child.kill("SIGKILL");
	await Promise.all([last, once(child, "exit")]);
	isOver = true;
	const written = await writing;
	const [a, own] = await bot.kv.getMany(["a", "bot"]);
	expect([saved, saved + 1]).toContain(a);
	expect(own).toBe(written);
	// The other way round: a bot that is killed leaves the studio with all that it has stored.
	const source = `const { openDataStore } = require("rootcellar");
		const store = openDataStore({ filename: ${JSON.stringify(file)}, backup: false });
		store.appData.set({ key: "a", value: "by the bot" }).then(() => process.stdout.write("stored"));
		setInterval(() => {}, 1_000);`;
	const studio = await start("--file", file, "--write");
	const other = spawn(process.execPath, ["-e", source], { cwd: dirname(dirname(program)), env: environment() });
	onTestFinished(() => void other.kill("SIGKILL"));
	await once(other.stdout, "data");
	other.kill("SIGKILL");
	await once(other, "exit");
	const { value, version: theirs } = await studio.call("key/read", { key: "a" });
	expect(value).toBe('"by the bot"');
	await studio.call("key/save", { key: "a", value: "0", version: theirs });
	expect(await bot.appData.get("a")).toBe(0);
});

test("with a destination alone the newest state is shown, and nothing of it is left", async () => {
	const folder = temporaryDirectory();
	const url = join(folder, "backups");
	const store = openDataStore({ filename: join(folder, "bot.sqlite3"), backup: { url } });
	await store.appData.set({ key: "a", value: "from the backup" });
	await store.backups.create();
	await store.close();
	const { child, told, call } = await start("--url", url);
	expect(told).toMatchObject({ write: false });
	expect(await call("key/read", { key: "a" })).toMatchObject({ value: '"from the backup"' });
	child.kill("SIGINT");
	expect((await once(child, "exit"))[0]).toBe(0);
	expect(readdirSync(folder).filter((name) => name.includes("rootcellar"))).toEqual([]);
});

describe("it refuses to start, and says why,", () => {
	test("at a port that is in use", async () => {
		const file = await withKey(temporaryFile());
		const server = createServer();
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		onTestFinished(() => void server.close());
		const { port } = server.address();
		const { code, message } = await failure(["studio", "--file", file, "--port", String(port)]);
		expect([code, message]).toEqual([
			"ERR_PORT_IN_USE",
			`port ${port} of 127.0.0.1 is in use; name another with --port`,
		]);
	});

	test("at an address that is none of this machine", async () => {
		const file = await withKey(temporaryFile());
		// TEST-NET-1 (RFC 5737) is nobody's.
		const { code, message } = await failure(["studio", "--file", file, "--allow-remote", "192.0.2.1"]);
		expect([code, message]).toEqual([
			"ERR_ADDRESS",
			"192.0.2.1 is no address of this machine; name another with --allow-remote",
		]);
	});

	test("without a file, or with one that is damaged, no store, or of a newer version", async () => {
		const missing = await failure(["studio", "--file", temporaryFile()]);
		expect(missing.code).toBe("ERR_NOT_FOUND");
		const damaged = temporaryFile();
		writeFileSync(damaged, "this is no database, and never was one".repeat(200));
		expect((await failure(["studio", "--file", damaged])).code).toBe("SQLITE_NOTADB");
		const foreign = temporaryFile();
		await raw(foreign, "CREATE TABLE t (a)");
		expect((await failure(["studio", "--file", foreign])).code).toBe("ERR_NOT_A_STORE");
		const newer = await withKey(temporaryFile());
		await raw(newer, "UPDATE __rootcellar_schema SET version = 999");
		expect((await failure(["studio", "--file", newer])).code).toBe("ERR_SCHEMA_NEWER");
	});

	test("with options that do not fit", async () => {
		const file = await withKey(temporaryFile());
		const url = temporaryDirectory();
		for (const args of [
			["--file", file, "--port", "x"],
			["--file", file, "--port", "65536"],
			["--file", file, "--allow-remote", "0.0.0.0"],
			["--file", file, "--allow-remote", "example.org"],
			["--url", url, "--write"],
		]) {
			await failure(["studio", ...args], { code: 2 });
		}
		expect((await failure(["studio", "--url", url])).code).toBe("ERR_BACKUP_NOT_FOUND");
	});
});
