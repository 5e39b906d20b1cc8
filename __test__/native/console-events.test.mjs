// Whether the bot listens to what Node makes of the events of Windows' console.

import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { beforeEach, expect, test } from "vitest";

const { tellUnhandled } = createRequire(import.meta.url)("../../lib/native/console-events.js");

const own = () => {};

let emitter;
let told;
let stop;

beforeEach(() => {
	emitter = new EventEmitter();
	emitter.on("SIGHUP", own);
	told = [];
	stop = tellUnhandled(emitter, (unhandled) => told.push(unhandled));
});

test("it is told at once, and at the end that it is not known any more", () => {
	expect(told).toEqual([["SIGBREAK", "SIGINT"]]);
	stop();
	expect(told.slice(1)).toEqual([undefined]);
	emitter.on("SIGINT", own);
	expect(told).toHaveLength(2);
	expect(emitter.eventNames()).toEqual(["SIGHUP", "SIGINT"]);
});

test("a listener takes the signal over, and gives it back with the last of them", () => {
	emitter.prependOnceListener("SIGINT", own);
	expect(told.at(-1)).toEqual(["SIGBREAK"]);
	emitter.on("SIGINT", own);
	emitter.emit("SIGINT");
	expect(told.at(-1)).toEqual(["SIGBREAK"]);
	emitter.off("SIGINT", own);
	expect(told.at(-1)).toEqual(["SIGBREAK", "SIGINT"]);
	const before = told.length;
	emitter.on("SIGTERM", own);
	emitter.off("SIGTERM", own);
	expect(told).toHaveLength(before);
});

test("all listeners may be removed at once", () => {
	emitter.on("SIGINT", own);
	emitter.removeAllListeners();
	expect(told.at(-1)).toEqual(["SIGBREAK", "SIGHUP", "SIGINT"]);
});
