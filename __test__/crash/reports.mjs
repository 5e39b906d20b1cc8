// Reports of a process under load on its standard output, before it issues a write and after the write resolved.
// Each report is one system call, so that it outlives the process.

import { writeSync } from "node:fs";

function send(...parts) {
	const line = `${parts.join(" ")}\n`;
	for (;;) {
		try {
			return writeSync(1, line);
		} catch (error) {
			// The test is busy, and the pipe is full. Lines are short enough to be written whole or not at all.
			if (error.code !== "EAGAIN") throw error;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
		}
	}
}

/** The process is loaded, and waits for its load to begin. */
export const reportReady = () => send("ready");

/** The load has ended, as asked. */
export const reportStopped = () => send("stopped");

/** Writes are about to be issued, in this order; `first` is the number of the first. */
export const reportWrites = (client, first, writes) => send("writes", client, first, JSON.stringify(writes));

export const reportDone = (client, number) => send("done", client, number);

/** A write was rejected because of a held lock, and changed nothing. */
export const reportRejected = (client, number) => send("rejected", client, number);

/** Collects the reports of a process: a {@link import("./model.mjs").ClientRecord} for each of its clients. */
export class Reports {
	#records = new Map();
	/** Number of writes taken from each client. */
	#taken = new Map();

	#record(client) {
		const record = this.#records.get(client) ?? { client, writes: [], acknowledged: 0, rejected: new Set() };
		this.#records.set(client, record);
		return record;
	}

	/** @param {string} line */
	add(line) {
		const [kind, client, number] = line.split(" ", 3);
		if (kind === "ready" || kind === "stopped") return;
		const record = this.#record(client);
		const index = Number(number) - (this.#taken.get(client) ?? 0);
		if (kind === "writes") {
			if (index !== record.writes.length) throw new Error(`${client} skipped a write: ${line.slice(0, 80)}`);
			record.writes.push(...JSON.parse(line.slice(kind.length + client.length + number.length + 3)));
			return;
		}
		record.acknowledged = Math.max(record.acknowledged, index + 1);
		if (kind === "rejected") record.rejected.add(index);
	}

	/** The records since the last call. */
	take() {
		const records = [...this.#records.values()];
		for (const { client, writes } of records) {
			this.#taken.set(client, (this.#taken.get(client) ?? 0) + writes.length);
		}
		this.#records.clear();
		return records;
	}
}
