"use strict";

const assert = require("node:assert/strict");
const { join } = require("node:path");
const { Worker } = require("node:worker_threads");

const ROUNDS = 40;

module.exports = {
	async "three processes on one file, one of them with its backups"({ openDataStore, folder, run }) {
		const filename = join(folder(), "bot.sqlite3");
		const args = [filename, String(ROUNDS)];
		const ends = await Promise.all(["yes", "no", "no"].map((backup) => run("count.cjs", [...args, backup])));
		for (const { code, stderr } of ends) assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
		const store = openDataStore({ filename });
		assert.equal(await store.appData.get("updates"), 3 * ROUNDS);
		assert.equal(await store.appData.get("increments"), 3 * ROUNDS);
		assert.deepEqual(await store.sqlite.all("SELECT count(*) AS n FROM t"), [{ n: 3 * ROUNDS }]);
		assert.deepEqual(await store.sqlite.all("PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
		await store.backups.create();
		assert.equal((await store.backups.verify()).isComplete, true);
		await store.close();
	},

	async "a process that is killed loses nothing that was acknowledged"({ openDataStore, folder, start }) {
		const filename = join(folder(), "bot.sqlite3");
		const { child, ended, printed } = start("write.cjs", [filename, "stay"]);
		await printed("written");
		child.kill("SIGKILL");
		await ended;
		const store = openDataStore({ filename });
		assert.equal(await store.kv.count(), 20);
		await store.close();
	},

	async "worker threads"({ openDataStore, folder, packageFolder }) {
		const filename = join(folder(), "bot.sqlite3");
		const program = join(__dirname, "../programs/worker.cjs");
		const workerData = { packageFolder, filename, rounds: ROUNDS };
		const worker = () =>
			new Promise((resolve, reject) => {
				const one = new Worker(program, { workerData });
				one.on("error", reject);
				one.on("exit", resolve);
			});
		const store = openDataStore({ filename });
		const [...codes] = await Promise.all([worker(), worker(), worker()]);
		assert.deepEqual(codes, [0, 0, 0]);
		assert.equal(await store.appData.get("n"), 3 * ROUNDS);
		await store.close();
	},
};
