/**
 * Output of a step.
 *
 * @typedef {object} Output
 * @property {(chunk: string | Uint8Array) => void} write
 * @property {() => void} end
 */

/**
 * The outputs that have not been printed in full, in the order in which they were opened.
 *
 * @type {{ kept: (string | Uint8Array)[], hasEnded: boolean }[]}
 */
const outputs = [];

/**
 * Opens the output of a step. Steps that run at the same time print one after another: the oldest prints at once,
 * and what the others print is kept until it is their turn.
 *
 * @returns {Output}
 */
export function openOutput() {
	const output = { kept: /** @type {(string | Uint8Array)[]} */ ([]), hasEnded: false };
	outputs.push(output);
	return {
		write(chunk) {
			if (outputs[0] === output) process.stdout.write(chunk);
			else output.kept.push(chunk);
		},
		end() {
			output.hasEnded = true;
			while (outputs[0]?.hasEnded) {
				outputs.shift();
				printKept();
			}
		},
	};
}

/** Prints what has been kept of every output, also of steps that have not ended. */
export function printEverything() {
	while (outputs.length > 0) {
		printKept();
		outputs.shift();
	}
}

function printKept() {
	for (const chunk of outputs[0]?.kept.splice(0) ?? []) process.stdout.write(chunk);
}
