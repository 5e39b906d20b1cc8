// Removing files that a store may still be writing.

import { rmSync } from "node:fs";

/** How long something may go on being written, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Removes a file or folder. What a store has begun when `shutdownTimeoutMs` is over is written to its end, after
 * `close()`: a folder may get a file after it was listed, which `maxRetries` does not help against.
 */
export function remove(path) {
	const end = Date.now() + PATIENCE_MS;
	for (;;) {
		try {
			return rmSync(path, { recursive: true, force: true });
		} catch (error) {
			if (error.code !== "ENOTEMPTY" || Date.now() > end) throw error;
		}
	}
}
