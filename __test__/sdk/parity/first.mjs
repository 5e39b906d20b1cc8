// The first operations on a file that is not there yet, all at once. See parity.test.mjs.

const COUNT = 20;

/** Number of operations that are rejected, of those that are the first of a store, called at once. */
export async function firstOperations(store) {
	const keys = Array.from({ length: COUNT }, (_, index) => `${index}`);
	const ended = await Promise.allSettled(keys.map((key) => store.set({ key, value: key })));
	return { rejected: ended.filter(({ status }) => status === "rejected").length, of: COUNT };
}
