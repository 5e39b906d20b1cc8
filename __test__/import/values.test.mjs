// Values that are kept as JavaScript, or with their types: parsed, never run.

import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const require = createRequire(import.meta.url);
const { fromScript } = require("../../lib/cli/import/values/serialize-javascript.js");
const { fromTyped } = require("../../lib/cli/import/values/better-serialize.js");
const { fromJson } = require("../../lib/cli/import/values/json.js");
const { Refusal } = require("../../lib/cli/import/values/kinds.js");

/** A value as JSON, and the kinds in it. */
function parsed(parse, text) {
	const kinds = new Set();
	const value = parse(text, kinds);
	return { value: JSON.parse(JSON.stringify(value)), kinds: [...kinds] };
}

/** The reason why a value is refused. */
function refusal(parse, text) {
	try {
		parse(text, new Set());
	} catch (error) {
		if (error instanceof Refusal) return error.message;
		throw error;
	}
	return undefined;
}

const CODE = "has code in its value, which is not run";
const CUT_OFF = "has a value that is cut off";

describe("a value as JavaScript", () => {
	test("of any code is refused, and the code is not run", () => {
		globalThis.hasRun = false;
		const codes = [
			"globalThis.hasRun = true",
			"(globalThis.hasRun = true)",
			"() => { globalThis.hasRun = true }",
			"function () { globalThis.hasRun = true }",
			"async function run() { globalThis.hasRun = true }",
			"class Run { static { globalThis.hasRun = true } }",
			"run()",
			"(function () { globalThis.hasRun = true })()",
			"new Date(globalThis.hasRun = true)",
			"new Map(globalThis.hasRun = true)",
			"new Map([[1, globalThis.hasRun = true]])",
			'BigInt("1" + (globalThis.hasRun = true))',
			'new Date("1970-01-01T00:00:00.000Z").constructor.constructor("globalThis.hasRun = true")()',
			'"text" + (globalThis.hasRun = true)',
			"`\u0024{globalThis.hasRun = true}`",
			'{["a" + (globalThis.hasRun = true)]: 1}',
			"{get a() { globalThis.hasRun = true }}",
			"{...(globalThis.hasRun = true, {})}",
			"[...[globalThis.hasRun = true]]",
			'{"a":1}/* globalThis.hasRun = true */',
			"new Function('globalThis.hasRun = true')()",
			"new Proxy({}, {})",
			"import('node:fs')",
			"/a/g.exec(globalThis.hasRun = true)",
			"{a:1}",
			"'single'",
			"0x10",
			"1n",
			"1_000",
			"01",
			"+1",
			".5",
			"--1",
			"NaN()",
			"undefined.x",
			"null,globalThis.hasRun = true",
			"[1,,2]",
			"[1,]",
		];
		for (const code of codes) {
			for (const text of [code, `[${code}]`, `{"a":${code}}`, `new Set([${code}])`]) {
				expect(refusal(fromScript, text), text).toMatch(/^has (?:code in its value|a Date|a Map|a BigInt)/);
			}
		}
		expect(globalThis.hasRun).toBe(false);
		delete globalThis.hasRun;
	});

	test("that is cut off anywhere is refused", () => {
		const whole =
			'{"a":[new Date("1970-01-01T00:00:00.000Z"),new Map([["k",BigInt("12")]]),new RegExp("a\\"b", "g"),undefined,-Infinity]}';
		expect(refusal(fromScript, whole)).toBe(undefined);
		for (let length = 0; length < whole.length; length++) {
			expect(refusal(fromScript, whole.slice(0, length)), whole.slice(0, length)).toMatch(/^has (?:a value|code)/);
		}
		expect(refusal(fromScript, '{"a":"')).toBe(CUT_OFF);
		expect(refusal(fromScript, "[NaN")).toBe(CUT_OFF);
		expect(refusal(fromScript, `${whole}]`)).toBe(CODE);
	});

	test("is parsed in every form that enmap writes", () => {
		expect(parsed(fromScript, "undefined")).toEqual({ value: null, kinds: ["undefined"] });
		expect(parsed(fromScript, "NaN")).toEqual({ value: "NaN", kinds: ["number"] });
		expect(parsed(fromScript, "[-Infinity,1e999]")).toEqual({ value: ["-Infinity", "Infinity"], kinds: ["number"] });
		expect(parsed(fromScript, "new Map([])")).toEqual({ value: {}, kinds: ["map"] });
		expect(parsed(fromScript, 'new Map([["__proto__",1]])').value).toEqual(JSON.parse('{"__proto__":1}'));
		expect(parsed(fromScript, 'Array.prototype.slice.call({"length":2})')).toEqual({
			value: [null, null],
			kinds: ["hole"],
		});
		expect(parsed(fromScript, '{"a":undefined,"b":"\\u003C\\\\"}')).toEqual({
			value: { b: "<\\" },
			kinds: ["undefined"],
		});
	});

	test("that lies about itself is refused", () => {
		expect(refusal(fromScript, 'new Date("yesterday")')).toBe("has a Date that is none");
		expect(refusal(fromScript, 'BigInt("1e9")')).toBe("has a BigInt that is none");
		expect(refusal(fromScript, "new Map([1])")).toBe("has a Map that is none");
		expect(refusal(fromScript, "new Map([[1,2,3]])")).toBe("has a Map that is none");
		for (const array of ['{"length":-1}', '{"length":1.5}', '{"0":1}', '{"9":1,"length":2}', '{"x":1,"length":2}']) {
			expect(refusal(fromScript, `Array.prototype.slice.call(${array})`)).toBe("has an array that is none");
		}
	});

	test("takes time and memory in proportion to its text", () => {
		const long = 1_000_000;
		const started = performance.now();
		for (const [open, close] of [
			["[", "]"],
			['{"a":', "}"],
			["new Set([", "])"],
			["new Map([[1,", "]])"],
		]) {
			const deep = `${open.repeat(long)}undefined${close.repeat(long)}`;
			expect(refusal(fromScript, deep)).toBe("is nested more than 1000 levels deep");
			const fine = `${open.repeat(300)}undefined${close.repeat(300)}`;
			expect(refusal(fromScript, fine)).toBe(undefined);
		}
		expect(refusal(fromScript, `[undefined,"${"\\\\".repeat(long)}"]`)).toBe(undefined);
		expect(refusal(fromScript, `[undefined,"${'\\"'.repeat(long)}`)).toBe(CUT_OFF);
		expect(refusal(fromScript, `[undefined${",undefined".repeat(long)}]`)).toBe(undefined);
		expect(refusal(fromScript, `[undefined,${"1".repeat(long)}`)).toBe(CUT_OFF);
		expect(refusal(fromScript, `[undefined,${"a".repeat(long)}]`)).toBe(CODE);
		expect(refusal(fromScript, `[undefined,${" ".repeat(long)}`)).toBe(CUT_OFF);
		const holes = 'Array.prototype.slice.call({"length":900000})';
		expect(refusal(fromScript, holes)).toBe(undefined);
		expect(refusal(fromScript, `[${holes},${holes}]`)).toBe("has arrays with more than 1000000 holes");
		// Quadratic time would take hours.
		expect(performance.now() - started).toBeLessThan(120_000);
	});

	test("of any text gives a value or a refusal", () => {
		const piece = fc.oneof(
			fc.constantFrom(
				"new Date(",
				"new Map(",
				"new Set(",
				"BigInt(",
				"[",
				"]",
				"{",
				"}",
				")",
				",",
				":",
				'"',
				"undefined",
			),
			fc.constantFrom(
				"NaN",
				"-Infinity",
				"Array.prototype.slice.call(",
				'"length"',
				'"a"',
				"1",
				"-",
				"\\",
				"null",
				" ",
			),
			fc.string({ maxLength: 3 }),
		);
		fc.assert(
			fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
				const text = pieces.join("");
				if (refusal(fromScript, text) === undefined) parsed(fromScript, text);
			}),
			{ numRuns: 2_000 },
		);
	});
});

describe("a value with its types", () => {
	test("of another form is refused", () => {
		const wrong = [
			"1",
			"null",
			"[]",
			"{}",
			'{"t":12}',
			'{"t":-1}',
			'{"t":"map","v":[]}',
			'{"t":"length"}',
			'{"t":0,"v":[]}',
			'{"t":0,"v":null}',
			'{"t":1,"v":2}',
			'{"t":2,"v":"7"}',
			'{"t":3,"v":0}',
			'{"t":4,"v":{}}',
			'{"t":4,"v":[1]}',
			'{"t":6,"v":1}',
			'{"t":8,"v":1}',
			'{"t":9,"v":"a"}',
			'{"t":10,"v":[1]}',
			'{"t":11}',
		];
		for (const text of wrong) {
			expect(refusal(fromTyped, text), text).toBe("has a value of another form than enmap 6 writes");
		}
		expect(refusal(fromTyped, '{"t":1,"v":')).toBe("has a value that is not JSON");
		expect(refusal(fromTyped, `${'{"t":4,"v":['.repeat(100_000)}${"]}".repeat(100_000)}`)).toMatch(
			/^is nested more than/,
		);
	});

	test("is parsed in every form that enmap writes", () => {
		expect(parsed(fromTyped, '{"t":2,"v":"NaN"}')).toEqual({ value: "NaN", kinds: ["number"] });
		expect(parsed(fromTyped, '{"t":6,"v":null}')).toEqual({ value: null, kinds: ["date"] });
		expect(parsed(fromTyped, '{"t":7}')).toEqual({ value: null, kinds: ["undefined"] });
		expect(parsed(fromTyped, '{"t":10,"v":[["a",{"t":7}],["b",{"t":5}]]}')).toEqual({
			value: { a: null, b: null },
			kinds: ["undefined", "map"],
		});
	});
});

test("a number beyond the largest becomes its text, and not null", () => {
	expect(parsed(fromJson, '{"a":[1e400,-1e400,1]}')).toEqual({
		value: { a: ["Infinity", "-Infinity", 1] },
		kinds: ["number"],
	});
	expect(parsed(fromJson, '"1e400"')).toEqual({ value: "1e400", kinds: [] });
});

test("an integer of JSON that JavaScript rounds is told, and a text with its digits is not", () => {
	const kindsOf = (text) => parsed(fromJson, text).kinds;
	for (const rounded of ["9007199254740993", "123456789012345678", "18446744073709551615"]) {
		for (const text of [
			rounded,
			`-${rounded}`,
			`{"id": ${rounded}}`,
			`["\\\\",${rounded}]`,
			`{"\\"":1,"a":[[\n${rounded}]]}`,
		]) {
			expect(kindsOf(text), text).toEqual(["digits"]);
			expect(kindsOf(JSON.stringify(text)), text).toEqual([]);
		}
	}
	const property = fc.property(
		fc.oneof(fc.double({ noNaN: true }), fc.bigInt({ min: 0n, max: 2n ** 70n })),
		(number) => {
			// JavaScript reads the numbers that it writes.
			expect(kindsOf(JSON.stringify({ ids: [Number(number)] }))).toEqual([]);
			const isRounded = typeof number === "bigint" && BigInt(Number(number)) !== number;
			if (typeof number === "bigint" && String(Number(number)) !== String(number)) {
				expect(kindsOf(`{"ids":[${number}]}`)).toEqual(isRounded ? ["digits"] : []);
			}
		},
	);
	fc.assert(property);
});
