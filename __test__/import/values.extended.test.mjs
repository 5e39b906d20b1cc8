// Parsing of texts from the serializers of enmap: any value becomes what it is to become.

import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyCharacter } from "../helpers/characters.mjs";

const require = createRequire(import.meta.url);
const packages = createRequire(new URL("packages/package.json", import.meta.url));
const { fromScript } = require("../../lib/cli/import/values/serialize-javascript.js");
const { fromTyped } = require("../../lib/cli/import/values/better-serialize.js");
const serialize = packages("serialize-javascript");
const { stringify } = packages("better-serialize");

const text = fc.oneof(
	fc.string(),
	fc.string({ unit: anyCharacter }),
	fc.constantFrom("</script>", "\\", '"', "\u2028", "new Date("),
);

/** The name that an object literal takes for its prototype: the serializers themselves lose such a member. */
const LOST = "__proto__";

const leaf = fc.oneof(
	text,
	fc.jsonValue().filter((value) => !JSON.stringify(value).includes(`"${LOST}"`)),
	fc.double({ noNaN: true }),
	fc.bigInt(),
	fc.date({ noInvalidDate: true }),
	fc.constantFrom(undefined, null, true, /a\/"b/giu, /[\]/]\\/, -Infinity, Infinity),
);

/** Names of members. */
const name = text.filter((name) => name !== LOST);

const { value } = fc.letrec((tie) => ({
	value: fc.oneof({ maxDepth: 4 }, leaf, tie("list"), tie("object"), tie("map"), tie("set")),
	list: fc.array(tie("value"), { maxLength: 4 }),
	object: fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
	map: fc.array(fc.tuple(fc.oneof(name, fc.integer()), tie("value")), { maxLength: 4 }).map((pairs) => new Map(pairs)),
	set: fc.array(tie("value"), { maxLength: 4 }).map((items) => new Set(items)),
}));

/** Value that is expected after the import; `undefined` for what is left out of an object. */
function carried(value) {
	if (typeof value === "bigint") return String(value);
	if (value === Infinity || value === -Infinity) return String(value);
	if (typeof value !== "object" || value === null) return value;
	if (value instanceof Date) return value.toISOString();
	if (value instanceof RegExp) return String(value);
	if (value instanceof Set) return carried([...value]);
	if (Array.isArray(value)) return value.map((item) => carried(item) ?? null);
	const isMap = value instanceof Map;
	const pairs = (isMap ? [...value] : Object.entries(value)).map(([key, member]) => [key, carried(member)]);
	const defined = isMap ? pairs.map(([key, member]) => [key, member ?? null]) : pairs;
	return !isMap || defined.every(([key]) => typeof key === "string") ? Object.fromEntries(defined) : defined;
}

const asJson = (value) => JSON.parse(JSON.stringify(value ?? null));

test.each([
	["enmap 5", serialize, fromScript],
	["enmap 6", stringify, fromTyped],
])("any value of %s", (_name, write, parse) => {
	fc.assert(
		fc.property(value, (value) => {
			expect(asJson(parse(write(value), new Set()))).toEqual(asJson(carried(value)));
		}),
		{ numRuns: 5_000 },
	);
});
