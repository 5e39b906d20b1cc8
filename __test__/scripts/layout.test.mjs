// The check of how lib/ and src/ are laid out: what it finds, and what it lets pass.

import { describe, expect, test } from "vitest";
import { problemsOf } from "../../scripts/layout/rules.mjs";

const ORDER = {
	lib: "main.js\n api\n queue  cache\n base",
	src: "node\n backup\n kv  sql\n error\n *",
	"src/backup": "service\n events.rs\n fs",
};

/** Problems of files that are given by path. */
const check = (files, order = ORDER) => problemsOf(new Map(Object.entries(files)), order);

describe("JavaScript", () => {
	test("a folder may import from those below it, files of a folder from each other, and nothing else is said", () => {
		const problems = check({
			"lib/main.js": 'const { a } = require("./api/a.js");\nconst { b } = require("./base/b.js");',
			"lib/api/a.js": 'const { other } = require("./other.js");\nconst { b } = require("../base/b.js");',
			"lib/api/other.js": 'const fs = require("node:fs");',
			"lib/base/b.js": "",
		});
		expect(problems).toEqual([]);
	});

	test.each([
		["require", 'const {\n\ta,\n} = require("../api/a.js");', 3],
		["import", 'import { a } from "../api/a.js";', 1],
		["import for its effects", 'import "../api/a.js";', 1],
		["import()", 'const later = () => import("../api/a.js");', 1],
		["a type in a comment", '/** @type {import("../api/a").A} */', 1],
	])("an import of what stands above is found with its line: %s", (_, text, line) => {
		expect(check({ "lib/base/b.js": text, "lib/api/a.js": "" })).toEqual([
			`lib/base/b.js:${line}: imports lib/api/a.js, which stands above it (imports lead down only: scripts/layout/order.mjs)`,
		]);
	});

	test("of two folders that stand beside each other, neither may import the other", () => {
		const problems = check({ "lib/queue/q.js": 'require("../cache/c.js");', "lib/cache/c.js": "" });
		expect(problems).toEqual([expect.stringMatching(/^lib\/queue\/q\.js:1: .* stands beside it/)]);
	});

	test("a folder with folders whose order nobody has said is found", () => {
		const problems = check({ "lib/api/a.js": 'require("./deep/d.js");', "lib/api/deep/d.js": "" });
		expect(problems).toEqual([expect.stringMatching(/^lib\/api\/a\.js:1: .*order\.mjs.* lib\/api /)]);
	});

	test("files that import each other in a circle are found, with every import of it", () => {
		const problems = check({
			"lib/api/a.js": 'require("./b.js");',
			"lib/api/b.js": '\nrequire("./c.js");',
			"lib/api/c.js": '/** @param {import("./a.js").A} a */',
			"lib/api/d.js": 'require("./a.js");',
		});
		expect(problems).toEqual([
			"lib/api/a.js:1 -> lib/api/b.js:2 -> lib/api/c.js:1: files import each other in a circle",
		]);
	});

	test("two classes of one name are found, a class and its declaration are none", () => {
		const problems = check({
			"lib/api/a.js": "class Session {}",
			"lib/queue/q.js": "\n\nclass Session extends Base {}",
			"lib/queue/q.d.ts": "export class Session {}",
		});
		expect(problems).toEqual(["lib/api/a.js:1, lib/queue/q.js:3: more than one class has the name Session"]);
	});

	test("a number that crosses to Rust is found where it is named again", () => {
		const problems = check({
			"src/node/protocol.rs": "const SET: u8 = 0;\nconst LEASE_RESERVED: u32 = 1 << 3;",
			"lib/native/protocol.js": "const SET = 0;",
			"lib/native/encode.js": "const SIZE = 4;\nconst SET = 0;",
			"lib/api/lease.js": "const RESERVED = 1 << 3;",
		});
		expect(problems).toEqual([
			expect.stringMatching(/^lib\/native\/encode\.js:2: SET crosses .*lib\/native\/protocol\.js/),
			expect.stringMatching(/^lib\/api\/lease\.js:1: RESERVED crosses/),
		]);
	});
});

test("a folder of more than twelve files is found", () => {
	const files = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`lib/base/${i}.js`, ""]));
	expect(check(files(12))).toEqual([]);
	expect(check(files(13))).toEqual(["lib/base: holds 13 files, more than 12"]);
});

describe("doc comments", () => {
	test.each([
		["a line", "lib/base/a.js", "\n/** What a key holds. */", 2, "What"],
		["a block", "lib/base/a.d.ts", "\n/**\n * How it ended.\n *\n * @type {End}\n */", 3, "How"],
		["an indented block", "lib/base/a.js", "class A {\n\t/**\n\t * Whether it is open.\n\t */\n}", 3, "Whether"],
		["a module", "src/kv/a.rs", "//! Where keys are kept.", 1, "Where"],
		["an item", "src/kv/a.rs", "\nstruct A {\n    /// Who waits,\n    /// and for how long.\n    a: B,\n}", 3, "Who"],
		["a module behind another", "src/kv/a.rs", "//! Keys.\n\n/// Which is the newest.", 3, "Which"],
	])("one that opens with a question word is found with its line: %s", (_, path, text, line, word) => {
		const found = check({ "src/kv/mod.rs": "mod a;", [path]: text });
		expect(found).toEqual([`${path}:${line}: a doc comment opens with "${word}" (its first words name the thing)`]);
	});

	test("the word may begin another line or paragraph of one, a plain comment, or a longer word", () => {
		const problems = check({
			"lib/base/a.js":
				"/**\n * State of a key.\n * What it holds.\n *\n * Whether it is open.\n */\n// Where it is not, nothing is done.",
			"lib/base/b.js": "/** Whatever a key holds. */\n/** However it ended. */\n/** @type {What} */",
			"src/kv/mod.rs":
				"//! Keys.\n//! How they are kept.\n\n/// A key.\n///\n/// What it holds.\nstruct A;\n// What follows is private.",
		});
		expect(problems).toEqual([]);
	});
});

describe("Rust", () => {
	const CRATE = { "src/lib.rs": "mod kv;\nmod backup;\npub use kv::Key;", "src/error.rs": "pub struct Error;" };
	const KV = { "src/kv/mod.rs": "mod key;\npub use key::{Key, Name as KeyName};", "src/kv/key.rs": "pub struct Key;" };

	test("a folder may use those below it", () => {
		const text = "use crate::kv::Key;\nuse crate::error::Error;\nuse std::{fs, io};";
		expect(check({ ...CRATE, ...KV, "src/backup/fs/disk.rs": text })).toEqual([]);
	});

	test.each([
		["use", "use crate::node::Store;", 1],
		["a tree of uses", "use crate::{\n    error::Error,\n    node::{self, Store as NodeStore},\n};", 1],
		["super", "use super::super::node::Store;", 1],
		["a path", "fn f() {\n    crate::node::Store::new();\n}", 2],
		["a path from a module that is used", "use crate::node;\nfn f() -> node::Store {}", 1],
		["a function's own use", "fn f() {\n    use crate::node::Store;\n}", 2],
	])("what stands above is found with its line: %s", (_, text, line) => {
		const files = { ...CRATE, "src/node/mod.rs": "pub struct Store;", "src/kv/key.rs": text };
		expect(check(files)).toEqual([
			`src/kv/key.rs:${line}: imports src/node/mod.rs, which stands above it (imports lead down only: scripts/layout/order.mjs)`,
		]);
	});

	test("an item counts as used from the file where it is, not from the one that names it again", () => {
		const files = {
			...CRATE,
			"src/backup/mod.rs": "mod service;\nmod fs;\npub use service::worker::Worker;",
			"src/backup/service/mod.rs": "pub mod worker;",
			"src/backup/service/worker.rs": "pub struct Worker;\nuse super::super::fs;",
			"src/backup/fs/mod.rs": "",
			"src/backup/fs/disk.rs": "use crate::backup::Worker;",
			"src/node/mod.rs": "use crate::backup::Worker;",
		};
		expect(check(files)).toEqual([
			expect.stringMatching(
				/^src\/backup\/fs\/disk\.rs:1: imports src\/backup\/service\/worker\.rs, which stands above/,
			),
		]);
	});

	test("comments, strings and tests may name whatever they want", () => {
		const text = [
			"//! See [`crate::node::Store`].",
			'const TEXT: &str = "use crate::node::Store;";',
			"#[cfg(test)]",
			"mod tests {",
			"    use crate::node::Store;",
			"    struct Key;",
			"}",
		].join("\n");
		const files = { ...CRATE, ...KV, "src/node/mod.rs": "pub struct Store;", "src/kv/entry.rs": text };
		expect(check(files)).toEqual([]);
	});

	test("two files that use each other, and two types of one name, are found", () => {
		const files = {
			"src/kv/a.rs": "use super::b::B;\npub struct A;",
			"src/kv/b.rs": "pub struct B;\nfn f() -> super::a::A { enum A {} }",
		};
		expect(check(files)).toEqual(["src/kv/a.rs:1 -> src/kv/b.rs:2: files import each other in a circle"]);
		const names = {
			"src/kv/a.rs": "pub(crate) struct A;",
			"src/sql/b.rs": "\nenum A {}\nimpl T for U {\n    type A = B;\n}",
		};
		expect(check(names)).toEqual(["src/kv/a.rs:1, src/sql/b.rs:2: more than one type has the name A"]);
	});

	test("a number that crosses to JavaScript is found where the addon names it again", () => {
		const files = { "src/node/protocol.rs": "const SET: u8 = 0;", "src/node/store.rs": "pub const SET: u32 = 0;" };
		expect(check(files)).toEqual([
			expect.stringMatching(/^src\/node\/store\.rs:1: SET crosses .*src\/node\/protocol\.rs/),
		]);
	});
});
