// The effect of a statement on the state of a connection, told from its words, so that query builders can send it as text.

import { createRequire } from "node:module";
import { expect, test } from "vitest";

const { controlOf } = createRequire(import.meta.url)("../../../lib/adapters/transaction-control.js");

test.each([
	["BEGIN", { kind: "begin" }],
	["begin;", { kind: "begin" }],
	["  -- why\n/* and\nhow */ BEGIN IMMEDIATE TRANSACTION ;", { kind: "begin" }],
	["COMMIT", { kind: "commit" }],
	["commit transaction;", { kind: "commit" }],
	["END", { kind: "commit" }],
	["ROLLBACK", { kind: "rollback" }],
	["rollback transaction;", { kind: "rollback" }],
	["ROLLBACK TO a", { kind: "rollbackTo", name: "a" }],
	["ROLLBACK TRANSACTION TO SAVEPOINT a;", { kind: "rollbackTo", name: "a" }],
	["SAVEPOINT Trx2;", { kind: "savepoint", name: "trx2" }],
	['savepoint "a b"', { kind: "savepoint", name: "a b" }],
	["SAVEPOINT savepoint", { kind: "savepoint", name: "savepoint" }],
	["RELEASE `a`", { kind: "release", name: "a" }],
	["RELEASE SAVEPOINT [a];", { kind: "release", name: "a" }],
	["PRAGMA foreign_keys = OFF", { kind: "foreignKeys", isOn: false }],
	["pragma main.foreign_keys=0;", { kind: "foreignKeys", isOn: false }],
	["PRAGMA foreign_keys(on)", { kind: "foreignKeys", isOn: true }],
	["PRAGMA foreign_keys = 'true'", { kind: "foreignKeys", isOn: true }],
])("%j sets something", (sql, expected) => {
	expect(controlOf(sql)).toEqual({ name: "", isOn: false, ...expected });
});

test.each([
	"",
	"-- BEGIN",
	"/* COMMIT",
	"SELECT 1",
	"EXPLAIN SELECT 1",
	"REPLACE INTO begin VALUES ('COMMIT')",
	"CREATE TABLE beginning (a)",
	"beginning",
	"PRAGMA foreign_keys",
	"PRAGMA foreign_key_check",
	"PRAGMA foreign_key_list(a)",
	"PRAGMA defer_foreign_keys = ON",
	"INSERT INTO a VALUES ('; BEGIN')",
])("%j sets nothing", (sql) => {
	expect(controlOf(sql)).toBeUndefined();
});

test("a long text before a statement costs neither stack nor time", () => {
	for (const space of [" ", "\n", "-- a\n", "/* a */"]) {
		expect(controlOf(`${space.repeat(1_000_000)}BEGIN`)).toMatchObject({ kind: "begin" });
	}
	expect(controlOf(`/* ${"a".repeat(1_000_000)}`)).toBeUndefined();
});
