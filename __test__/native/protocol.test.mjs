// JavaScript and Rust name the same numbers for what crosses between them.

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const protocol = createRequire(import.meta.url)("../../lib/native/protocol.js");

const CONSTANT = /^(?:pub )?const ([A-Z]\w*): (?:u8|u32|i64|usize) = (.*);$/gm;

/** The value of a number as Rust writes it: decimal, binary, or a shift. */
function parse(expression) {
	const [number, shift = 0] = expression.split(" << ").map((part) => Number(part.replaceAll("_", "")));
	return number * 2 ** shift;
}

const source = readFileSync(join(root, "src/node/protocol.rs"), "utf8");
const { KIND, ...codes } = Object.fromEntries(
	[...source.matchAll(CONSTANT)].map(([, name, expression]) => [name, parse(expression)]),
);

test("both sides have the same numbers under the same names", () => {
	expect(Object.keys(codes).length).toBeGreaterThan(30);
	expect(Object.values(codes).every(Number.isInteger)).toBe(true);
	expect(protocol).toEqual(codes);
});

test("kinds of commands fit below the flags", () => {
	const flags = ["HAS_COMMUNITY", "HAS_EXPIRY", "HAS_EXPECTED", "EXPECTS_PREVIOUS"];
	// They stand first, up to the flags.
	const kinds = Object.keys(protocol).slice(0, Object.keys(protocol).indexOf("HAS_COMMUNITY"));
	expect(kinds.length).toBeGreaterThan(10);
	expect(kinds.filter((name) => (protocol[name] & ~KIND) !== 0)).toEqual([]);
	expect(flags.filter((name) => (protocol[name] & KIND) !== 0)).toEqual([]);
	expect(new Set([...kinds, ...flags].map((name) => protocol[name])).size).toBe(kinds.length + flags.length);
});

test("only lib/native calls the addon", () => {
	const files = readdirSync(join(root, "lib"), { recursive: true }).filter((name) => /\.m?js$/.test(name));
	const callers = files.filter((name) =>
		/\bloadBinding\(|\.native\b/.test(readFileSync(join(root, "lib", name), "utf8")),
	);
	expect(callers.length).toBeGreaterThan(3);
	expect(callers.filter((name) => !/^native[\\/]/.test(name))).toEqual([]);
});
