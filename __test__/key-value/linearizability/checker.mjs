// Is a recorded history linearizable? Written for these tests, without a library.
//
// The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memoisation of
// Lowe ("Testing for linearizability", 2017): an operation may come next if none of those still to come had
// returned before it was invoked, and a situation (the operations placed, the state reached) that was met before
// is not entered again. A read that may come next and has the right result is placed at once, without trying
// anything else in its place: it changes nothing, so that an order with it later is also one with it now.
//
// Beyond linearizability, the writes of one client must come in the order of issue, also where it did not wait for
// one before it issued the next; and each of its reads after the writes issued before the read, and before those
// issued after it.

/**
 * An operation as it was recorded, with times of one clock.
 *
 * @typedef {object} Operation
 * @property {string} [client] whose operations are in order; without, only their times matter
 * @property {boolean} [isRead]
 * @property {number} invoked
 * @property {number} returned `Infinity` if it never did: then it may have happened at any time, or not at all
 */

/**
 * State after an operation, or `undefined` if it cannot have had its result in the state before.
 *
 * @template {Operation} O
 * @typedef {(state: string | null, operation: O) => { state: string | null } | undefined} Step
 */

/**
 * Looks for an order of all operations that explains the history. `explained` is that order, or `undefined`;
 * then `longest` is one of as many operations as could be explained.
 *
 * @template {Operation} O
 * @param {O[]} history the operations of each client in the order of issue
 * @param {Step<O>} step
 * @param {string | null} initial
 * @returns {{ explained: O[] | undefined, longest: O[] }}
 */
export function check(history, step, initial = null) {
	const search = new Search(history, step);
	return search.run(initial);
}

class Search {
	constructor(history, step) {
		this.step = step;
		this.operations = [...history].sort((a, b) => a.invoked - b.invoked);
		const { length } = this.operations;
		this.end = length;
		this.predecessors = predecessorsIn(history, this.operations);
		this.isPlaced = new Uint8Array(length);
		/** The operations that are left, as a ring of indices through `end`. */
		this.next = Int32Array.from({ length: length + 1 }, (_, index) => (index === length ? 0 : index + 1));
		this.previous = Int32Array.from({ length: length + 1 }, (_, index) => (index === 0 ? length : index - 1));
		/** The order so far, and with each operation the highest index up to there. */
		this.placed = [];
		this.longest = [];
		this.toComplete = history.filter(({ returned }) => returned !== Infinity).length;
		this.seen = new Set();
	}

	run(initial) {
		// A stack of what is left to try after each operation placed. Recursion would go thousands of levels deep.
		const stack = [this.alternatives(initial)];
		while (this.toComplete > 0 && stack.length > 0) {
			const next = stack.at(-1).pop();
			if (next === undefined) {
				stack.pop();
				if (stack.length > 0) this.remove();
				continue;
			}
			this.place(next.index);
			if (this.isNew(next.state)) stack.push(this.alternatives(next.state));
			else this.remove();
		}
		const order = (placed) => placed.map(({ index }) => this.operations[index]);
		return { explained: this.toComplete === 0 ? order(this.placed) : undefined, longest: order(this.longest) };
	}

	/** The operations that may come next, with what each makes of the state; the one to try first is the last. */
	alternatives(state) {
		const found = [];
		for (const index of this.candidates()) {
			const result = this.step(state, this.operations[index]);
			if (result === undefined) continue;
			if (this.operations[index].isRead) return [{ index, state }];
			found.push({ index, state: result.state });
		}
		// The operation that returned first has most likely come first.
		return found.sort((a, b) => this.operations[b.index].returned - this.operations[a.index].returned);
	}

	candidates() {
		const { operations, predecessors, isPlaced } = this;
		const found = [];
		let earliestReturn = Infinity;
		// Whatever was invoked later than this has returned later too.
		for (let i = this.next[this.end]; i !== this.end && operations[i].invoked <= earliestReturn; i = this.next[i]) {
			earliestReturn = Math.min(earliestReturn, operations[i].returned);
			if (predecessors[i].every((index) => isPlaced[index])) found.push(i);
		}
		return found.filter((i) => operations[i].invoked <= earliestReturn);
	}

	place(index) {
		const highest = Math.max(index, this.placed.at(-1)?.highest ?? -1);
		this.placed.push({ index, highest });
		this.isPlaced[index] = 1;
		if (this.operations[index].returned !== Infinity) this.toComplete--;
		this.next[this.previous[index]] = this.next[index];
		this.previous[this.next[index]] = this.previous[index];
	}

	/** Takes back the last {@link Search.place}. */
	remove() {
		if (this.placed.length > this.longest.length) this.longest = [...this.placed];
		const { index } = this.placed.pop();
		this.isPlaced[index] = 0;
		if (this.operations[index].returned !== Infinity) this.toComplete++;
		this.next[this.previous[index]] = index;
		this.previous[this.next[index]] = index;
	}

	/** Remembers a state reached with the operations that are placed; tells whether it is new. */
	isNew(state) {
		const { highest } = this.placed.at(-1);
		const left = [];
		for (let i = this.next[this.end]; i < highest; i = this.next[i]) left.push(i);
		const situation = `${highest}:${left}:${state}`;
		const isNew = !this.seen.has(situation);
		this.seen.add(situation);
		return isNew;
	}
}

/** For each of the sorted operations the indices of those that its client's order puts before it. */
function predecessorsIn(history, operations) {
	const indices = new Map(operations.map((operation, index) => [operation, index]));
	const predecessors = operations.map(() => []);
	/** The last write of each client, and its reads since. */
	const last = new Map();
	for (const operation of history) {
		const { client, isRead } = operation;
		if (client === undefined) continue;
		const index = indices.get(operation);
		const { write, reads } = last.get(client) ?? { write: [], reads: [] };
		predecessors[index] = isRead ? write : [...write, ...reads];
		last.set(client, isRead ? { write, reads: [...reads, index] } : { write: [index], reads: [] });
	}
	return predecessors;
}
