// Threads of this process, on Linux.

import { readdirSync, readFileSync } from "node:fs";

/** Names of the threads, of which Linux keeps 15 characters each. */
export function threadNames() {
	return readdirSync("/proc/self/task").map((id) => {
		try {
			return readFileSync(`/proc/self/task/${id}/comm`, "utf8").trim();
		} catch {
			// It has ended by now.
			return "";
		}
	});
}
