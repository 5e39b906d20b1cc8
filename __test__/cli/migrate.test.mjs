// `npx rootcellar migrate` from a file to another one.

import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeSdkFile, raw, rawRows, SDK_SCHEMA } from "../helpers/raw.mjs";
import { temporaryDirectory, temporaryStore } from "../helpers/store.mjs";
import { failure, fileWith, json, rootcellar } from "./cli.mjs";

const env = { ROOTCELLAR_BACKUP: "off" };

test("one store is no source and target at once, by any name", async () => {
	const folder = temporaryDirectory();
	const file = await fileWith([{ key: "k", value: 1 }], folder);
	const link = join(folder, "link");
	symlinkSync(file, link);
	const config = { ...env, DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: file } }) };
	const database = "postgres://bot@127.0.0.1:1/bot";
	for (const args of [
		["--from", file, "--to", join(folder, ".", "nowhere", "..", "link")],
		["--from", link, "--to", file],
		["--from", file],
		["--to", link],
		["--from", database, "--to", `${database}?application_name=other`],
	]) {
		const { code, said } = await failure(["migrate", ...args], { env: config, code: 2 });
		expect([code, said], args.join(" ")).toEqual(["ERR_USAGE", expect.stringContaining("name the same store")]);
	}
	expect(await rawRows(file)).toHaveLength(1);
});

test("a store in memory is none that a command could use", async () => {
	const file = await fileWith([{ key: "k", value: 1 }]);
	const config = {
		...env,
		DATABASE_CONFIG: JSON.stringify({ databaseType: "sqlite3", sqlite3: { filename: ":memory:" } }),
	};
	for (const args of [
		["--from", file],
		["--to", file],
	]) {
		expect((await failure(["migrate", ...args], { env: config, code: 2 })).code).toBe("ERR_INVALID_CONFIG");
	}
});

test("expiries that another program has written are carried over as the store reads them", async () => {
	const [from, to] = [join(temporaryDirectory(), "sdk.sqlite3"), join(temporaryDirectory(), "to.sqlite3")];
	await makeSdkFile(from, [
		{ key: "fraction", value: "1", expires_at: 4_102_444_800_000.5 },
		{ key: "beyond", value: "2", expires_at: 9e18 },
	]);
	expect(await json(["migrate", "--from", from, "--to", to], { env })).toMatchObject({ keys: 2 });
	const store = temporaryStore(to);
	expect([await store.appData.get("fraction"), await store.appData.get("beyond")]).toEqual([1, 2]);
});

test("two stores that differ afterwards are an error, and what it advises makes room to migrate again", async () => {
	const folder = temporaryDirectory();
	const from = await fileWith([{ key: "k", value: 1 }], folder, "from.sqlite3");
	// In the place of somebody who writes meanwhile.
	const to = await fileWith([], folder, "to.sqlite3");
	await raw(
		to,
		"CREATE TRIGGER other AFTER INSERT ON __rootapp_kv BEGIN DELETE FROM __rootapp_kv WHERE key = new.key; END",
	);
	const { code, message } = await failure(["migrate", "--from", from, "--to", to]);
	const advice = `empty the target (npx rootcellar reset --file "${to}"), and migrate again`;
	expect([code, message]).toEqual(["ERR_MIGRATION_DIFFERS", expect.stringContaining(advice)]);
	expect((await json(["reset", "--file", to])).moved.map(({ from }) => from)).toContain(`${to}.backup`);
	expect(await json(["migrate", "--from", from, "--to", to])).toMatchObject({ keys: 1, carriedOver: 1 });
});

test.each([
	["UTF-8", ["6bff", "6bfe", "c3"], "c3"],
	["UTF-16le", ["6b0000d8", "6b0001d8"], "00d8"],
])(
	"rows of which the key is no text in %s are left out, and counted, and left out of an export",
	async (encoding, keys, community) => {
		const folder = temporaryDirectory();
		const [from, to] = [join(folder, "from.sqlite3"), join(folder, "to.sqlite3")];
		const text = (hex) => `CAST(x'${hex}' AS TEXT)`;
		await raw(
			from,
			`PRAGMA encoding = '${encoding}'`,
			...SDK_SCHEMA,
			"INSERT INTO __rootapp_kv VALUES ('k\ufffd', NULL, '1', NULL), ('\u{1f600}' || char(0) || '\ufffd', '\u00e9', '2', NULL)",
			...keys.map((key) => `INSERT INTO __rootapp_kv VALUES (${text(key)}, NULL, '3', NULL)`),
			`INSERT INTO __rootapp_kv VALUES ('k', ${text(community)}, '4', NULL), (x'6b', NULL, '5', NULL)`,
		);
		const { stdout } = await rootcellar(["export", "--file", from], { env });
		const lines = stdout.trimEnd().split("\n");
		expect(lines.map((line) => JSON.parse(line))).toEqual([
			{ key: "k\ufffd", value: 1 },
			{ key: "\u{1f600}\0\ufffd", communityId: "\u00e9", value: 2 },
		]);
		const told = { keys: 2, carriedOver: 2, present: 0, leftOut: keys.length + 2 };
		expect(await json(["migrate", "--from", from, "--to", to], { env })).toMatchObject(told);
		const again = await rootcellar(["migrate", "--from", from, "--to", to], { env });
		expect(again.stdout).toContain(`${keys.length + 2} rows that are no keys of a store were left alone`);
		expect((await rootcellar(["export", "--file", to], { env })).stdout).toBe(stdout);
	},
);

test("a number beyond the range of JavaScript is refused, and nothing is written", async () => {
	const [from, to] = [join(temporaryDirectory(), "sdk.sqlite3"), join(temporaryDirectory(), "to.sqlite3")];
	await makeSdkFile(from, [
		{ key: "fine", value: "1" },
		{ key: "high", value: '{"a":[1,{"b":1e400}]}' },
		{ key: "low", value: "-1e400" },
	]);
	const { code, said } = await failure(["migrate", "--from", from, "--to", to], { env });
	expect(code).toBe("ERR_INVALID_INPUT");
	expect(said).toMatch(/2 keys cannot be stored.*"high".*"low": it has a number beyond/s);
	expect(await rawRows(to)).toEqual([]);
});
