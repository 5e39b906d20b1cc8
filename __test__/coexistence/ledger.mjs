// Record of acknowledged writes, kept by the process that wrote them, to compare the file with at the end.

/** Communities of the two sides: rootcellar's keys are in the default one. */
export const FOREIGN_COMMUNITY = "foreign";

/** A key that everybody increments, in the default community. */
export const COUNTER_KEY = "shared/counter";

export class Ledger {
	/** The JSON text of each key that rootcellar wrote; `undefined` where it was deleted. */
	own = new Map();
	/** The same of the keys that the other library wrote in a community of its own. */
	foreign = new Map();
	/** The text of each row of the other library's own table, by its number; `undefined` where it was deleted. */
	rows = new Map();
	/** Acknowledged increments of {@link COUNTER_KEY}. */
	increments = 0;
	/** Operations that were acknowledged, by what did them. */
	acknowledged = { own: 0, foreign: 0 };
	/** Operations that were refused since somebody else held a lock, by what did them. */
	busy = { own: 0, foreign: 0 };
	/** Checkpoints of the other library. */
	checkpoints = 0;
	/** Everything else that went wrong. */
	errors = [];

	/** Records the deletion of a whole group of rootcellar's keys. */
	deleteOwnPrefix(prefix) {
		for (const key of this.own.keys()) if (key.startsWith(prefix)) this.own.delete(key);
	}

	/** As JSON, for the process that checks. */
	report() {
		return { ...this, own: present(this.own), foreign: present(this.foreign), rows: present(this.rows) };
	}
}

function present(map) {
	return [...map].filter(([, text]) => text !== undefined);
}
