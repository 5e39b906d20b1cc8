// A lock that a connection holds, while something waits for it.

import { whileLocked } from "../helpers/time.mjs";

/**
 * What operations on the key `k`, which is "before", resolve with that wait for a connection to end its exclusive transaction. It
 * has begun that already.
 */
export async function behindExclusive(holder, appData, operations) {
	let isHeld = true;
	return whileLocked({
		hold: async () => {
			if (isHeld) return;
			await appData.set({ key: "k", value: "before" });
			await holder.run("begin exclusive");
		},
		operations,
		heldMs: 300,
		release: async () => {
			await holder.run("commit");
			isHeld = false;
		},
	});
}
