// DATABASE_CONFIG with anything in it. ROOTCELLAR_FUZZ_SECONDS says for how long, ROOTCELLAR_TEST_SEED repeats a run.

import { createRequire } from "node:module";
import { isAbsolute, resolve } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyCharacter } from "../helpers/characters.mjs";
import { rounds } from "../helpers/rounds.mjs";

const require = createRequire(import.meta.url);
const { backupOf } = require("../../lib/config/backup.js");
const { locationFromEnvironment } = require("../../lib/config/location.js");
const { RootcellarError } = require("../../lib/base/errors.js");

const seconds = Number(process.env.ROOTCELLAR_FUZZ_SECONDS ?? rounds({ few: 0.3, many: 5, long: 60 }));
const seed = Number(process.env.ROOTCELLAR_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Runs a property for a time, and says how often. */
function check(name, arbitrary, property) {
	let runs = 0;
	const counted = (input) => {
		runs++;
		property(input);
	};
	const duration = (seconds * 1_000) / 3;
	const limits = { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: duration, seed };
	fc.assert(fc.property(arbitrary, counted), limits);
	expect(runs).toBeGreaterThan(0);
	console.log(`fuzz configuration, ${name}: ${runs.toLocaleString("en")} inputs, seed ${seed}, no finding`);
}

/** Problems, in the words of the messages, all of which are ours. */
const problems = [
	"it is not JSON",
	"it is not a JSON object",
	"its databaseType is neither sqlite3 nor pg",
	"its sqlite3.filename is not a string",
	"its sqlite3.filename must not be empty",
	"its sqlite3.filename must not contain a NUL",
	"its sqlite3.filename must be the path of a file, or :memory:; file: URIs are not supported",
	"its sqlite3.filename must be the path of a file, or :memory:, and looks like a URL; one of PostgreSQL belongs in pg.url of " +
		"DATABASE_CONFIG; write ./ before a path",
];
const expected =
	'{"databaseType":"sqlite3","sqlite3":{"filename":"<path>"}}, or {"databaseType":"pg","pg":{"host":"<host>","port":5432,' +
	'"username":"<user>","password":"<password>","name":"<database>"}} or {"databaseType":"pg","pg":{"url":' +
	'"postgres://<user>:<password>@<host>:5432/<database>"}}';
const messages = problems.map((problem) => `DATABASE_CONFIG cannot be used: ${problem}; expected ${expected}`);

/** The file name that a configuration means, or undefined if it cannot be used. */
function meaning(text) {
	if (text === "") return "./rootsdk.sqlite3";
	try {
		const config = JSON.parse(text);
		if (Array.isArray(config) || config.databaseType !== "sqlite3") return undefined;
		if (config.sqlite3 === undefined) return "./rootsdk.sqlite3";
		const { filename } = config.sqlite3;
		if (typeof filename !== "string" || /^$|^file:|\0|^[^/\\]+:\//u.test(filename)) return undefined;
		return filename;
	} catch {
		return undefined;
	}
}

/** True for a configuration of PostgreSQL, whose fields and messages `postgres/connecting/config` looks at. */
function isOfPostgres(text) {
	try {
		return JSON.parse(text).databaseType === "pg";
	} catch {
		return false;
	}
}

function expectLocationOrError(text) {
	const filename = meaning(text);
	let location;
	try {
		location = locationFromEnvironment({ DATABASE_CONFIG: text });
	} catch (error) {
		expect(filename).toBeUndefined();
		expect(error).toBeInstanceOf(RootcellarError);
		expect(error.code).toBe("ERR_INVALID_CONFIG");
		if (isOfPostgres(text)) expect(error.message).toMatch(/^DATABASE_CONFIG cannot be used: its? /);
		else expect(messages).toContain(error.message);
		// No cause either: that of JSON.parse quotes the text.
		expect(Object.keys(error).sort()).toEqual(["code", "name"]);
		expect(error.cause).toBeUndefined();
		return error;
	}
	if (isOfPostgres(text)) return undefined;
	expect(location.filename).toBe(filename);
	expect(isAbsolute(location.path)).toBe(true);
	if (filename === ":memory:") expect(location.path).toMatch(/\/rootcellar-private-[^/]+\/memory\.sqlite3$/);
	else expect(location.path).toBe(resolve(filename));
	return undefined;
}

const anyText = fc.oneof(fc.string(), fc.string({ unit: anyCharacter }), fc.json(), fc.lorem());

/** Objects that are nearly a configuration, or one. */
const filename = fc.oneof(
	fc.string({ unit: anyCharacter }),
	fc.constantFrom(
		"",
		":memory:",
		"file:x",
		"file::memory:",
		"a\0b",
		"./x.db",
		"/x.db",
		"s3://a/b",
		"./s3://a",
		"..",
		"\ud800",
	),
	fc.jsonValue(),
);
const sqlite3 = fc.oneof(
	{ weight: 4, arbitrary: fc.record({ filename }, { requiredKeys: [] }) },
	{ weight: 1, arbitrary: fc.jsonValue() },
);
const databaseType = fc.oneof(
	{ weight: 6, arbitrary: fc.constant("sqlite3") },
	{ weight: 3, arbitrary: fc.constant("pg") },
	{ weight: 1, arbitrary: fc.constantFrom("SQLITE3", "sqlite3 ", ["sqlite3"], null) },
	{ weight: 1, arbitrary: fc.jsonValue() },
);
const url = fc.constantFrom(
	"postgres://user:word@one,two:5433/name?sslmode=require&application_name=bot",
	"postgresql://u%20ser@[::1]:5432/name?connect_timeout=5&unknown=1",
);
const pg = fc.oneof(
	{
		weight: 4,
		arbitrary: fc.record({ url, host: fc.string(), port: fc.jsonValue(), password: fc.string() }, { requiredKeys: [] }),
	},
	{ weight: 1, arbitrary: fc.jsonValue() },
);
const nearlyConfig = fc
	.record({ databaseType, sqlite3, pg, ["__proto__"]: fc.jsonValue() }, { requiredKeys: [] })
	.map((config) => JSON.stringify(config));

/** A configuration with pieces cut out, doubled and put in. */
const brokenConfig = fc
	.tuple(
		nearlyConfig,
		fc.array(fc.tuple(fc.nat(60), fc.nat(6), fc.oneof(fc.constantFrom(...'{}[]":,\\\0\u2028 '), fc.string()))),
	)
	.map(([text, changes]) =>
		changes.reduce((t, [start, length, piece]) => t.slice(0, start) + piece + t.slice(start + length), text),
	);

test("any DATABASE_CONFIG is a location or ERR_INVALID_CONFIG with a message of ours", () => {
	check("any text", anyText, expectLocationOrError);
	check("nearly one", fc.oneof(nearlyConfig, brokenConfig), expectLocationOrError);
}, 600_000);

test("an error never shows anything of a DATABASE_CONFIG that holds a secret", () => {
	const secret = "kx7Qv2ZpW9";
	const place = fc.nat(160);
	check("a secret", fc.tuple(fc.oneof(anyText, nearlyConfig, brokenConfig), place), ([text, at]) => {
		const error = expectLocationOrError(text.slice(0, at) + secret + text.slice(at));
		expect(inspect(error, { depth: 8, showHidden: true })).not.toContain(secret);
	});
}, 600_000);

test("a DATABASE_CONFIG of any depth and length is ERR_INVALID_CONFIG", () => {
	for (const text of [
		"[".repeat(1_000_000),
		`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
		"x".repeat(2 ** 24),
	]) {
		expect(expectLocationOrError(text)?.code).toBe("ERR_INVALID_CONFIG");
	}
});

test("any ROOTCELLAR_BACKUP is off, an absolute path, a URL, or ERR_INVALID_CONFIG", () => {
	fc.assert(
		fc.property(anyText, (text) => {
			const made = () => backupOf("/data/bot.sqlite3", undefined, { ROOTCELLAR_BACKUP: text }, true);
			if (/^\s*(false|0|no|none|disabled)\s*$/i.test(text)) {
				expect(made).toThrow("expected off");
				return;
			}
			let backup;
			try {
				backup = made();
			} catch (error) {
				expect(error.code).toBe("ERR_INVALID_CONFIG");
				expect(error.message).toMatch(
					/^ROOTCELLAR_BACKUP cannot be used: .*; expected the path of a folder, or a URL such as/,
				);
				return;
			}
			if (/^\s*off\s*$/i.test(text)) {
				expect(backup).toBeUndefined();
			} else {
				const { url } = backup.core;
				expect(isAbsolute(url) || /^(file:|[a-z][a-z0-9+.-]+:\/\/)/i.test(url)).toBe(true);
				if (text === "") expect(url).toBe("/data/bot.sqlite3.backup");
			}
		}),
		{ seed },
	);
});
