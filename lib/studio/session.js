"use strict";

const { statSync } = require("node:fs");
const { RootcellarError, invalidArgument } = require("../base/errors.js");
const { openDataStore } = require("../data-store.js");
const { createDownloads } = require("./downloads.js");
const { openMoment } = require("./moments.js");

/**
 * @typedef {import("../..").DataStore} DataStore
 * @typedef {Awaited<ReturnType<typeof openMoment>>} Moment
 *
 * Place that a studio shows: a file with the destination of its backups, or a state that was restored from them.
 *
 * @typedef {object} Place
 * @property {string} [file]
 * @property {string} [url]
 * @property {string} [moment] id of the backup that stands for a file
 * @property {boolean} canWrite
 * @property {DataStore} [store] that of a program which shows its own file; otherwise the session opens one
 *
 * Moment that is restored, or being restored, and how many use it or wait for it.
 *
 * @typedef {{ id: string, opened: Promise<Moment>, users: number }} KeptMoment
 */

/** Moments that are kept restored beside the file. */
const MOMENTS_MAX = 2;

/** Codes with which SQLite says that a file was replaced under a reader. */
const REPLACED = new Set(["SQLITE_READONLY_DBMOVED", "ERR_STORE_CLOSED"]);

class Session {
	downloads = createDownloads();
	/**
	 * Functions that cancel requests, by the name that the page has given.
	 *
	 * @type {Map<string, () => void>}
	 */
	works = new Map();
	/**
	 * Restores, the newest first.
	 *
	 * @type {import("./restores.js").Restored[]}
	 */
	restores = [];
	/** @type {Promise<void>} resolved when the program has closed the store that it had given */
	storeClosed = new Promise(() => {});
	/** @type {DataStore | undefined} */
	#store;
	#isOwnStore = true;
	/** @type {Set<KeptMoment>} the oldest first */
	#moments = new Set();
	/** @type {Set<AbortController>} */
	#watches = new Set();
	#isClosed = false;

	/** @param {Place} place */
	constructor({ file, url, moment, canWrite, store }) {
		this.file = file;
		this.url = url;
		this.moment = moment;
		this.canWrite = canWrite;
		if (store === undefined) return;
		this.#store = store;
		this.#isOwnStore = false;
		this.storeClosed = closed(store);
	}

	/** The store of the file. It is opened again after the file was replaced. */
	get store() {
		if (this.#isClosed) throw new RootcellarError("ERR_STORE_CLOSED", "the studio has ended");
		if (this.file === undefined) throw new RootcellarError("ERR_READ_ONLY", "there is no file, only its backups");
		this.#store ??= this.#open(this.file);
		return this.#store;
	}

	/** @param {string} file */
	#open(file) {
		const backup = this.url === undefined ? /** @type {const} */ (false) : { url: this.url, quiet: true };
		const store = openDataStore({ filename: file, readOnly: !this.canWrite, backup });
		// The page shows the failure.
		store.backups.on("failure", () => {});
		return store;
	}

	/**
	 * Calls a function that only reads, with the store of the file, or of a moment.
	 *
	 * @template T
	 * @param {unknown} moment the id of a backup; `undefined` for now
	 * @param {(store: DataStore) => Promise<T>} use
	 * @returns {Promise<T>}
	 */
	async read(moment, use) {
		const id = moment ?? this.moment;
		if (id !== undefined) return this.withMoment(id, ({ store }) => use(store));
		const { store } = this;
		try {
			return await use(store);
		} catch (error) {
			if (this.canWrite || this.#isClosed || !this.#isOwnStore || !REPLACED.has(/** @type {any} */ (error).code))
				throw error;
			if (this.#store === store) this.#store = undefined;
			await store.close();
			return use(this.store);
		}
	}

	/**
	 * The state of a backup, in a private temporary file. Others that are opened later take its place.
	 *
	 * @param {unknown} id
	 * @param {(doneBytes: number, totalBytes: number) => void} [progress]
	 * @param {AbortSignal} [signal]
	 */
	async momentOf(id, progress, signal) {
		return this.withMoment(id, async (moment) => moment, progress, signal);
	}

	/**
	 * Calls a function with the state of a backup, which stays until that has ended.
	 *
	 * @template T
	 * @param {unknown} id
	 * @param {(moment: Moment) => Promise<T>} use
	 * @param {(doneBytes: number, totalBytes: number) => void} [progress]
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<T>}
	 */
	async withMoment(id, use, progress = () => {}, signal) {
		if (this.#isClosed) throw new RootcellarError("ERR_STORE_CLOSED", "the studio has ended");
		if (typeof id !== "string" || !/^[0-9a-f]{16}$/.test(id)) {
			throw invalidArgument("moment", "must be the id of a backup, 16 hexadecimal digits");
		}
		if (this.url === undefined) throw new RootcellarError("ERR_BACKUP_OFF", "there is no destination of backups");
		let kept = [...this.#moments].find((one) => one.id === id);
		if (kept === undefined) {
			const opened = openMoment({ url: this.url, near: this.file }, id, progress, signal);
			const added = { id, opened, users: 0 };
			opened.catch(() => this.#moments.delete(added));
			this.#moments.add(added);
			kept = added;
		}
		kept.users++;
		try {
			const moment = await kept.opened.catch((error) => {
				if (error.code === "ABORT_ERR" && !signal?.aborted) return undefined;
				throw error;
			});
			if (moment !== undefined) return await use(moment);
		} finally {
			kept.users--;
			await this.#closeOldMoments();
		}
		// Somebody else, who had asked for it first, has cancelled its restore.
		return this.withMoment(id, use, progress, signal);
	}

	/** Closes old moments that nobody uses. One that somebody uses is closed when that has ended. */
	async #closeOldMoments() {
		const others = [...this.#moments].filter(({ id }) => id !== this.moment);
		for (const kept of others.slice(0, -MOMENTS_MAX)) {
			if (kept.users > 0 || !this.#moments.delete(kept)) continue;
			// One that could not be restored has told those who have asked for it.
			await kept.opened.then(
				({ close }) => close(),
				() => {},
			);
		}
	}

	/**
	 * A text that differs when somebody has written to the file. It asks the file system alone.
	 */
	version() {
		if (this.file === undefined) return "";
		return ["", "-wal"]
			.map((suffix) => statSync(this.file + suffix, { throwIfNoEntry: false, bigint: true }))
			.map((found) => (found === undefined ? "none" : `${found.ino} ${found.size} ${found.mtimeNs}`))
			.join();
	}

	/** Signal that ends with the session. */
	ending() {
		const controller = new AbortController();
		this.#watches.add(controller);
		return { signal: controller.signal, forget: () => void this.#watches.delete(controller) };
	}

	async close() {
		this.#isClosed = true;
		for (const controller of this.#watches) controller.abort();
		const moments = [...this.#moments];
		this.#moments.clear();
		for (const { opened } of moments) await opened.then(({ close }) => close()).catch(() => {});
		if (this.#isOwnStore) await this.#store?.close();
	}
}

/**
 * Resolves when a store is closed.
 *
 * @param {DataStore} store
 */
async function closed(store) {
	const watch = store.kv.watch({ keys: [""] });
	let isDone = false;
	// A watch ends with its store.
	while (!isDone) isDone = (await watch.next().catch(() => ({ done: true }))).done === true;
}

module.exports = { Session };
