// Operations of either side on a file, in a process of its own.

import { runWith } from "../parity/run.mjs";
import { SCOPES } from "./model.mjs";

const STEPS = new URL("./steps.mjs", import.meta.url);

/** Carries out operations on `filename` and gives what a process of `side` reads afterwards. */
export const carryOut = (side, filename, operations, reads = []) =>
	runWith(side, filename, STEPS, "carryOut", operations, reads, SCOPES);

/** The value of a key in a new process of `side`. */
export async function readValue(side, filename, key) {
	const { values } = await carryOut(side, filename, [], [{ key }]);
	return values[0];
}
