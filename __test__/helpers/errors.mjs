// Assertions on errors.

import { inspect } from "node:util";
import { RootcellarError } from "rootcellar";
import { expect } from "vitest";

/** A text that no message, stack or serialised error may contain once it was stored. */
export const SECRET = "hunter2-correct-horse";

/**
 * Calls `operation`, which must return a promise without throwing, and gives the error it rejects with.
 */
export async function rejection(operation) {
	const promise = operation();
	expect(promise).toBeInstanceOf(Promise);
	try {
		await promise;
	} catch (error) {
		return error;
	}
	throw new Error("expected a rejection, but the operation resolved");
}

/** No text that a log could show of `error` contains `secret`. */
export function expectNoSecret(error, secret = SECRET) {
	for (const text of [error.message, error.stack, String(error), JSON.stringify(error), inspect(error)]) {
		expect(text).not.toContain(secret);
	}
}

/** `operation` rejects with the `TypeError` of a bad argument, which names the argument. */
export async function expectInvalidArgument(operation, argument) {
	const error = await rejection(operation);
	expectArgumentError(error, argument);
	return error;
}

/** `error` is the `TypeError` of a bad argument, which names the argument: a name or a pattern. */
export function expectArgumentError(error, argument) {
	expect(error).toBeInstanceOf(TypeError);
	expect(error.code).toBe("ERR_INVALID_ARGUMENT");
	if (typeof argument === "string") expect(error.argument).toBe(argument);
	else expect(error.argument).toMatch(argument);
	expect(error.message).toContain(error.argument);
	expectNoSecret(error);
}

/** `operation` rejects with the `RangeError` of something too large, which names the argument: a name or a pattern. */
export async function expectTooLarge(operation, argument) {
	const error = await rejection(operation);
	expect(error).toBeInstanceOf(RangeError);
	expect(error.code).toBe("ERR_TOO_LARGE");
	expect(error.argument).toMatch(argument);
	expect(error.message.length).toBeLessThan(1_000);
	return error;
}

/** `operation` rejects with a `RootcellarError` of this code. */
export async function expectFailure(operation, code) {
	const error = await rejection(operation);
	expect(error).toBeInstanceOf(RootcellarError);
	expect(error).toBeInstanceOf(Error);
	expect(error).toMatchObject({ name: "RootcellarError", code });
	expectNoSecret(error);
	return error;
}
