const BYTES_PER_KIB = 1024;

/**
 * Memory of this process: now, after garbage collection, and at its peak.
 *
 * Needs `--expose-gc`.
 */
export async function residentBytes() {
	const unsettledBytes = process.memoryUsage.rss();
	for (let turn = 0; turn < 3; turn++) {
		globalThis.gc?.();
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	const peakBytes = process.resourceUsage().maxRSS * BYTES_PER_KIB;
	return { settledBytes: process.memoryUsage.rss(), unsettledBytes, peakBytes };
}
