// A destination that fails or is used by somebody else: no write is stopped, and nothing is lost.

import { once } from "node:events";
import { cpSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RootcellarError } from "rootcellar";
import { describe, expect, onTestFinished, test } from "vitest";
import { rootcellar } from "../cli/cli.mjs";
import { runModule, startModule } from "../helpers/child.mjs";
import { expectFailure } from "../helpers/errors.mjs";
import { remove } from "../helpers/files.mjs";
import { raw } from "../helpers/raw.mjs";
import { until } from "../helpers/time.mjs";
import { lose, machineWithFile, openBackedUp as open } from "./backups.mjs";
import { machine } from "./machine.mjs";

describe("a destination that fails", () => {
	const SOURCE = `
		const [filename, url, kind] = process.argv.slice(1);
		// That of a process which ends right after it has begun has to be long enough for one attempt.
		const shutdownTimeoutMs = kind === "short" || kind === "natural" ? 2_000 : 100;
		const store = openDataStore({ filename, backup: { url, intervalMs: 20, quiet: kind === "quiet", shutdownTimeoutMs } });
		if (kind === "listening") store.backups.on("failure", () => {});
		await store.appData.set({ key: "k", value: 1 });
		if (kind === "short") process.exit(0);
		if (kind !== "natural") {
			const end = Date.now() + 120_000;
			while (store.backups.status().state !== "failing" && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
			await new Promise((resolve) => setTimeout(resolve, 300));
			await store.appData.set({ key: "k", value: 2 });
			await new Promise((resolve) => setTimeout(resolve, 300));
			await store.close();
		}`;

	test("is warned of once, unless somebody listens or it is to be quiet, also when the process ends", async () => {
		for (const kind of ["", "natural", "short", "quiet", "listening"]) {
			const { directory, file } = await machineWithFile();
			const url = join(directory, "text");
			writeFileSync(url, "no folder");
			const { code, stderr } = await runModule(SOURCE, { args: [file, url, kind] });
			expect(code).toBe(0);
			if (kind === "quiet" || kind === "listening") {
				expect(stderr, kind).toBe("");
			} else {
				expect(stderr.match(/ROOTCELLAR_BACKUP_FAILING/g), `${kind}: ${stderr}`).toHaveLength(1);
				for (const part of [file, url, "ERR_BACKUP_DESTINATION", "ROOTCELLAR_BACKUP=off"])
					expect(stderr).toContain(part);
			}
		}
	});

	test("because it is not allowed is warned of without what is secret", async () => {
		const { file } = await machineWithFile();
		const server = createServer((_, response) => response.writeHead(403).end());
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		onTestFinished(() => server.close());
		const { port } = server.address();
		const url = `s3://bucket/bot?endpoint=http://127.0.0.1:${port}`;
		const env = { AWS_ACCESS_KEY_ID: "secret-id", AWS_SECRET_ACCESS_KEY: "secret-key" };
		const { code, stderr } = await runModule(SOURCE, { args: [file, url, ""], env });
		expect([code, stderr.match(/ROOTCELLAR_BACKUP_FAILING/g)?.length], stderr).toEqual([0, 1]);
		expect(stderr).toContain("to s3://bucket/bot are not as they should be: ");
		expect(stderr).not.toContain("secret");
	});

	test("stops no write, is told, and gets everything when it is back", async () => {
		const { directory, file, destination } = machine();
		const store = open(file);
		const failures = [];
		store.backups.on("failure", (error) => failures.push(error));
		await store.appData.set({ key: "k", value: 0 });
		await store.backups.create();
		renameSync(destination, join(directory, "away"));
		writeFileSync(destination, "");
		for (let value = 1; value <= 20; value++) await store.appData.set({ key: "k", value });
		await until(() => failures.length > 0, "a failure");
		expect(failures[0]).toBeInstanceOf(RootcellarError);
		expect(failures[0].code).toBe("ERR_BACKUP_DESTINATION");
		expect(store.backups.status()).toMatchObject({ state: "failing", lastError: { code: "ERR_BACKUP_DESTINATION" } });
		await sleep(20);
		expect(store.backups.status().lagMs).toBeGreaterThan(0);
		rmSync(destination);
		renameSync(join(directory, "away"), destination);
		await until(() => store.backups.status().state === "active", "the destination to be used again");
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(20);
	});

	test("keeps a missing file from being begun anew", async () => {
		const { directory, file, destination } = machine();
		const store = open(file);
		await store.appData.set({ key: "k", value: 1 });
		await store.close();
		lose(file);
		renameSync(join(destination, "ltx/0"), join(directory, "away"));
		writeFileSync(join(destination, "ltx/0"), "");
		const next = open(file);
		await expectFailure(() => next.appData.get("k"), "ERR_BACKUP_DESTINATION");
		rmSync(join(destination, "ltx/0"));
		renameSync(join(directory, "away"), join(destination, "ltx/0"));
		expect(await next.appData.get("k")).toBe(1);
	});

	test("that another database uses is a conflict, and histories are not mixed", async () => {
		const [one, other] = [machine(), machine()];
		const url = one.destination;
		const first = open(one.file, { url });
		await first.appData.set({ key: "k", value: 1 });
		await first.backups.create();
		// Without a file it would be given the first one's state.
		await raw(other.file, "create table t (x)");
		const second = open(other.file, { url });
		await second.appData.set({ key: "k", value: "second" });
		await expectFailure(() => second.backups.create(), "ERR_BACKUP_CONFLICT");
		expect(second.backups.status().state).toBe("conflict");
		await first.appData.set({ key: "k", value: 2 });
		await first.backups.create();
		const to = join(other.directory, "copy.sqlite3");
		await first.backups.restore({ to });
		expect(await raw(to, "select value from __rootapp_kv")).toEqual([{ value: "2" }]);
	});

	test("that a copy of the bot uses is a conflict for the one that comes second, whose file is kept", async () => {
		const [one, copy] = [machine(), machine()];
		const url = one.destination;
		const source = `
			const [file, url, value, waits] = process.argv.slice(1);
			const store = openDataStore({ filename: file, backup: { url, quiet: true } });
			const backUp = () => store.backups.create().then(() => "made", ({ code }) => code);
			const say = (what) => console.log(JSON.stringify(what));
			say(await store.appData.get("k") ?? "nothing");
			await store.appData.set({ key: "k", value });
			say(await backUp());
			if (waits) await new Promise((resolve) => process.stdin.once("data", resolve));
			await store.appData.set({ key: "k", value: value + ", later" });
			say(await backUp());
			await store.close();
			process.exit();`;
		const said = ({ lines }) => lines.map((line) => JSON.parse(line));
		const bot = startModule(source, { args: [one.file, url, "bot", "waits"] });
		await bot.lineCount(2);
		// The log before the file, into which it is copied meanwhile.
		for (const suffix of ["-wal", "", ".backup-state"])
			cpSync(one.file + suffix, copy.file + suffix, { recursive: true });
		const other = startModule(source, { args: [copy.file, url, "copy"] });
		await other.ended;
		expect(said(other)).toEqual(["bot", "made", "made"]);
		bot.write("go on");
		await bot.ended;
		expect(said(bot)).toEqual(["nothing", "made", "ERR_BACKUP_CONFLICT"]);

		const again = open(one.file, { url });
		expect(await again.appData.get("k")).toBe("bot, later");
		expect(readdirSync(one.directory).filter((name) => /stale|damaged/.test(name))).toEqual([]);
		await expectFailure(() => again.backups.create(), "ERR_BACKUP_CONFLICT");

		// What the operator chooses who wants the other's state.
		await again.close();
		for (const suffix of ["", "-wal", "-shm"]) remove(one.file + suffix);
		expect(await rootcellar(["restore", "--file", one.file, "--url", url])).toMatchObject({ code: 0, stderr: "" });
		const chosen = open(one.file, { url });
		expect(await chosen.appData.get("k")).toBe("copy, later");
		await chosen.appData.set({ key: "k", value: "goes on" });
		await chosen.backups.create();
		expect(chosen.backups.status().state).toBe("active");
	});
});
