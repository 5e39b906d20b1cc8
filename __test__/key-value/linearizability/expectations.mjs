// Expectations of a history.

import { expect } from "vitest";
import { check } from "./checker.mjs";
import { ACCOUNTS, BALANCE, KEYS } from "./recorder.mjs";
import { projection, register, textOf, store as wholeStore } from "./semantics.mjs";

/** A history that began with an empty store has an order that explains it, of each key and of all. */
export function expectOrder(history, name) {
	for (const key of KEYS) expectLinearizable(projection(history, key), register, null, `${name}, ${key}`);
	expectLinearizable(ofWholeStore(history), wholeStore, null, name);
}

/** A history of transfers has an order that explains it, and what was seen of all accounts at once has their sum. */
export function expectTransfers(history, name) {
	for (const { kind, result } of history) {
		if (kind === "select") expect(sumOf(JSON.parse(result)), name).toBe(ACCOUNTS.length * BALANCE);
	}
	for (const key of ACCOUNTS) {
		expectLinearizable(projection(history, key), register, String(BALANCE), `${name}, ${key}`);
	}
	const initial = textOf(ACCOUNTS.map((key) => [key, BALANCE]));
	expectLinearizable(ofWholeStore(history), wholeStore, initial, name);
}

const sumOf = (entries) => entries.reduce((sum, [, balance]) => sum + balance, 0);

/**
 * History of all keys together: its gets have no place in their client's order, because they need not wait for writes of other
 * keys.
 */
const ofWholeStore = (history) => history.map((one) => (one.kind === "get" ? { ...one, client: undefined } : one));

/** There is an order that explains a history; else the message shows where the longest attempt ended. */
function expectLinearizable(history, step, initial, name) {
	const { explained, longest } = check(history, step, initial);
	if (explained) return;
	const reached = new Set(longest);
	const left = history.filter((operation) => !reached.has(operation)).sort((a, b) => a.invoked - b.invoked);
	const text = (operations) => operations.map((operation) => JSON.stringify(operation)).join("\n");
	expect.fail(
		`no order explains ${name}: after ${longest.length} of ${history.length} operations, of which the last are\n` +
			`${text(longest.slice(-12))}\nnothing of what is left can come next:\n${text(left.slice(0, 20))}`,
	);
}
