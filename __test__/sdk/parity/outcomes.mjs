// Outcomes and moments of the cases.

import { past } from "../../helpers/time.mjs";

/** Moments that no test comes near. */
export const LATER = new Date(4_102_444_800_000);
export const PAST = new Date(1_000_000_000_000);

let lifeMs = 300;
let last;

/** An expiry that a case waits for, with {@link pastSoon}. */
export function soon() {
	last = Date.now() + lifeMs;
	return new Date(last);
}

/** Waits until that is past. Where it is past already nobody knows what the case has found before: it is to be run again. */
export async function pastSoon() {
	if (Date.now() >= last) {
		lifeMs *= 2;
		throw TOO_SLOW;
	}
	await past(last + 100);
}

/** Rejection of a case that is to be run again. */
export const TOO_SLOW = new Error("the machine was too slow");

/** Outcome of an operation: "resolved", or the error's name, code and argument. */
export async function ended(operation) {
	let promise;
	try {
		promise = operation();
	} catch (error) {
		return `threw ${error.name}`;
	}
	try {
		await promise;
		return "resolved";
	} catch (error) {
		return [error.name, error.code, error.argument].filter(Boolean).join(" ");
	}
}

/** The class of the error alone, where it is all that the two must share. */
export const errorClass = async (operation) => (await ended(operation)).split(" ")[0];

/** Outcome of an operation whose argument cannot be used. */
export const badArgument = (argument) => `TypeError ERR_INVALID_ARGUMENT ${argument}`;
