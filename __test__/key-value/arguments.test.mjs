// Bad input: each case has its error, nothing is written, and the next operation works.

import { beforeEach, describe, expect, test } from "vitest";
import { expectArgumentError, expectInvalidArgument, expectTooLarge, rejection, SECRET } from "../helpers/errors.mjs";
import { keysOf, temporaryAppData } from "../helpers/store.mjs";

/** A proxy whose every use throws. */
function revoked(target = {}) {
	const { proxy, revoke } = Proxy.revocable(target, {});
	revoke();
	return proxy;
}

function throwing() {
	throw new Error("thrown by the bot");
}

/** The empty store of the test. */
let empty;

beforeEach(() => {
	empty = temporaryAppData();
});

/** `operation` is refused for `argument`, the file stays empty, and the next operations work. */
async function expectRefused(operation, argument) {
	const appData = empty;
	const error = await rejection(() => operation(appData));
	expectArgumentError(error, argument);
	expect(await keysOf(appData)).toEqual([]);
	await appData.set({ key: "next", value: 1 });
	expect(await appData.get("next")).toBe(1);
	await appData.delete("next");
	return error;
}

describe("a bad key is a TypeError that names it, in every operation that takes one", () => {
	const badKeys = [
		["undefined", undefined],
		["null", null],
		["true", true],
		["a BigInt", 5n],
		["NaN", Number.NaN],
		["infinity", Number.POSITIVE_INFINITY],
		["minus infinity", Number.NEGATIVE_INFINITY],
		["an object", { toString: () => "k" }],
		["an array", ["k"]],
		["a boxed string", Object("k")],
		["a Date", new Date()],
		["a symbol", Symbol("k")],
		["a function", () => "k"],
		["a revoked proxy", revoked()],
		["an object that throws when made a string", { toString: throwing, [Symbol.toPrimitive]: throwing }],
		["a high surrogate alone", "\ud800"],
		["a low surrogate alone", "a\udc00b"],
		["surrogates the wrong way round", "\udc00\ud800"],
		["a high surrogate at the end", `${"x".repeat(5_000)}\ud83e`],
	];

	for (const [name, key] of badKeys) {
		test(`${name}`, async () => {
			const value = SECRET;
			await expectRefused((appData) => appData.get(key), "key");
			await expectRefused((appData) => appData.set({ key, value }), "values.key");
			await expectRefused(
				(appData) =>
					appData.set([
						{ key: "good", value },
						{ key, value },
					]),
				"values[1].key",
			);
			await expectRefused((appData) => appData.update(key, () => value, value), "key");
			await expectRefused((appData) => appData.delete(key), "key");
		});
	}
});

describe("a bad pattern is a TypeError that names it, in every operation that takes one", () => {
	const badPatterns = [
		["undefined", undefined],
		["null", null],
		["true", true],
		["NaN", Number.NaN],
		["an object", {}],
		["an array", ["%"]],
		["a symbol", Symbol("%")],
		["a regular expression", /a/],
		["a revoked proxy", revoked()],
		["a lone surrogate", "\ud800%"],
	];

	for (const [name, keyPattern] of badPatterns) {
		test(`${name}`, async () => {
			const appData = temporaryAppData();
			await appData.set({ key: "k\ufffd", value: SECRET });
			await expectInvalidArgument(() => appData.select(keyPattern), "keyPattern");
			await expectInvalidArgument(() => appData.selectValue(keyPattern), "keyPattern");
			await expectInvalidArgument(() => appData.deleteLike(keyPattern), "keyPattern");
			expect(await keysOf(appData)).toEqual(["k\ufffd"]);
		});
	}
});

describe("something else instead of an entry is a TypeError that says where", () => {
	const notEntries = [
		["undefined", undefined],
		["null", null],
		["a number", 5],
		["a text", "entry"],
		["a boolean", true],
		["a symbol", Symbol("s")],
		["a BigInt", 1n],
		["a function", () => ({ key: "k", value: 1 })],
	];

	for (const [name, entry] of notEntries) {
		test(`${name}`, async () => {
			await expectRefused((appData) => appData.set(entry), "values");
			await expectRefused((appData) => appData.set([entry]), "values[0]");
			await expectRefused((appData) => appData.set([{ key: "a", value: SECRET }, entry]), "values[1]");
		});
	}

	test("no argument at all", async () => {
		await expectRefused((appData) => appData.set(), "values");
		await expectRefused((appData) => appData.get(), "key");
		await expectRefused((appData) => appData.update(), "key");
		await expectRefused((appData) => appData.delete(), "key");
		await expectRefused((appData) => appData.deleteLike(), "keyPattern");
		await expectRefused((appData) => appData.select(), "keyPattern");
		await expectRefused((appData) => appData.selectValue(), "keyPattern");
	});

	test("an array with a hole", async () => {
		const entries = [{ key: "a", value: SECRET }];
		entries[2] = { key: "b", value: 1 };
		await expectRefused((appData) => appData.set(entries), "values[1]");
		await expectRefused((appData) => appData.set(new Array(3)), "values[0]");
	});

	test("an array inside the array", async () => {
		const entry = { key: "a", value: SECRET };
		const error = await rejection(() => temporaryAppData().set([entry, [entry]]));
		expectArgumentError(error, /^values\[1\](\.key)?$/);
	});

	test("an entry without a key, and a collection that is no array", async () => {
		await expectRefused((appData) => appData.set({}), "values.key");
		await expectRefused((appData) => appData.set({ value: SECRET }), "values.key");
		await expectRefused((appData) => appData.set({ Key: "k", value: SECRET }), "values.key");
		await expectRefused((appData) => appData.set([{ key: "a", value: 1 }, { value: SECRET }]), "values[1].key");
		await expectRefused((appData) => appData.set(new Map([["key", "k"]])), "values.key");
	});

	test("an entry without a value", async () => {
		await expectRefused((appData) => appData.set({ key: "k" }), "values.value");
		await expectRefused((appData) => appData.set([{ key: "k", value: SECRET }, { key: "l" }]), "values[1].value");
	});
});

describe("unusual objects that work", () => {
	test("a frozen entry, a frozen array and a frozen value", async () => {
		const appData = temporaryAppData();
		const entry = Object.freeze({ key: "a", value: Object.freeze({ n: 1 }) });
		await appData.set(entry);
		await appData.set(Object.freeze([Object.freeze({ key: "b", value: 2 })]));
		expect(await appData.select("%")).toEqual([
			{ key: "a", value: { n: 1 } },
			{ key: "b", value: 2 },
		]);
	});

	test("an entry of a class, with getters, without a prototype, and with properties that are not ours", async () => {
		const appData = temporaryAppData();
		class Entry {
			get key() {
				return "class";
			}
			get value() {
				return 1;
			}
		}
		await appData.set(new Entry());
		await appData.set(Object.assign(Object.create(null), { key: "bare", value: 2 }));
		await appData.set({ key: "more", value: 3, id: 7, created: new Date() });
		expect(await appData.selectValue("%")).toEqual([1, 2, 3]);
	});

	test("a proxy of an entry, of an array and of a value", async () => {
		const appData = temporaryAppData();
		await appData.set(new Proxy({ key: "a", value: 1 }, {}));
		await appData.set(new Proxy([{ key: "b", value: 2 }], {}));
		await appData.set({ key: "c", value: new Proxy({ n: 3 }, {}) });
		expect(await appData.selectValue("%")).toEqual([1, 2, { n: 3 }]);
	});
});

describe("objects that throw when they are read are a TypeError with the thrown error as its cause", () => {
	const broken = (properties) =>
		Object.defineProperties(
			{ secret: SECRET },
			Object.fromEntries(properties.map((name) => [name, { get: throwing, enumerable: true }])),
		);

	const cases = [
		["a getter of the key", () => Object.assign(broken(["key"]), { value: SECRET }), "key"],
		["a getter of the value", () => Object.assign(broken(["value"]), { key: "k" }), "value"],
		["a getter of expiresAt", () => Object.assign(broken(["expiresAt"]), { key: "k", value: SECRET }), "expiresAt"],
		["a getter of expires_at", () => Object.assign(broken(["expires_at"]), { key: "k", value: SECRET }), "expires_at"],
		[
			"a getter of communityId",
			() => Object.assign(broken(["communityId"]), { key: "k", value: SECRET }),
			"communityId",
		],
		["a getter inside the value", () => ({ key: "k", value: { a: SECRET, b: broken(["c"]) } }), "value"],
		["a toJSON", () => ({ key: "k", value: { secret: SECRET, toJSON: throwing } }), "value"],
		["a toJSON deep inside", () => ({ key: "k", value: [SECRET, { deep: { toJSON: throwing } }] }), "value"],
		[
			"a proxy's get trap inside the value",
			() => ({ key: "k", value: { a: SECRET, p: new Proxy({}, { get: throwing }) } }),
			"value",
		],
		[
			"a proxy's ownKeys trap inside the value",
			() => ({ key: "k", value: new Proxy({ a: SECRET }, { ownKeys: throwing }) }),
			"value",
		],
	];

	for (const [name, make, property] of cases) {
		test(`${name}`, async () => {
			const single = await expectRefused((appData) => appData.set(make()), new RegExp(`^values(\\.${property})?$`));
			expect(single.cause).toMatchObject({ message: "thrown by the bot" });
			const good = { key: "good", value: SECRET };
			const many = await expectRefused(
				(appData) => appData.set([good, make(), good]),
				new RegExp(`^values\\[1\\](\\.${property})?$`),
			);
			expect(many.cause).toMatchObject({ message: "thrown by the bot" });
		});
	}

	test("a proxy whose every trap throws, and a revoked one, instead of an entry, an array or a value", async () => {
		const traps = {
			get: throwing,
			has: throwing,
			ownKeys: throwing,
			getPrototypeOf: throwing,
			getOwnPropertyDescriptor: throwing,
		};
		for (const make of [(target) => new Proxy(target, traps), revoked]) {
			for (const [operation, argument] of [
				[(appData) => appData.set(make({})), /^values(\.\w+)?$/],
				[(appData) => appData.set(make([])), /^values(\.\w+)?$/],
				[(appData) => appData.set([{ key: "a", value: SECRET }, make({})]), /^values\[1\](\.\w+)?$/],
				[(appData) => appData.set({ key: "k", value: make({}) }), /^values\.value$/],
				[(appData) => appData.update("k", () => make({}), 0), /^updateFunc$/],
				[(appData) => appData.update("k", (value) => value, make({})), /^defaultValue$/],
				[(appData) => appData.get("k", make({})), /^communityId$/],
				[(appData) => appData.set({ key: "k", value: SECRET, expiresAt: make({}) }), /^values\.expiresAt$/],
			]) {
				const appData = temporaryAppData();
				const error = await rejection(() => operation(appData));
				expectArgumentError(error, argument);
				expect(await keysOf(appData)).toEqual([]);
			}
		}
	});

	test("something thrown that is no error, or an error of any class", async () => {
		for (const thrown of [undefined, null, "text", 5, Symbol("s"), new RangeError("the bot's own")]) {
			const value = {
				toJSON() {
					throw thrown;
				},
			};
			await expectRefused((appData) => appData.set({ key: "k", value }), "values.value");
		}
	});

	test("a value nested too deep for JSON.stringify", async () => {
		let value = [SECRET];
		for (let i = 0; i < 200_000; i++) value = [value];
		const error = await expectRefused((appData) => appData.set({ key: "k", value }), "values.value");
		expect(error.message).not.toContain("one billion bytes");
	});
});

describe("a function that is none", () => {
	for (const [name, updateFunc] of [
		["undefined", undefined],
		["null", null],
		["a value", { n: 1 }],
		["a text", "n + 1"],
		["a revoked proxy of an object", revoked()],
	]) {
		test(`${name} instead of updateFunc is a TypeError, and nothing is written`, async () => {
			await expectRefused((appData) => appData.update("k", updateFunc, 0), "updateFunc");
		});
	}
});

describe("too large", () => {
	test("a key of more than one billion bytes is a RangeError in every operation, and nothing is written", async () => {
		const appData = temporaryAppData();
		const key = "\u00e9".repeat(510_000_000);
		await expectTooLarge(() => appData.set({ key, value: SECRET }), /^values\.key$/);
		await expectTooLarge(
			() =>
				appData.set([
					{ key: "a", value: 1 },
					{ key, value: SECRET },
				]),
			/^values\[1\]\.key$/,
		);
		await expectTooLarge(() => appData.update(key, () => SECRET, ""), "key");
		await expectTooLarge(() => appData.get(key), "key");
		await expectTooLarge(() => appData.delete(key), "key");
		expect(await keysOf(appData)).toEqual([]);
		await appData.set({ key: "next", value: 1 });
		expect(await appData.get("next")).toBe(1);
	}, 300_000);
});

describe("a value that JSON cannot express", () => {
	const VALUES = [undefined, () => {}, Symbol("s"), { toJSON: () => undefined }];

	test("is refused with its key, by set, by an array of set, and as a default", async () => {
		const appData = temporaryAppData();
		for (const value of VALUES) {
			const calls = [
				[() => appData.set({ key: "one", value }), "values.value", "one"],
				[
					() =>
						appData.set([
							{ key: "a", value: 1 },
							{ key: "two", value },
						]),
					"values[1].value",
					"two",
				],
				[() => appData.update("three", () => value), "updateFunc", "three"],
				[() => appData.set({ key: 7, value }), "values.value", "7"],
			];
			for (const [call, argument, key] of calls) {
				const { message } = await expectInvalidArgument(call, argument);
				expect(message).toContain(`for the key "${key}" must be something that JSON can express`);
			}
		}
		expect(await appData.select("%")).toEqual([]);
	});

	test("is named with the beginning of a long key", async () => {
		const appData = temporaryAppData();
		const key = "long ".repeat(10_000);
		const { message } = await expectInvalidArgument(() => appData.set({ key, value: undefined }), "values.value");
		expect(message).toContain('for the key "long long');
		expect(message.length).toBeLessThan(500);
	});
});
