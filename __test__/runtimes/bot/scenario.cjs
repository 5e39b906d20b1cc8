// A bot's use of the store, for every runtime and module system: `run(package, phase, filename)`.
"use strict";

const process = require("node:process");

/** Every operation, and what it gave. */
async function operations({ openDataStore, dataStore, rootServer, RootcellarError }, filename) {
	const store = openDataStore({ filename, backup: false });
	const { appData } = store;
	const expiresAt = new Date(Date.now() + 60_000);
	await appData.set({ key: "profile:ada", value: { xp: 10, tags: ["a", "\u00e9\u{1f980}"], none: null } });
	await appData.set([
		{ key: "profile:bob", value: 7, expiresAt },
		{ key: "profile:eve", value: "gone", expiresAt: Date.now() - 1_000 },
		{ key: "scoped", value: true, communityId: "one" },
	]);
	const results = {
		get: await appData.get("profile:ada"),
		missing: (await appData.get("missing")) === undefined,
		expired: (await appData.get("profile:eve")) === undefined,
		community: [await appData.get("scoped", "one"), await appData.select("scoped")],
		update: await Promise.all(Array.from({ length: 20 }, () => appData.update("n", (n) => n + 1, 0))),
		select: await appData.select("profile:%"),
		selectValue: await appData.selectValue("PROFILE:_da"),
	};
	await Promise.all([appData.delete("profile:ada"), appData.deleteLike("profile:b%")]);
	results.left = await appData.select("%");
	results.large = (
		await Promise.all(Array.from({ length: 3_000 }, (_, i) => appData.set({ key: `k${i}`, value: i })))
	).length;
	results.count = (await appData.selectValue("k%")).length;
	results.argument = await appData.get({}).catch((error) => [error instanceof TypeError, error.code, error.argument]);
	await Promise.all([store.close(), store.close()]);
	const closed = (error) => [error instanceof RootcellarError, error instanceof Error, error.code];
	results.closed = await appData.get("n").catch(closed);
	const folder = openDataStore({ filename: __dirname, backup: false }).appData;
	results.folder = await folder.get("k").catch(closed);
	results.sameStore = rootServer.dataStore === dataStore;
	console.log(JSON.stringify(results));
}

/** Issues many operations and does not wait for them. */
function issue({ openDataStore }, filename) {
	const { appData } = openDataStore({ filename, backup: false });
	for (let i = 0; i < 500; i++) appData.set({ key: `k${i}`, value: i });
	for (let i = 0; i < 50; i++) appData.update("n", (n) => n + 1, 0);
	return appData;
}

const phases = {
	operations,
	/** Ends the process with the writes still to be done. */
	exit: (rootcellar, filename) => {
		issue(rootcellar, filename);
		process.exit(3);
	},
	/** The same, with the file open. */
	"exit later": async (rootcellar, filename) => {
		await issue(rootcellar, filename).get("k1");
		issue(rootcellar, `${filename}.second`);
		process.exit(3);
	},
	/** Runs out of work while writes are pending. */
	pending: issue,
	/** Runs out of work with the store open and nothing to do. */
	idle: async (rootcellar, filename) => {
		const appData = issue(rootcellar, filename);
		await appData.select("%");
	},
};

/** Least number of rows, and of keys, written in `coexistence`. */
const COEXISTENCE_WRITES = 500;

/** Beside the SQLite that the runtime has built in, in the same file. */
phases.coexistence = async ({ openDataStore }, filename) => {
	const { Database } = await openBuiltIn();
	const { appData, close } = openDataStore({ filename, backup: false });
	await appData.set({ key: "first", value: 1 });
	let other;
	const reopen = () => {
		other?.close();
		other = new Database(filename);
		other.exec("pragma busy_timeout = 5000");
	};
	reopen();
	other.exec("create table rows (x integer primary key, y text)");
	const result = { keys: 1, rows: 0, errors: [] };
	let running = true;
	const lanes = Array.from({ length: 4 }, async (_, lane) => {
		for (let i = 0; running; i++) {
			await appData.set({ key: `lane${lane}:${i}`, value: "x".repeat(200) });
			result.keys++;
		}
	});
	while (result.errors.length === 0 && Math.min(result.rows, result.keys) < COEXISTENCE_WRITES) {
		try {
			other.exec(`insert into rows (y) values ('${"y".repeat(300)}')`);
			result.rows++;
			if (result.rows % 50 === 0) {
				reopen();
				other.exec("pragma wal_checkpoint");
			}
		} catch (error) {
			result.errors.push(error.message);
		}
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
	running = false;
	await Promise.all(lanes);
	other.close();
	await close();
	console.log(JSON.stringify(result));
};

/** SQLite as Bun has it, and as Deno and Node do. */
async function openBuiltIn() {
	if (process.versions.bun) return import("bun:sqlite");
	const { DatabaseSync } = await import("node:sqlite");
	return { Database: DatabaseSync };
}

/** Rounds of `workers`, each with two worker threads that are terminated at work. */
const WORKER_ROUNDS = 10;

phases.workers = async ({ openDataStore }, filename) => {
	const { Worker } = require("node:worker_threads");
	const store = openDataStore({ filename, backup: false });
	const acknowledged = new Set();
	const result = { errors: [] };
	for (let round = 0; round < WORKER_ROUNDS; round++) {
		const workers = [0, 1].map((n) => {
			const worker = new Worker(`${__dirname}/worker.cjs`, { workerData: { filename, prefix: `w${round}:${n}` } });
			worker.on("message", (key) => acknowledged.add(key));
			worker.on("error", (error) => result.errors.push(error.message));
			return worker;
		});
		await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
		await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
		await Promise.all(workers.map((worker) => worker.terminate()));
		result.main = await store.appData.update("main", (n) => n + 1, 0);
	}
	const keys = new Set((await store.appData.select("w%")).map(({ key }) => key));
	result.missing = [...acknowledged].filter((key) => !keys.has(key)).length;
	result.acknowledged = acknowledged.size;
	await store.close();
	console.log(JSON.stringify(result));
};

exports.run = (rootcellar, phase, filename) => phases[phase](rootcellar, filename);
