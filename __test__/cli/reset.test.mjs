// npx rootcellar reset: sets a store aside with all that belongs to it, and deletes nothing.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { openDataStore } from "rootcellar";
import { expect, onTestFinished, test, vi } from "vitest";
import { temporaryDirectory } from "../helpers/store.mjs";
import { failure, fileWith, json, rootcellar, startBot, stored, valueIn } from "./cli.mjs";

vi.setConfig({ testTimeout: 300_000 });

/** Every file below a folder, with what is in it; locks hold nothing. */
function contents(folder) {
	const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	const kept = files.filter(({ name }) => !name.endsWith(".lock"));
	return new Map(kept.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))]));
}

/** The bytes of the files, whatever their names. */
const bytesOf = (files) => [...files.values()].map((bytes) => bytes.toString("latin1")).sort();

/** Value under `k` in a store with backups. */
async function opened(file, backup = {}) {
	const store = openDataStore({ filename: file, backup });
	try {
		return await store.appData.get("k");
	} finally {
		await store.close();
	}
}

test("the next start begins empty, and what was there is a store with its backups still", async () => {
	const { directory, file } = await stored();
	const backups = await json(["list", "-f", file]);
	expect(backups.length).toBeGreaterThanOrEqual(2);
	const before = bytesOf(contents(directory));
	const { moved, ...rest } = await json(["reset", "-f", file]);
	expect(rest).toEqual({ file });
	const aside = moved[0].to;
	expect(aside).toMatch(/\/bot\.sqlite3\.reset-\d+$/);
	expect(moved).toEqual(
		["", ".backup", ".backup-state"].map((suffix) => ({ from: file + suffix, to: aside + suffix })),
	);
	expect(readdirSync(directory).map((name) => join(directory, name))).toEqual(moved.map(({ to }) => to));
	expect(bytesOf(contents(directory))).toEqual(before);
	expect(await opened(file)).toBe(undefined);

	expect(await json(["list", "-f", aside])).toEqual(backups);
	expect(await valueIn(aside)).toBe(2);

	// And back: the new one is set aside, and each name is given back.
	const again = await rootcellar(["reset", "-f", file]);
	expect([again.code, again.stderr]).toEqual([0, ""]);
	expect(again.stdout).toContain(`${file} is now ${file}.reset-`);
	for (const { from, to } of moved) renameSync(to, from);
	expect(await opened(file)).toBe(2);
});

test("a clone that has backups of another machine begins empty", async () => {
	const { file } = await stored();
	const clone = temporaryDirectory();
	const cloned = join(clone, "bot.sqlite3");
	cpSync(`${file}.backup`, `${cloned}.backup`, { recursive: true });
	const { moved } = await json(["reset", "-f", cloned]);
	expect(moved.map(({ from }) => from)).toEqual([`${cloned}.backup`]);
	expect(readdirSync(clone)).toHaveLength(1);
	expect(await opened(cloned)).toBe(undefined);
});

test("the log that a killed bot left goes with its database", async () => {
	const { directory, file } = await stored();
	const bot = await startBot(file, "{ intervalMs: 1_000_000 }");
	bot.write("3\n");
	await bot.line("did 3");
	bot.kill("SIGKILL");
	await bot.ended;
	const { moved } = await json(["reset", "-f", file]);
	expect(readdirSync(directory).every((name) => name.includes(".reset-"))).toBe(true);
	expect(await valueIn(moved[0].to)).toBe(3);
	expect(await opened(file)).toBe(undefined);
});

test("a file that is no database is set aside as it is", async () => {
	const directory = temporaryDirectory();
	const file = join(directory, "bot.sqlite3");
	writeFileSync(file, "text\n".repeat(1_000));
	const { moved } = await json(["reset", "-f", file]);
	expect(readFileSync(moved[0].to, "utf8")).toBe("text\n".repeat(1_000));
	expect(readdirSync(directory)).toHaveLength(1);
});

test("backups in another folder are moved within it, and nothing else there is", async () => {
	const directory = temporaryDirectory();
	const [file, url] = [join(directory, "bot.sqlite3"), join(directory, "elsewhere")];
	mkdirSync(url);
	writeFileSync(join(url, "mine"), "");
	const store = openDataStore({ filename: file, backup: { url } });
	await store.appData.set({ key: "k", value: 1 });
	await store.close();
	const { moved } = await json(["reset", "-f", file, "-u", url]);
	const { to } = moved.find(({ from }) => from === join(url, "ltx"));
	expect(to).toMatch(/\/elsewhere\/reset-\d+\/ltx$/);
	expect(existsSync(join(url, "mine"))).toBe(true);
	expect(await opened(file, { url })).toBe(undefined);
});

for (const [name, backup] of [
	["a bot that makes backups", "{}"],
	["a bot without backups", "false"],
]) {
	test(`a file that ${name} has open stays`, async () => {
		const { directory, file } = await stored();
		const bot = await startBot(file, backup);
		const before = readdirSync(directory);
		const { code, message } = await failure(["reset", "-f", file]);
		expect([code, message]).toEqual(["ERR_FILE_IN_USE", expect.stringContaining(file)]);
		expect(readdirSync(directory)).toEqual(before);
		bot.write("4\n");
		await bot.line("did 4");
		bot.kill("SIGKILL");
		await bot.ended;
		expect(await valueIn(file)).toBe(4);
	});
}

test("what is not there, or is no file, is an error, and changes nothing", async () => {
	const directory = temporaryDirectory();
	const missing = await failure(["reset", "-f", join(directory, "nope.sqlite3")]);
	expect([missing.code, missing.message]).toEqual(["ERR_NOT_FOUND", expect.stringContaining("nope.sqlite3")]);
	expect(readdirSync(directory)).toEqual([]);
	mkdirSync(join(directory, "folder"));
	expect((await failure(["reset", "-f", join(directory, "folder")])).code).toBe("ERR_NOT_A_FILE");
	expect(readdirSync(directory)).toEqual(["folder"]);
});

/** An S3 server with these keys, which only lists. */
async function startListing(keys) {
	const server = createServer((request, response) => {
		const prefix = new URL(request.url, "http://x").searchParams.get("prefix") ?? "";
		const found = keys
			.filter((key) => key.startsWith(prefix))
			.map((key) => {
				const tag = "<ETag>&quot;1&quot;</ETag><Size>100</Size><StorageClass>STANDARD</StorageClass>";
				return `<Contents><Key>${key}</Key><LastModified>2025-01-31T12:00:00.000Z</LastModified>${tag}</Contents>`;
			});
		response.setHeader("content-type", "application/xml");
		response.end(
			'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
				`<Name>bucket</Name><Prefix>${prefix}</Prefix><KeyCount>${found.length}</KeyCount><MaxKeys>1000</MaxKeys>` +
				`<IsTruncated>false</IsTruncated>${found.join("")}</ListBucketResult>`,
		);
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	return `s3://bucket/bot?endpoint=http://127.0.0.1:${server.address().port}`;
}

test("backups at an object store, from which the next start would restore, keep everything where it is", async () => {
	const env = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret", AWS_REGION: "us-east-1" };
	const directory = temporaryDirectory();
	const file = await fileWith([{ key: "k", value: 1 }], directory);
	const url = await startListing(["bot/0000/0000000000000001-0000000000000001.ltx"]);
	const { code, message } = await failure(["reset", "-f", file, "-u", url], { env });
	expect([code, message]).toEqual(["ERR_REMOTE_BACKUPS", expect.stringContaining("s3://bucket/bot")]);
	expect(readdirSync(directory)).toEqual(["bot.sqlite3"]);
	expect(await valueIn(file)).toBe(1);

	const empty = await startListing([]);
	expect((await json(["reset", "-f", file, "-u", empty], { env })).moved).toHaveLength(1);
});
