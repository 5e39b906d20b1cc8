"use strict";

const { writeFileSync } = require("node:fs");
const { RootcellarError } = require("../../base/errors.js");
const { shown } = require("../../base/json.js");
const { counted } = require("../output.js");
const { KINDS } = require("./values/kinds.js");

/**
 * @typedef {import("./values/kinds.js").Kind} Kind
 * @typedef {import("./sources/source.js").Item} Item
 *
 * Remark on a key: what it is called, where the source has it, and what could not be carried over. Never its value.
 *
 * @typedef {{ key: string | undefined, from: string, inexact?: Kind[], refused?: string }} Remark
 */

/** Remarks that are kept in memory, and those that a text or a message shows. */
const REMARKS_KEPT_MAX = 100;
const REMARKS_SHOWN_MAX = 20;

/** Length of lines that are written to the file of the report at a time. */
const WRITE_LENGTH = 1 << 16;

/** Report of an import: the keys of its source that were imported, changed, skipped and refused. */
class ImportReport {
	keys = 0;
	expired = 0;
	/** Keys of other communities. */
	skipped = 0;
	/** @type {{ keys: number, kinds: Partial<Record<Kind, number>>, first: Remark[] }} */
	inexact = { keys: 0, kinds: {}, first: [] };
	/** @type {{ keys: number, first: Remark[] }} */
	refused = { keys: 0, first: [] };
	#descriptor;
	#lines = "";

	/** @param {number} [descriptor] of the file that gets every remark as a line of JSON */
	constructor(descriptor) {
		this.#descriptor = descriptor;
	}

	/** @param {Item} item whose value is carried over */
	add({ key, from, kinds }) {
		this.keys++;
		if (kinds === undefined || kinds.size === 0) return;
		this.inexact.keys++;
		for (const kind of kinds) this.inexact.kinds[kind] = (this.inexact.kinds[kind] ?? 0) + 1;
		this.#remark(this.inexact.first, { key, from, inexact: [...kinds] });
	}

	/**
	 * @param {Item} item
	 * @param {string} reason
	 */
	refuse({ key, from }, reason) {
		this.refused.keys++;
		this.#remark(this.refused.first, { key, from, refused: reason });
	}

	/**
	 * @param {Remark[]} first
	 * @param {Remark} remark
	 */
	#remark(first, remark) {
		if (first.length < REMARKS_KEPT_MAX) first.push(remark);
		if (this.#descriptor === undefined) return;
		this.#lines += `${JSON.stringify(remark)}\n`;
		if (this.#lines.length > WRITE_LENGTH) this.flush();
	}

	/** Writes what the file has not got yet. */
	flush() {
		if (this.#descriptor !== undefined) writeFileSync(this.#descriptor, this.#lines);
		this.#lines = "";
	}

	/**
	 * Refuses to import if a key cannot be.
	 *
	 * @param {boolean} canSkip
	 */
	check(canSkip) {
		const { keys, first } = this.refused;
		if (keys === 0) return;
		const reasons = first.slice(0, REMARKS_SHOWN_MAX).map(describeRemark);
		const rest = keys > reasons.length ? `; and ${keys - reasons.length} more` : "";
		throw new RootcellarError(
			"ERR_INVALID_INPUT",
			`${counted(keys)} cannot be imported: ${reasons.join("; ")}${rest}; nothing was imported` +
				(canSkip ? ", and --skip leaves out what cannot be" : ""),
		);
	}

	/** The lines that say what was left out, and what was carried over in another form. */
	describe() {
		const { inexact, refused } = this;
		const lines = this.expired === 0 ? [] : [`${counted(this.expired)} had expired`];
		if (refused.keys > 0) lines.push(`${counted(refused.keys)} could not be imported:`, ...listed(refused));
		if (inexact.keys > 0) {
			lines.push(`${counted(inexact.keys)} could not be carried over exactly:`, ...listed(inexact));
			for (const [kind, keys] of Object.entries(inexact.kinds)) {
				lines.push(`${kind} (${keys}): ${KINDS[/** @type {Kind} */ (kind)]}`);
			}
		}
		return lines;
	}
}

/** @param {{ keys: number, first: Remark[] }} remarks */
function listed({ keys, first }) {
	const lines = first.slice(0, REMARKS_SHOWN_MAX).map((remark) => `  ${describeRemark(remark)}`);
	return keys > lines.length ? [...lines, `  and ${keys - lines.length} more, which --report <path> lists`] : lines;
}

/** @param {Remark} remark */
function describeRemark({ key, from, inexact, refused }) {
	const where = key === undefined ? from : `${shown(key)}, ${from},`;
	return refused === undefined ? `${where} has ${inexact?.join(", ")}` : `${where} ${refused}`;
}

module.exports = { ImportReport };
