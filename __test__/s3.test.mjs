// Backups on a server that speaks S3.

import { execFile } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { openDataStore } from "rootcellar";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { CLI_VERSIONS, cliPath } from "../scripts/lib/litestream.mjs";
import { expectFailure } from "./helpers/errors.mjs";
import { raw } from "./helpers/raw.mjs";
import { temporaryDirectory } from "./helpers/store.mjs";
import { CREDENTIALS, startLine, startServer, urlOf } from "./s3/server.mjs";

beforeAll(() => Object.assign(process.env, CREDENTIALS));
afterAll(() => {
	for (const name of Object.keys(CREDENTIALS)) delete process.env[name];
});

/** A machine whose backups are on a server of its own. */
async function machine() {
	const directory = temporaryDirectory();
	const line = await startLine(await startServer(join(directory, "server")));
	return { directory, line, file: join(directory, "bot.sqlite3"), url: urlOf(line.port) };
}

function open(filename, url, options = {}) {
	const store = openDataStore({ filename, backup: { url, intervalMs: 50, quiet: true, ...options } });
	onTestFinished(() => store.close());
	return store;
}

function lose(file) {
	for (const suffix of ["", "-wal", "-shm", ".backup-state"]) rmSync(file + suffix, { recursive: true, force: true });
}

async function until(holds, what) {
	const deadline = Date.now() + 60_000;
	while (!(await holds())) {
		if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
		await sleep(20);
	}
}

test("a new machine has what the old one had, to the moment", { timeout: 60_000 }, async () => {
	const { directory, file, url } = await machine();
	const store = open(file, url, { intervalMs: 100_000 });
	await store.appData.set({ key: "k", value: 1 });
	const first = await store.backups.create();
	await sleep(5);
	await store.appData.set({ key: "k", value: 2 });
	await store.backups.create();
	expect(store.backups.status().destination).toBe("s3://bucket/my bot/backups");
	const to = join(directory, "copy.sqlite3");
	await store.backups.restore({ at: first.createdAt, to });
	expect(await raw(to, "select value from __rootapp_kv")).toEqual([{ value: "1" }]);
	expect(await store.backups.verify()).toMatchObject({ isComplete: true });
	await store.close();
	expect(existsSync(join(directory, "server/bucket/my bot/backups/0000"))).toBe(true);
	lose(file);
	const next = open(file, url);
	expect(await next.appData.get("k")).toBe(2);
});

test("Litestream restores what is there", { timeout: 60_000 }, async () => {
	const { directory, file, url } = await machine();
	const store = open(file, url, { intervalMs: 100_000 });
	const ids = [];
	for (const value of [1, 2, 3]) {
		await store.appData.set({ key: "k", value });
		ids.push((await store.backups.create()).id);
	}
	const releases = CLI_VERSIONS.filter((version) => existsSync(cliPath(version)));
	if (process.env.ROOTCELLAR_TEST_LITESTREAM === "required") expect(releases).toEqual(CLI_VERSIONS);
	// Only later releases take a server's address in the URL.
	for (const version of releases.filter((release) => release !== "v0.5.0")) {
		const output = join(directory, `${version}.sqlite3`);
		const args = ["restore", "-o", output, "-txid", ids[1], url.replaceAll("%20", " ")];
		await promisify(execFile)(cliPath(version), args, { env: { PATH: process.env.PATH, ...CREDENTIALS } });
		expect(await raw(output, "select value from __rootapp_kv")).toEqual([{ value: "2" }]);
	}
	await store.backups.restore({ to: join(directory, "ours.sqlite3") });
	expect(await raw(join(directory, "ours.sqlite3"), "select value from __rootapp_kv")).toEqual([{ value: "3" }]);
});

test("a second writer is detected by a condition on the put, and histories are not mixed", {
	timeout: 60_000,
}, async () => {
	const [one, other] = [await machine(), await machine()];
	const first = open(one.file, one.url, { intervalMs: 100_000 });
	await first.appData.set({ key: "k", value: 1 });
	await first.backups.create();
	await raw(other.file, "create table t (x)");
	const second = open(other.file, one.url, { intervalMs: 100_000 });
	await second.appData.set({ key: "k", value: "second" });
	await second.backups.create();
	await first.appData.set({ key: "k", value: 2 });
	await expectFailure(() => first.backups.create(), "ERR_BACKUP_CONFLICT");
	const to = join(one.directory, "copy.sqlite3");
	await second.backups.restore({ to });
	expect(await raw(to, "select value from __rootapp_kv")).toEqual([{ value: '"second"' }]);
});

for (const mode of ["cut", "error", "slow"]) {
	test(`a server behind a line that is ${mode} for a while gets everything in the end`, {
		timeout: 120_000,
	}, async () => {
		const { file, url, line } = await machine();
		const store = open(file, url);
		await store.appData.set({ key: "k", value: 0 });
		await store.backups.create();
		line.switch(mode);
		for (let value = 1; value <= 30; value++) {
			await store.appData.set({ key: "k", value, text: "x".repeat(1000) });
			await sleep(20);
		}
		if (mode !== "slow") {
			await until(() => store.backups.status().state === "failing", "the failure to show");
			expect(store.backups.status().lastError.code).toBe("ERR_BACKUP_DESTINATION");
			expect(JSON.stringify(store.backups.status())).not.toContain(CREDENTIALS.AWS_SECRET_ACCESS_KEY);
		}
		line.switch("pass");
		await until(() => store.backups.status().state === "active" && store.backups.status().lagMs === 0, "the backlog");
		await store.close();
		lose(file);
		expect(await open(file, url).appData.get("k")).toBe(30);
	});
}

test("a missing file is not begun anew while the server is away, nor restored to less than there is", {
	timeout: 120_000,
}, async () => {
	const { directory, file, url, line } = await machine();
	const store = open(file, url);
	for (let value = 1; value <= 3; value++) {
		await store.appData.set({ key: "k", value });
		await store.backups.create();
	}
	await store.close();
	lose(file);
	line.switch("cut");
	const next = open(file, url);
	await expectFailure(() => next.appData.get("k"), "ERR_BACKUP_DESTINATION");
	expect(readdirSync(directory).filter((name) => name === "bot.sqlite3")).toEqual([]);
	line.switch("pass");
	expect(await next.appData.get("k")).toBe(3);
});
