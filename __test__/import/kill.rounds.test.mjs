// kill -9 within every importer: all keys or none.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { environment, fileWith, json, program } from "../cli/cli.mjs";
import { expectSound, raw, rawRows } from "../helpers/raw.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import { env } from "./imported.mjs";

const preload = fileURLToPath(new URL("kill-after.cjs", import.meta.url));

/** Keys of a source: as many slices of a thousand as the kills need. */
const KEYS = rounds({ few: 1_200, many: 2_500 });

/** After how many slices of a thousand keys the process is killed; and how often it is at any moment. */
const SLICES = rounds({ few: [1], many: [0, 2] });
const MOMENTS = rounds({ few: 0, many: 2, long: 50 });

/** A moment by which an import on an idle machine is done. */
const LONGEST_MS = 1_000;

/** Fills a table with keys; the value of each is `value` in SQL, in which `n` is a number. */
const fill = (table, value) =>
	`WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${KEYS})
	INSERT INTO "${table}" SELECT 'key ' || n, ${value} FROM numbers`;

const COUNTERS = "CREATE TABLE 'internal::autonum' (enmap TEXT PRIMARY KEY, lastnum INTEGER)";

/** Sources with as many keys, as the libraries make them. */
const SOURCES = {
	"quick.db 9": {
		from: "quick.db",
		make: (file) => raw(file, "CREATE TABLE json (ID TEXT PRIMARY KEY, json TEXT)", fill("json", "n")),
	},
	"quick.db 7": {
		from: "quick.db",
		make: (file) => raw(file, "CREATE TABLE json (ID TEXT, json TEXT)", fill("json", "'\"' || n || '\"'")),
	},
	"quick.db as JSON": {
		from: "quick.db",
		make: (file) => {
			const json = Array.from({ length: KEYS }, (_, n) => ({ id: `key ${n}`, value: n }));
			writeFileSync(file, JSON.stringify({ json }));
		},
	},
	"enmap 6": {
		from: "enmap",
		make: (file) =>
			raw(file, COUNTERS, "CREATE TABLE u (key text PRIMARY KEY, value text)", fill("u", `'{"t":2,"v":' || n || '}'`)),
	},
	"enmap 5": {
		from: "enmap",
		make: (file) =>
			raw(
				file,
				COUNTERS,
				"CREATE TABLE 'internal::changes::u' (type TEXT, key TEXT, value TEXT, timestamp INTEGER, pid INTEGER)",
				"CREATE TABLE u (key text PRIMARY KEY, value text)",
				fill("u", `'BigInt("' || n || '")'`),
			),
	},
	keyv: {
		from: "keyv",
		make: (file) =>
			raw(
				file,
				"CREATE TABLE keyv (key VARCHAR(255) PRIMARY KEY, value TEXT)",
				fill("keyv", `'{"value":' || n || '}'`),
			),
	},
	"node-persist": {
		from: "node-persist",
		make: (folder) => {
			mkdirSync(folder);
			for (let n = 0; n < KEYS; n++) {
				const name = createHash("sha256").update(`key ${n}`).digest("hex");
				writeFileSync(join(folder, name), JSON.stringify({ key: `key ${n}`, value: n }));
			}
		},
	},
	json: {
		from: "json",
		make: (file) =>
			writeFileSync(file, JSON.stringify(Object.fromEntries(Array.from({ length: KEYS }, (_, n) => [`key ${n}`, n])))),
	},
	rootcellar: {
		from: "rootcellar",
		make: (file) =>
			fileWith(
				Array.from({ length: KEYS }, (_, n) => ({ key: `key ${n}`, value: n })),
				join(file, ".."),
				"source",
			),
	},
};

/** Imports until the process ends by a signal after so many slices; `true` if it does. */
function ends(args, slices, { signal = "SIGKILL", input = "" } = {}) {
	const child = spawn(process.execPath, ["--require", preload, program, "import", ...args], {
		env: environment({ ...env, KILL_AFTER: String(slices), KILL_SIGNAL: signal }),
		stdio: ["pipe", "inherit", "inherit"],
	});
	child.stdin.end(input);
	// A signal that can be handled ends the process with 128 and its number, once what was temporary is removed.
	const isEnd = (code, by) => (signal === "SIGKILL" ? by === signal : code === 128 + constants.signals[signal]);
	return new Promise((resolve) => child.once("close", (code, by) => resolve(isEnd(code, by))));
}

/** Imports until the process is killed after so long, or has ended. */
async function endsAt(args, ms) {
	const child = spawn(process.execPath, [program, "import", ...args, "--force"], {
		env: environment(env),
		stdio: "ignore",
	});
	const closed = new Promise((resolve) => child.once("close", resolve));
	await Promise.race([closed, sleep(ms)]);
	child.kill("SIGKILL");
	await closed;
}

describe("an import that is killed has stored nothing, and can be done again:", () => {
	for (const [name, { from, make }] of Object.entries(SOURCES)) {
		test(name, async () => {
			const folder = temporaryDirectory();
			const source = join(folder, "source");
			await make(source);
			const file = await fileWith([{ key: "old", value: 1 }], folder);
			const args = ["--from", from, source, "-f", file];
			for (const slices of SLICES) {
				expect(await ends(args, slices)).toBe(true);
				expect(await rawRows(file)).toMatchObject([{ key: "old" }]);
			}
			for (let round = 0; round < MOMENTS; round++) {
				await endsAt(args, Math.random() * LONGEST_MS);
				expect([1, KEYS + 1]).toContain((await rawRows(file)).length);
			}
			expect((await json(["import", ...args, "--force"], { env })).keys).toBe(KEYS);
			expect(await rawRows(file)).toHaveLength(KEYS + 1);
			await expectSound(file);
		});
	}
});

test("an import of lines that is killed has stored nothing, and one that is ended leaves no copy of the input", async () => {
	const folder = temporaryDirectory();
	const file = await fileWith([{ key: "old", value: 1 }], folder);
	const input = Array.from({ length: 2_500 }, (_, n) => `{"key":"new ${n}","value":${n}}\n`).join("");
	const copies = () => readdirSync(folder).filter((name) => name.startsWith(".rootcellar-"));
	for (const signal of ["SIGTERM", "SIGKILL"]) {
		expect(await ends(["-f", file], 2, { signal, input })).toBe(true);
		expect(await rawRows(file)).toMatchObject([{ key: "old" }]);
		expect(copies()).toHaveLength(signal === "SIGKILL" ? 1 : 0);
	}
});
