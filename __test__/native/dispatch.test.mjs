// Events of the core, and the turns of the event loop in which they are handled.

import { createRequire } from "node:module";
import { expect, test } from "vitest";

const require = createRequire(import.meta.url);
const { ROWS_LENGTH_MAX } = require("../../lib/base/limits.js");
const { Connection } = require("../../lib/native/connection.js");

/** A connection to no store, with slices of rows that wait for request 1. */
function connectionWith(slices, handle) {
	const events = slices.map((json, index) => ({
		id: 1,
		kind: "rows",
		rows: { json },
		last: index + 1 === slices.length,
	}));
	const connection = Object.assign(Object.create(Connection.prototype), {
		native: { nextEvent: () => events.shift() ?? null, hold: () => {} },
		handlers: new Map(),
		lastId: 0,
		isResting: false,
	});
	connection.expect((event) => handle(event) ?? event.last);
	return connection;
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("many rows are handled a slice a turn, though Node calls back for each that arrives", async () => {
	let handled = 0;
	const connection = connectionWith(Array(20).fill("x".repeat(ROWS_LENGTH_MAX + 1)), () => {
		handled++;
	});
	for (let turn = 1; turn <= 20; turn++) {
		for (let wakeUps = 0; wakeUps < 5; wakeUps++) connection.dispatch();
		expect(handled).toBe(turn);
		await nextTurn();
	}
	expect(connection.handlers.size).toBe(0);
});

test("few rows are handled at once", () => {
	let handled = 0;
	const connection = connectionWith(Array(20).fill("x".repeat(100)), () => {
		handled++;
	});
	connection.dispatch();
	expect(handled).toBe(20);
});
