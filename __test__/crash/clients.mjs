// The clients that load a store until they are stopped: flows through the store, and another SQLite library.

import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { reportDone, reportRejected, reportWrites } from "./reports.mjs";
import { perform, ROWS_SCHEMA, random, randomTransaction, randomWrite, statementsOf } from "./writes.mjs";

/** Several flows of one store, which is closed and opened again now and then. */
export class StoreClient {
	#number = 0;
	#stopping = false;

	constructor(name, filename) {
		this.name = name;
		this.filename = filename;
	}

	async run() {
		this.#stopping = false;
		while (!this.#stopping) {
			await this.store?.close();
			this.store = openDataStore({ filename: this.filename, backup: false });
			const bursts = 1 + random(random(5) === 0 ? 3 : 200);
			await Promise.all(Array.from({ length: 1 + random(6) }, () => this.#flow(bursts)));
		}
	}

	/** Ends the run when what was issued is done. The store stays open, as that of an idle bot. */
	stop() {
		this.#stopping = true;
	}

	async #flow(bursts) {
		for (let burst = 0; burst < bursts && !this.#stopping; burst++) {
			const reads = random(10) === 0 ? this.#read() : undefined;
			const length = random(4) === 0 ? 1 + random(20) : 1;
			await Promise.all(this.#issue(Array.from({ length }, randomWrite)));
			await reads;
		}
	}

	#issue(writes) {
		const first = this.#number;
		this.#number += writes.length;
		reportWrites(this.name, first, writes);
		return writes.map(async (write, index) => {
			await perform(this.store, this.name, write);
			reportDone(this.name, first + index);
		});
	}

	async #read() {
		await this.store.appData.get(`${this.name}/k1`);
		await this.store.appData.selectValue(`${this.name}/k1%`);
	}
}

/** One connection of the `sqlite3` package, with a transaction after the other, and a checkpoint now and then. */
export class LibraryClient {
	#number = 0;
	#stopping = false;
	#ready = false;

	constructor(name, filename, { Database }) {
		this.name = name;
		this.filename = filename;
		this.Database = Database;
	}

	async run() {
		this.#stopping = false;
		this.database ??= await this.#open();
		while (!this.#stopping) {
			this.#ready ||= await this.#makeTable();
			if (!this.#ready) await sleep(2);
			else if (random(15) === 0) await this.#checkpoint();
			else await this.#transaction();
			await turn();
		}
	}

	stop() {
		this.#stopping = true;
	}

	#open() {
		return new Promise((resolve, reject) => {
			const database = new this.Database(this.filename, (error) => (error ? reject(error) : resolve(database)));
			database.configure("busyTimeout", 2_000);
		});
	}

	/** Makes the library's own table once the store has made its. Returns whether both are there. */
	async #makeTable() {
		const tables = await unlessBusy(this.#all("select 1 from sqlite_master where name = '__rootapp_kv'"));
		return tables?.length > 0 && (await unlessBusy(this.#all(ROWS_SCHEMA))) !== undefined;
	}

	async #transaction() {
		const write = randomTransaction();
		const number = this.#number++;
		reportWrites(this.name, number, [write]);
		const done = await unlessBusy(this.#begin(write));
		if (done) reportDone(this.name, number);
		else reportRejected(this.name, number);
	}

	async #begin(write) {
		await this.#all("begin immediate");
		try {
			for (const [sql, ...parameters] of statementsOf(this.name, write)) await this.#all(sql, parameters);
			await this.#all("commit");
		} catch (error) {
			await this.#all("rollback");
			throw error;
		}
		return true;
	}

	async #checkpoint() {
		const mode = ["passive", "full", "restart", "truncate"][random(4)];
		await unlessBusy(this.#all(`pragma wal_checkpoint(${mode})`));
	}

	#all(sql, parameters = []) {
		return new Promise((resolve, reject) => {
			this.database.all(sql, parameters, (error, rows) => (error ? reject(error) : resolve(rows)));
		});
	}
}

/** The result of a promise, or `undefined` if it rejects because of a lock that others hold. */
async function unlessBusy(promise) {
	try {
		return await promise;
	} catch (error) {
		if (error.code === "SQLITE_BUSY") return undefined;
		throw error;
	}
}
