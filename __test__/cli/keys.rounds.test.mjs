// The command line: export and import.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { openDataStore } from "rootcellar";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { anyCharacter } from "../helpers/characters.mjs";
import { makeSdkFile, raw, rawRows } from "../helpers/raw.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import { failure, fileWith, json, rootcellar } from "./cli.mjs";

vi.setConfig({ testTimeout: 300_000 });

const parsed = (text) =>
	text
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line));

describe("export and import", () => {
	test("carry every key of every community, its value, its expiry and its place", async () => {
		const soon = new Date(Date.now() + 1_234_567);
		const file = await fileWith([
			{ key: "first", value: { nested: ["x", null, -0.5, 1e300] } },
			{ key: "same", value: "default" },
			{ key: "same", value: "of a", communityId: "a" },
			{ key: "", value: null, communityId: 'b "quoted"\n\u2028' },
			{ key: "nul\0 line\nfeed \u2028\u2029\u0085 \ud83d\ude00 \r\n\t\\", value: "\u2028\n\ud800\0", expiresAt: soon },
			{ key: "gone", value: 1, expiresAt: 1 },
			{ key: "last", value: false, expiresAt: 8.64e15, communityId: "a" },
		]);
		const { code, stdout } = await rootcellar(["export", "-f", file]);
		expect(code).toBe(0);
		expect(parsed(stdout)).toEqual([
			{ key: "first", value: { nested: ["x", null, -0.5, 1e300] } },
			{ key: "same", value: "default" },
			{ key: "same", communityId: "a", value: "of a" },
			{ key: "", communityId: 'b "quoted"\n\u2028', value: null },
			{
				key: "nul\0 line\nfeed \u2028\u2029\u0085 \ud83d\ude00 \r\n\t\\",
				value: "\u2028\n\ud800\0",
				expiresAt: soon.toISOString(),
			},
			{ key: "last", communityId: "a", value: false, expiresAt: "+275760-09-13T00:00:00.000Z" },
		]);
		// Lines for readers that end one also at these.
		expect(stdout).not.toMatch(/[\u0085\u2028\u2029]/);

		const other = join(temporaryDirectory(), "other.sqlite3");
		expect(await json(["import", "-f", other], { input: stdout })).toMatchObject({ keys: 6 });
		const rows = (await rawRows(file)).filter(({ key }) => key !== "gone");
		expect(await rawRows(other)).toEqual(rows);
		expect((await rootcellar(["export", "-f", other])).stdout).toBe(stdout);
	});

	test("give back any keys and values, in their order", async () => {
		const text = fc.string({ unit: anyCharacter, maxLength: 12 });
		const entry = fc.record(
			{
				key: text,
				communityId: fc.oneof(fc.constantFrom("a", "b"), text),
				value: fc.jsonValue(),
				expiresAt: fc.integer({ min: Date.now() + 10_000_000, max: 8.64e15 }),
			},
			{ requiredKeys: ["key", "value"] },
		);
		await fc.assert(
			fc.asyncProperty(fc.array(entry, { maxLength: 300 }), async (entries) => {
				const directory = mkdtempSync(join(tmpdir(), "rootcellar-"));
				try {
					const file = await fileWith(entries, directory);
					const { stdout } = await rootcellar(["export", "-f", file]);
					const other = join(directory, "other.sqlite3");
					await rootcellar(["import", "-f", other], { input: stdout });
					if (stdout !== "") expect(await rawRows(other)).toEqual(await rawRows(file));
				} finally {
					rmSync(directory, { recursive: true });
				}
			}),
			{ numRuns: rounds({ few: 3, many: 20, long: 200 }) },
		);
	});

	test("keep to one community where they are told to", async () => {
		const file = await fileWith([
			{ key: "k", value: 0 },
			{ key: "k", value: 1, communityId: "a" },
			{ key: "k", value: 2, communityId: "b" },
		]);
		const all = (await rootcellar(["export", "-f", file])).stdout;
		for (const [community, line] of [
			["a", { key: "k", communityId: "a", value: 1 }],
			["", { key: "k", value: 0 }],
		]) {
			const { stdout } = await rootcellar(["export", "-f", file, "--community", community]);
			expect(parsed(stdout)).toEqual([line]);
			const other = join(temporaryDirectory(), "other.sqlite3");
			const imported = await json(["import", "-f", other, "--community", community], { input: all });
			expect(imported).toMatchObject({ keys: 1, skipped: 2 });
			expect((await rootcellar(["export", "-f", other])).stdout).toBe(stdout);
		}
		expect((await rootcellar(["export", "-f", file, "--community", "c"])).stdout).toBe("");
		const other = join(temporaryDirectory(), "other.sqlite3");
		const none = await rootcellar(["import", "-f", other, "--community", "c"], { input: all });
		expect(none.stdout).toBe("0 keys were imported, 3 of other communities were left out\n");
		expect(existsSync(other)).toBe(false);
	});

	test("need no backups to be on", async () => {
		const file = await fileWith([{ key: "k", value: 1 }]);
		const env = { ROOTCELLAR_BACKUP: "off" };
		const { stdout } = await rootcellar(["export", "-f", file], { env });
		const directory = temporaryDirectory();
		const other = join(directory, "other.sqlite3");
		expect(await json(["import", "-f", other], { env, input: stdout })).toMatchObject({ keys: 1 });
		expect(readdirSync(directory)).toEqual(["other.sqlite3"]);
	});
});

describe("export", () => {
	test("agrees with select on the duplicate rows that the SDK leaves", async () => {
		const file = join(temporaryDirectory(), "sdk.sqlite3");
		const later = Date.now() + 1_000_000;
		const row = (key, value, expires_at) => ({ key, value: JSON.stringify(value), expires_at });
		await makeSdkFile(file, [
			row("a", "a1"),
			row("b", "b1", 5),
			row("c", "c1"),
			row("a", "a2", later),
			row("b", "b2"),
			row("c", "c2", 5),
			row("d", "d1", 5),
			row("e", "e1", "never, for the SDK"),
			row("b", "b3"),
			row("d", "d2", later + 0.5),
			{ ...row("a", "of x"), community_id: "x" },
		]);
		const exported = parsed((await rootcellar(["export", "-f", file])).stdout);
		const store = openDataStore({ filename: file, backup: false });
		onTestFinished(() => store.close());
		const selected = (await store.appData.select("%")).map(({ expires_at, ...entry }) => entry);
		const inDefault = exported.filter(({ communityId }) => communityId === undefined);
		expect(inDefault.map(({ key, value }) => [key, value])).toEqual(selected.map(({ key, value }) => [key, value]));
		expect(inDefault.map(({ key }) => key)).toEqual(["a", "b", "e", "d"]);
		expect(exported).toHaveLength(5);
	});

	test("agrees with select on what other programs have stored", async () => {
		const file = await fileWith([{ key: "first", value: 1 }]);
		const far = "9223372036854775807";
		await raw(
			file,
			`insert into __rootapp_kv (rowid, key, value, expires_at) values (${far}, 'far', '[ 1,\r\n 2.50 ]', ${far})`,
			"insert into __rootapp_kv (key, value) values (x'00ff', '1'), ('blob', x'2262')",
			"update __rootapp_kv set value = cast('\"b\"' as blob) where key = 'blob'",
			"insert into __rootapp_kv (key, value, community_id) values ('none', '1', ''), ('none', '1', x'61')",
			"insert into __rootapp_kv (key, value, expires_at) values ('text', '1', 'soon'), ('past', '1', 5.5)",
		);
		const { stdout, stderr } = await rootcellar(["export", "-f", file]);
		expect(stderr).toBe("");
		const store = openDataStore({ filename: file, backup: false });
		onTestFinished(() => store.close());
		const selected = (await store.appData.select("%")).map(({ expires_at, ...entry }) => entry);
		expect(parsed(stdout)).toEqual(JSON.parse(JSON.stringify(selected)));
		expect(selected.map(({ key }) => key).sort()).toEqual(["blob", "far", "first", "text"]);
		expect(stdout).toContain('"value":[ 1,   2.50 ]');
	});

	test("writes a file whole or not at all, and none that exists unasked", async () => {
		const directory = temporaryDirectory();
		const file = await fileWith([{ key: "k", value: 1 }], directory);
		const output = join(directory, "keys.jsonl");
		expect(await json(["export", "-f", file, "--output", output])).toEqual({ keys: 1, file: output });
		expect(readFileSync(output, "utf8")).toBe('{"key":"k","value":1}\n');
		expect((await failure(["export", "-f", file, "--output", output])).code).toBe("ERR_FILE_EXISTS");
		await raw(file, "update __rootapp_kv set value = 'secret'");
		const { code, message } = await failure(["export", "-f", file, "--output", output, "--force"]);
		expect([code, message]).toEqual(["ERR_VALUE_NOT_JSON", expect.stringContaining('"k"')]);
		expect(message).not.toContain("secret");
		expect(readFileSync(output, "utf8")).toBe('{"key":"k","value":1}\n');
		for (const [name, expected] of [
			[file, "ERR_FILE_EXISTS"],
			["/dev/null", "ERR_NOT_A_FILE"],
			[directory, "ERR_NOT_A_FILE"],
			[join(directory, "missing/keys"), "ERR_NOT_FOUND"],
		]) {
			const refused = await failure(["export", "-f", file, "--output", name, "--force"]);
			expect([name, refused.code]).toEqual([name, expected]);
		}
		expect(readdirSync(directory).sort()).toEqual(["bot.sqlite3", "keys.jsonl"]);
	});

	test("leaves a database alone that is no store", async () => {
		const directory = temporaryDirectory();
		const file = join(directory, "other.sqlite3");
		await raw(file, "create table t (x)");
		const before = readFileSync(file);
		expect((await failure(["export", "-f", file])).code).toBe("ERR_NOT_A_STORE");
		expect(readFileSync(file).equals(before)).toBe(true);
		expect(readdirSync(directory)).toEqual(["other.sqlite3"]);
	});
});

describe("import", () => {
	const line = (entry) => `${JSON.stringify(entry)}\n`;

	test("stores all or nothing, whatever is wrong and wherever", async () => {
		const directory = temporaryDirectory();
		const file = await fileWith([{ key: "old", value: 1 }], directory);
		const before = await rawRows(file);
		const lines = join(temporaryDirectory(), "lines");
		const good = Array.from({ length: 2_500 }, (_, n) => line({ key: `new ${n}`, value: n })).join("");
		const wrong = [
			"nonsense",
			"[]",
			"null",
			"1",
			line({ key: 1, value: 1 }),
			line({ value: 1 }),
			line({ key: "a" }),
			'{"key":"\\ud800","value":1}',
			line({ key: "a", value: 1, communityId: 5 }),
			'{"key":"a","value":1,"communityId":"\\udfff"}',
			line({ key: "a", value: 1, expiresAt: "noon" }),
			line({ key: "a", value: 1, expiresAt: true }),
			line({ key: "a", value: 1, expiresAt: 1e99 }),
			line({ key: "a", value: 1, expiresAt: 1e12, expires_at: 2e12 }),
			line({ key: "a", value: 1, comunityId: "b" }),
			'{"key":"a","value":[1,-1e400]}',
			`{"key":"a","value":1${"0".repeat(400)}}`,
			Buffer.concat([Buffer.from('{"key":"a'), Buffer.from([0xff]), Buffer.from('","value":1}')]),
		];
		for (const bad of wrong) {
			writeFileSync(lines, Buffer.concat([Buffer.from(good), Buffer.from(bad)]));
			const { code, message } = await failure(["import", "-f", file, "--force", "--input", lines]);
			expect([code, message], String(bad)).toEqual(["ERR_INVALID_INPUT", expect.stringContaining("line 2501 ")]);
		}
		// The second is that of a line before, in another slice, and the third that of the line before it.
		for (const [bad, problem] of [
			[line({ key: "old", value: 2 }), "line 2501 exists; nothing was imported, and --force overwrites"],
			[line({ key: "new 7", value: 2 }), "line 2501 is that of a line before; nothing was imported"],
			[line({ key: "x", value: 2 }).repeat(2), "line 2502 is that of a line before; nothing was imported"],
		]) {
			const { code, message } = await failure(["import", "-f", file], { input: good + bad });
			expect([code, message]).toEqual(["ERR_KEY_EXISTS", expect.stringContaining(`the key of ${problem}`)]);
		}
		expect(await rawRows(file)).toEqual(before);
		expect((await failure(["import", "-f", file, "--input", join(directory, "none")])).code).toBe("ERR_NOT_FOUND");
		expect((await failure(["import", "-f", file, "--input", directory])).code).toBe("ERR_NOT_A_FILE");
	});

	test("with --force overwrites, and the last line of a key counts", async () => {
		const file = await fileWith([{ key: "k", value: 1, expiresAt: Date.now() + 1_000_000 }]);
		const input = line({ key: "k", value: 2 }) + line({ key: "n", value: 1 }) + line({ key: "k", value: 3 });
		expect(await json(["import", "-f", file, "--force"], { input })).toMatchObject({ keys: 3 });
		expect(await rawRows(file)).toEqual([
			{ key: "k", community_id: null, value: "3", expires_at: null },
			{ key: "n", community_id: null, value: "1", expires_at: null },
		]);
	});

	test("takes what others write: either name and form of an expiry, null, empty lines, CRLF, a mark, no last end", async () => {
		const file = join(temporaryDirectory(), "bot.sqlite3");
		const at = 4_000_000_000_000;
		const input = `\ufeff${[
			line({ key: "a", value: 1, expiresAt: at }),
			line({ key: "b", value: 1, expires_at: new Date(at).toISOString() }),
			"\n  \n",
			line({ key: "c", value: 1, expiresAt: new Date(at), expires_at: at, communityId: null }),
			line({ key: "d", value: 1, expiresAt: null }),
		]
			.join("")
			.replaceAll("\n", "\r\n")}${line({ key: "e", value: "\u2028" }).trim()}`;
		expect(await json(["import", "-f", file], { input })).toMatchObject({ keys: 5 });
		const rows = await rawRows(file);
		expect(rows.map(({ key, expires_at }) => [key, expires_at])).toEqual([
			["a", at],
			["b", at],
			["c", at],
			["d", null],
			["e", null],
		]);
	});

	test("backs up what it has stored, and says so if it cannot", async () => {
		const directory = temporaryDirectory();
		const file = join(directory, "bot.sqlite3");
		await json(["import", "-f", file], { input: line({ key: "k", value: 1 }) });
		expect((await json(["status", "-f", file])).lag.state).toBe("none");
		const url = join(directory, "text");
		writeFileSync(url, "no folder");
		const { code, stdout, stderr } = await rootcellar(["import", "-f", file, "-u", url], {
			input: line({ key: "l", value: 1 }),
		});
		expect([code, stdout]).toEqual([0, "1 key was imported\n"]);
		expect(stderr).toMatch(/^rootcellar: the keys are stored, and not backed up yet: .*ERR_BACKUP_DESTINATION\)\n$/);
		expect(await rawRows(file)).toHaveLength(2);
	});
});
