// Semantics of the operations of a history: on one key, which is a register, and on the store as a whole.
//
// Values are JSON text, and null where there is none. An operation has a `kind`, an `argument`, a `result`, and
// a `key` if it concerns one; an update's result is the value that it made.

/** The kinds of operations that change nothing. */
export const isRead = (kind) => kind === "get" || kind === "select";

/** Functions for `update`, of a value and the operation's argument. */
export const updates = {
	append: (list, argument) => [...(list ?? []), argument],
	increment: (count) => (count ?? 0) + 1,
};

/**
 * Effects of `updateMany` on the values of some keys, by kind, and their reversal, from the new values to the old. An argument
 * has these `keys`.
 */
export const jointUpdates = {
	exchange: { apply: ([one, other]) => [other, one], revert: ([one, other]) => [other, one] },
	transfer: {
		apply: ([from, to], { amount }) => [from - amount, to + amount],
		revert: ([from, to], { amount }) => [from + amount, to - amount],
	},
};

/** A step of the checker for one key. */
export function register(state, { kind, argument, result }) {
	switch (kind) {
		case "get":
			return result === state ? { state } : undefined;
		case "set":
			return { state: JSON.stringify(argument) };
		case "delete":
			return { state: null };
		case "take":
			return result === state ? { state: null } : undefined;
		case "claim":
			return result === String(state === null) ? { state: state ?? JSON.stringify(argument) } : undefined;
		case "replace":
			return argument.before === state ? { state: argument.after } : undefined;
		default: {
			const made = JSON.stringify(updates[kind](JSON.parse(state), argument));
			return made === result ? { state: made } : undefined;
		}
	}
}

/** A step of the checker for all keys together. A state is the JSON text of entries, sorted by key. */
export function store(state, operation) {
	const { kind, key, argument, result } = operation;
	switch (kind) {
		case "select":
			return result === (state ?? "[]") ? { state } : undefined;
		case "deleteLike":
			return { state: null };
		case "exchange":
		case "transfer":
			return updateTogether(contentsOf(state), operation);
		case "setMany":
			return { state: stateOf(new Map([...contentsOf(state), ...argument.map((entry) => [entry.key, entry.value])])) };
		default: {
			const contents = contentsOf(state);
			const before = contents.has(key) ? JSON.stringify(contents.get(key)) : null;
			const after = register(before, { kind, argument, result });
			if (after === undefined) return undefined;
			if (after.state === null) contents.delete(key);
			else contents.set(key, JSON.parse(after.state));
			return { state: stateOf(contents) };
		}
	}
}

/** Several keys get values by what all of them had; `result` has those of all after that, in the order of the keys. */
function updateTogether(contents, { kind, argument, result }) {
	const made = jointUpdates[kind].apply(
		argument.keys.map((key) => contents.get(key)),
		argument,
	);
	if (JSON.stringify(made.map((value) => value ?? null)) !== result) return undefined;
	for (const [index, key] of argument.keys.entries()) {
		if (made[index] === undefined) contents.delete(key);
		else contents.set(key, made[index]);
	}
	return { state: stateOf(contents) };
}

const contentsOf = (state) => new Map(JSON.parse(state ?? "[]"));

function stateOf(contents) {
	return contents.size === 0 ? null : textOf([...contents]);
}

/** Entries as the text that states and the results of `select` have. */
export const textOf = (entries) => JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));

/** Projection of a history on one key: an operation on several keys is one on each of them. */
export function projection(history, key) {
	return history.flatMap((operation) => {
		const { kind, argument, result } = operation;
		if (kind === "deleteLike") return { ...operation, kind: "delete" };
		if (kind === "setMany") {
			const entry = argument.find((entry) => entry.key === key);
			return entry ? { ...operation, kind: "set", argument: entry.value } : [];
		}
		if (Object.hasOwn(jointUpdates, kind)) {
			const index = argument.keys.indexOf(key);
			if (index < 0) return [];
			const after = JSON.parse(result);
			const [before, made] = [jointUpdates[kind].revert(after, argument), after].map((values) => values[index]);
			const text = (value) => (value === null ? null : JSON.stringify(value));
			return { ...operation, kind: "replace", argument: { before: text(before), after: text(made) } };
		}
		if (kind === "select") {
			const entry = JSON.parse(result).find(([name]) => name === key);
			return { ...operation, kind: "get", result: entry ? JSON.stringify(entry[1]) : null };
		}
		return operation.key === key ? operation : [];
	});
}
