// Backups on a server that speaks S3.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runModuleForJson } from "../../helpers/child.mjs";
import { expectFailure } from "../../helpers/errors.mjs";
import { raw } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { until } from "../../helpers/time.mjs";
import { lose, openBackedUp as open, rarely, untilSafe } from "../backups.mjs";
import { comesBack, isNeverPutOverAnothers, openForLarge, writeLarge } from "./large-backups.mjs";
import { startLine } from "./line.mjs";
import { installed, replicate, restoreFrom, restoreReplica } from "./litestream/litestream.mjs";
import { CREDENTIALS, replicaOf, startServer, urlOf } from "./s3-server.mjs";

beforeAll(() => Object.assign(process.env, CREDENTIALS));
afterAll(() => {
	for (const name of Object.keys(CREDENTIALS)) delete process.env[name];
});

/** A machine whose backups are on a server of its own. */
async function machine() {
	const directory = temporaryDirectory();
	const server = await startServer(join(directory, "server"));
	const line = await startLine(server.port);
	return { directory, server, line, file: join(directory, "bot.sqlite3"), url: urlOf(line.port) };
}

test("a new machine has what the old one had, to the moment", { timeout: 300_000 }, async () => {
	const { directory, file, url } = await machine();
	const store = open(file, rarely(url));
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
	const next = open(file, { url });
	expect(await next.appData.get("k")).toBe(2);
});

test("Litestream restores every state to the bytes that are restored here", { timeout: 300_000 }, async () => {
	const { directory, file, url, server } = await machine();
	const store = open(file, rarely(url));
	const backups = [];
	for (let step = 1; step <= 3; step++) {
		await store.appData.set(Array.from({ length: 50 }, (_, index) => ({ key: `k:${index}`, value: { step, index } })));
		backups.push(await store.backups.create());
		// The server tells seconds.
		await sleep(5_000);
	}
	await raw(file, "delete from __rootapp_kv where rowid > 10", "vacuum");
	backups.push(await store.backups.create());
	const equal = (theirs, ours) => readFileSync(theirs).equals(readFileSync(ours));
	for (const { id, createdAt } of backups) {
		const ours = join(directory, `${id}.sqlite3`);
		await store.backups.restore({ id, to: ours });
		for (const version of installed()) {
			const theirs = join(directory, `${id}-${version}`);
			await restoreReplica(replicaOf(server.port), version, theirs, ["-txid", id], CREDENTIALS);
			expect(equal(theirs, ours), `${version}, ${id}`).toBe(true);
			if (id === backups.at(-1).id) continue;
			const at = new Date(createdAt.getTime() + 3_500).toISOString();
			await restoreReplica(replicaOf(server.port), version, `${theirs}-at`, ["-timestamp", at], CREDENTIALS);
			expect(equal(`${theirs}-at`, ours), `${version}, at the time of ${id}`).toBe(true);
		}
	}
	const newest = join(directory, `${backups.at(-1).id}.sqlite3`);
	// Only later releases take a server's address in the URL.
	for (const version of installed().filter((release) => release !== "v0.5.0")) {
		await restoreFrom(url.replaceAll("%20", " "), version, join(directory, version), [], CREDENTIALS);
		expect(equal(join(directory, version), newest), version).toBe(true);
	}
});

test("a server is named by the environment where the address names none", { timeout: 300_000 }, async () => {
	const { file, server } = await machine();
	const url = "s3://bucket/my%20bot?region=us-east-1";
	const program = `
		const store = openDataStore({ filename: process.argv[1], backup: { url: process.argv[2] } });
		const error = await store.appData.set({ key: "k", value: 1 }).then(() => store.backups.create()).catch((error) => error);
		console.log(JSON.stringify({ code: error.code ?? null, message: error.message ?? null }));
		await store.close();`;
	const run = (address) => runModuleForJson(program, { args: [file, url], env: { AWS_ENDPOINT_URL: address } });
	expect(await run(`http://127.0.0.1:${server.port}`)).toEqual({ code: null, message: null });
	const { code, message } = await run("http://key:secret@host");
	expect(code).toBe("ERR_INVALID_CONFIG");
	expect(message).toContain("AWS_ENDPOINT_URL has more than");
	expect(message).not.toContain("secret");
});

test("a second writer is detected by a condition on the put, and histories are not mixed", {
	timeout: 300_000,
}, async () => {
	const [one, other] = [await machine(), await machine()];
	const first = open(one.file, rarely(one.url));
	await first.appData.set({ key: "k", value: 1 });
	await first.backups.create();
	// A copy, of which nothing is known.
	await raw(one.file, `vacuum into '${other.file}'`);
	const second = open(other.file, rarely(one.url));
	await second.appData.set({ key: "k", value: "second" });
	await second.backups.create();
	await first.appData.set({ key: "k", value: 2 });
	await expectFailure(() => first.backups.create(), "ERR_BACKUP_CONFLICT");
	const to = join(one.directory, "copy.sqlite3");
	await second.backups.restore({ to });
	expect(await raw(to, "select value from __rootapp_kv")).toEqual([{ value: '"second"' }]);
});

for (const mode of ["cut", "reset", "error", "unavailable", "slow"]) {
	test(`a server behind a line that is ${mode} for a while gets everything in the end`, {
		timeout: 300_000,
	}, async () => {
		const { file, url, line } = await machine();
		const store = open(file, { url });
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
		await untilSafe(store);
		await store.close();
		lose(file);
		expect(await open(file, { url }).appData.get("k")).toBe(30);
	});
}

test("a missing file is not begun anew while the server is away, nor restored to less than there is", {
	timeout: 300_000,
}, async () => {
	const { directory, file, url, line } = await machine();
	const store = open(file, { url });
	for (let value = 1; value <= 3; value++) {
		await store.appData.set({ key: "k", value });
		await store.backups.create();
	}
	await store.close();
	lose(file);
	line.switch("cut");
	const next = open(file, { url });
	await expectFailure(() => next.appData.get("k"), "ERR_BACKUP_DESTINATION");
	expect(readdirSync(directory).filter((name) => name === "bot.sqlite3")).toEqual([]);
	line.switch("pass");
	expect(await next.appData.get("k")).toBe(3);
});

for (const [size, bytes] of [
	["in one request", 8 << 20],
	["in parts", 40 << 20],
]) {
	test(`a server that dies while a backup is put ${size} has no half of it, and gets all when it is back`, {
		timeout: 300_000,
	}, async () => {
		const { directory, file, url, line, server } = await machine();
		const store = await openForLarge(file, url);
		const before = await store.backups.list();
		const isHeldUp = line.holdAfter(bytes / 2);
		await writeLarge(store, bytes);
		const failed = expectFailure(() => store.backups.create(), "ERR_BACKUP_DESTINATION");
		await isHeldUp;
		await server.kill();
		line.release();
		await failed;
		await server.start();
		expect((await store.backups.list()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
		expect(await store.backups.verify()).toMatchObject({ isComplete: true, id: before[0].id });
		const { id } = await store.backups.create();
		expect(id > before[0].id).toBe(true);
		await store.close();
		const to = join(directory, "copy.sqlite3");
		await open(file, rarely(url)).backups.restore({ to });
		expect(readFileSync(to).equals(readFileSync(file))).toBe(true);
	});
}

test("a backup that is put in parts comes back to the byte", { timeout: 300_000 }, async () => {
	await comesBack(await machine());
});

test("a backup that is put in parts is never put over another writer's", { timeout: 300_000 }, async () => {
	const { server, ...one } = await machine();
	await isNeverPutOverAnothers(one, urlOf(server.port));
});

test("wrong credentials are said, and not shown", { timeout: 300_000 }, async () => {
	const { file, url } = await machine();
	process.env.AWS_SECRET_ACCESS_KEY = "another secret";
	try {
		const store = open(file, { ...rarely(url), shutdownTimeoutMs: 0 });
		const error = await store.appData.get("k").catch((caught) => caught);
		expect(error.code).toBe("ERR_BACKUP_DESTINATION");
		expect(error.message).not.toMatch(/another secret|rootcellar-secret/);
	} finally {
		Object.assign(process.env, CREDENTIALS);
	}
});

test("a large database is backed up in bounded memory", { timeout: 300_000 }, async () => {
	const { file, url } = await machine();
	await raw(file, "create table large (x)", ...Array(15).fill("insert into large values (randomblob(10000000))"));
	const source = `
		const store = openDataStore({ filename: process.argv[1], backup: { url: process.argv[2], intervalMs: 100_000 } });
		await store.appData.get("k");
		const before = process.resourceUsage().maxRSS;
		const { sizeBytes } = await store.backups.create();
		console.log(JSON.stringify({ sizeBytes, grownKilobytes: process.resourceUsage().maxRSS - before }));
		await store.close();`;
	const { sizeBytes, grownKilobytes } = await runModuleForJson(source, { args: [file, url] });
	expect(sizeBytes).toBeGreaterThan(150_000_000);
	expect(grownKilobytes).toBeLessThan(80_000);
});

test("what Litestream has put there is restored", { timeout: 300_000 }, async () => {
	for (const version of installed()) {
		const { directory, file, url, server } = await machine();
		const original = join(directory, "original.sqlite3");
		const statements = ["pragma journal_mode = wal", "create table t (x)", "insert into t values (randomblob(50000))"];
		await raw(original, ...statements, "pragma wal_autocheckpoint = 0");
		const child = replicate(original, replicaOf(server.port), version, CREDENTIALS);
		await until(() => existsSync(join(directory, "server/bucket/my bot/backups/0000")), `${version} to begin`);
		await raw(original, "insert into t values (1), (2)");
		let attempt = 0;
		const hasAll = async () => {
			const theirs = join(directory, `${++attempt}.sqlite3`);
			await sleep(500);
			await restoreReplica(replicaOf(server.port), version, theirs, [], CREDENTIALS).catch(() => {});
			return existsSync(theirs) && (await raw(theirs, "select count(*) as count from t"))[0].count === 3;
		};
		await until(hasAll, `${version} to copy everything`);
		child.kill("SIGKILL");
		const store = open(file, rarely(url));
		expect(await store.sqlite.get("select count(*) as count, sum(length(x)) as bytes from t")).toEqual({
			count: 3,
			bytes: 50_002,
		});
		await store.appData.set({ key: "k", value: 1 });
		expect((await store.backups.create()).kind).toBe("increment");
	}
});
