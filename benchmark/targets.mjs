// Targets against the peers, as data. A new group of workloads adds rows of its own.

import { slowdown } from "./groups/backup/slowdown.mjs";
import { drivers as onPostgres } from "./groups/postgres/drivers/index.mjs";
import { FEW, MANY, postgres, TOGETHER } from "./groups/postgres/index.mjs";
import { subjectOf } from "./groups/scale/index.mjs";

/**
 * A target on one workload: a ratio to another subject of the same group, or a limit of the number itself.
 *
 * @typedef {object} Target
 * @property {string} group
 * @property {string} workload
 * @property {string} subject - Whose number it is.
 * @property {string} [against] - The subject that it is compared with.
 * @property {number} [atLeast] - That many times as good as `against`.
 * @property {number} [costAtMost] - That many times the cost of `against`.
 * @property {number} [atMost] - In the workload's unit.
 */

const ours = { group: "key-value", subject: "rootcellar" };

/** @type {readonly Target[]} */
const againstPeers = [
	{ ...ours, workload: "get-1", against: "map", atLeast: 0.85 },
	{ ...ours, workload: "get-100", against: "map", atLeast: 0.85 },
	{ ...ours, workload: "get-1", against: "lmdb", atLeast: 1.1 },
	{ ...ours, workload: "get-100", against: "lmdb", atLeast: 1.2 },
	{ ...ours, workload: "get-small-cache-1", against: "better-sqlite3", atLeast: 0.8 },
	{ ...ours, workload: "get-small-cache-100", against: "better-sqlite3", atLeast: 1.5 },
	{ ...ours, workload: "set-1000", against: "lmdb", atLeast: 1.5 },
	{ ...ours, workload: "set-1000", against: "sdk", atLeast: 150 },
	{ ...ours, workload: "set-1", against: "better-sqlite3", atLeast: 0.85 },
	{ ...ours, workload: "update-1000", against: "lmdb", atLeast: 1.5 },
	{ ...ours, workload: "update-1", against: "better-sqlite3", atLeast: 0.8 },
	{ ...ours, workload: "select-1000", against: "better-sqlite3", atLeast: 2 },
	{ ...ours, workload: "set-array", against: "better-sqlite3", atLeast: 1 },
	{ ...ours, workload: "mixed-100", against: "lmdb", atLeast: 1.3 },
];

const slow = { group: "slow-sync", subject: "rootcellar", against: "better-sqlite3" };

/** @type {readonly Target[]} */
const whereSyncsAreSlow =
	process.platform === "linux"
		? [
				{ ...slow, workload: "set-1", atLeast: 0.97 },
				{ ...slow, workload: "update-1", atLeast: 0.97 },
			]
		: [];

const inSql = { group: "sql", subject: "rootcellar" };

/** @type {readonly Target[]} */
const againstLibraries = [
	{ ...inSql, workload: "sql-get-1", against: "sqlite3", atLeast: 1 },
	{ ...inSql, workload: "sql-get-1000", against: "sqlite3", atLeast: 1 },
	{ ...inSql, workload: "sql-select-10000", against: "sqlite3", atLeast: 1 },
	{ ...inSql, workload: "sql-select-10000", against: "better-sqlite3", atLeast: 0.7 },
	{ ...inSql, workload: "sql-transaction", against: "sqlite3", atLeast: 1 },
	{ ...inSql, workload: "sql-insert-1", against: "sqlite3", atLeast: 1 },
	{ ...inSql, workload: "sql-insert-1000", against: "sqlite3", atLeast: 3 },
	{ ...inSql, workload: "sql-event-loop", atMost: 8 },
];

const large = { group: "scale", subject: subjectOf("rootcellar", "many") };

/** @type {readonly Target[]} */
const largeAgainstPeers = [
	{ ...large, workload: "set-1000", against: subjectOf("lmdb", "many"), atLeast: 3 },
	{ ...large, workload: "set-1000", against: subjectOf("classic-level", "many"), atLeast: 10 },
	{ ...large, workload: "select-1000", against: subjectOf("lmdb", "many"), atLeast: 0.8 },
	{ ...large, workload: "load", against: subjectOf("lmdb", "many"), atLeast: 0.6 },
	{ ...large, workload: "load-in-order", against: subjectOf("lmdb", "many"), atLeast: 0.6 },
	{ ...large, workload: "select-100", atMost: 1 },
	{ ...large, workload: "file-size", atMost: 190 },
];

/** Allowed cost of an operation on a large store, as a multiple of its cost on a small one, where that is not 2. */
const COST_AT_MOST = /** @type {Record<string, number>} */ ({ "get-small-cache-100": 1.5 });

/** A large store against a small one, on every workload of the peers' table. */
const costs = [...new Set(againstPeers.map(({ workload }) => workload))].map((workload) => ({
	...large,
	workload,
	against: subjectOf("rootcellar", "few"),
	costAtMost: COST_AT_MOST[workload] ?? 2,
}));

/** The default limit of the cache, 64 MiB, and 40 MB. */
const MEMORY_MIB_MAX = 64 + 40e6 / 2 ** 20;

/** @type {readonly Target[]} */
const limits = [
	{ group: "process", workload: "event-loop-select", subject: "rootcellar", atMost: 8 },
	{ group: "process", workload: "event-loop-delete", subject: "rootcellar", atMost: 10 },
	{ group: "process", workload: "import", subject: "rootcellar", against: "better-sqlite3", atLeast: 1 },
	{ group: "process", workload: "open", subject: "rootcellar", atMost: 10 },
	{ group: "process", workload: "memory", subject: "rootcellar", atMost: MEMORY_MIB_MAX },
];

/** 150 MB. */
const BACKUP_MEMORY_MIB_MAX = 150e6 / 2 ** 20;

/** Nothing, as far as it can be measured: a thousandth of a core. */
const IDLE_MS_PER_SECOND_MAX = 1;

/** A watch looks in the place of the backups, so it adds nothing; what is measured differs by this much from one time to another. */
const WATCH_BESIDE_BACKUPS_MS_PER_SECOND_MAX = 0.2;

/** @type {readonly Target[]} */
const ofBackups = [
	{ group: "backup", workload: "safe-p99", subject: "medium", atMost: 1300 },
	...slowdown.workloads.map(({ id }) => ({
		group: "backup",
		workload: id,
		subject: "on",
		against: "off",
		atLeast: 0.9,
	})),
	{ group: "backup", workload: "capture-cpu", subject: "small", atMost: 40 },
	{ group: "backup", workload: "capture-cpu", subject: "large", atMost: 400 },
	{ group: "backup", workload: "idle-cpu", subject: "on", atMost: IDLE_MS_PER_SECOND_MAX },
	{ group: "backup", workload: "restore", subject: "large", atMost: 2000 },
	{ group: "backup", workload: "difference", subject: "large", atMost: 3000 },
	{ group: "backup", workload: "day-objects", subject: "small", atMost: 30 },
	{ group: "backup", workload: "day-random", subject: "small", atMost: 30 },
	{ group: "backup", workload: "memory-backup", subject: "huge", atMost: BACKUP_MEMORY_MIB_MAX },
	{ group: "backup", workload: "memory-restore", subject: "huge", atMost: BACKUP_MEMORY_MIB_MAX },
];

/** 200 MB, whatever the number of keys. */
const IMPORT_MEMORY_MIB_MAX = 200e6 / 2 ** 20;

const inKv = { group: "kv", subject: "rootcellar" };

/** @type {readonly Target[]} */
const ofKv = [
	{ ...inKv, workload: "kv-get-many", against: "map", atLeast: 0.8 },
	{ ...inKv, workload: "kv-list-100", atMost: 1 },
	{ ...inKv, workload: "kv-count", against: "count-in-sql", costAtMost: 1.1 },
	{ ...inKv, workload: "kv-count-first", against: "count-in-sql", costAtMost: 2.25 },
	{ ...inKv, workload: "kv-page", subject: "last-page", atMost: 1 },
	{ ...inKv, workload: "kv-page", subject: "last-page", against: "first-page", costAtMost: 1.25 },
	{ ...inKv, workload: "kv-increment-1000", against: "update", atLeast: 1 },
	{ ...inKv, workload: "kv-increment-1000", against: "quick-db", atLeast: 20 },
	{ ...inKv, workload: "kv-import", subject: "import", atMost: 1e6 / 60_000 },
	{ ...inKv, workload: "kv-import-memory", subject: "import", atMost: IMPORT_MEMORY_MIB_MAX },
	{ ...inKv, workload: "kv-watch-foreign", subject: "watch", atMost: 250 },
	{ ...inKv, workload: "kv-watch-idle", subject: "watch", atMost: IDLE_MS_PER_SECOND_MAX },
	{ ...inKv, workload: "kv-watch-idle-backups", subject: "watch", atMost: WATCH_BESIDE_BACKUPS_MS_PER_SECOND_MAX },
];

const inPostgres = { group: "postgres", subject: "rootcellar" };
const postgresPeers = onPostgres.map(({ id }) => id).filter((id) => id !== "rootcellar");

/** @type {readonly Target[]} */
const ofPostgres = [
	...postgresPeers.map((against) => ({ ...inPostgres, workload: "pg-set-1000", against, atLeast: 12 })),
	...postgresPeers.map((against) => ({ ...inPostgres, workload: "pg-get-1000", against, atLeast: 3 })),
	{ ...inPostgres, workload: "pg-get-1", against: "pg", atLeast: 0.9 },
	{ ...inPostgres, workload: "pg-set-1", against: "pg", atLeast: 0.9 },
	{ ...inPostgres, workload: "pg-update-1000", against: "sdk", atLeast: 10 },
	{ ...inPostgres, workload: "pg-set-1000", subject: TOGETHER, against: "rootcellar", atLeast: 1.6 },
	...postgres.workloads.map(({ id }) => ({
		group: "postgres",
		workload: id,
		subject: MANY,
		against: FEW,
		costAtMost: 2,
	})),
];

/** @type {readonly Target[]} */
export const targets = [
	...againstPeers,
	...whereSyncsAreSlow,
	...againstLibraries,
	...largeAgainstPeers,
	...costs,
	...limits,
	...ofBackups,
	...ofKv,
	...ofPostgres,
];
