/**
 * Runs asynchronous work one after another for each key, for peers that have no transaction that could read and
 * write.
 *
 * @returns {<T>(key: string, work: () => Promise<T>) => Promise<T>}
 */
export function createKeyQueue() {
	/** @type {Map<string, Promise<unknown>>} */
	const tails = new Map();
	return (key, work) => {
		const before = tails.get(key);
		const result = before === undefined ? work() : before.then(work, work);
		tails.set(key, result);
		const forget = () => {
			if (tails.get(key) === result) tails.delete(key);
		};
		result.then(forget, forget);
		return result;
	};
}
