import { deepStrictEqual } from "node:assert";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { elapsedMs, throughput } from "../../lib/measure.mjs";

/**
 * @typedef {object} Bench
 * @property {import("./databases.mjs").Database} database
 * @property {import("../../lib/profile.mjs").Profile} profile
 *
 * @typedef {import("../index.mjs").WorkloadInfo & { run(bench: Bench): Promise<number> }} Workload
 */

/** Rows that are there before anything is measured, and that the large query finds. */
const ROWS = 10_000;

/** Inserts of one transaction. */
const INSERTS = 1_000;

const NANOSECONDS_PER_MS = 1e6;

const SCHEMA = "CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT, score REAL, level INTEGER, motto TEXT)";
const INSERT = "INSERT INTO players (name, score, level, motto) VALUES (?, ?, ?, ?)";
const BY_ID = "SELECT * FROM players WHERE id = ?";
const ALL = `SELECT * FROM players WHERE id <= ${ROWS}`;

/** @param {number} index */
const rowAt = (index) => [`player ${index}`, index * 1.25, index % 100, `the motto of player ${index}`];

/** @param {number} count */
const inserts = (count) => Array.from({ length: count }, (_, index) => ({ sql: INSERT, params: rowAt(index) }));

/**
 * Makes the table, and compares what the library gives back with what was stored.
 *
 * @param {import("./databases.mjs").Database} database
 */
export async function prepare(database) {
	await database.exec(SCHEMA);
	await database.insertAll(inserts(ROWS));
	const [name, score, level, motto] = rowAt(41);
	deepStrictEqual({ ...(await database.get(BY_ID, [42])) }, { id: 42, name, score, level, motto });
	deepStrictEqual((await database.all(ALL)).length, ROWS);
}

/** @type {(inFlight: (bench: Bench) => number) => Workload["run"]} */
const insert = (inFlight) => (bench) => {
	const { database, profile } = bench;
	return throughput(inFlight(bench), (step) => database.run(INSERT, rowAt(step)), profile.duration);
};

/** @type {(inFlight: (bench: Bench) => number) => Workload["run"]} */
const point = (inFlight) => (bench) => {
	const { database, profile } = bench;
	// Neighbours in time are no neighbours in the table.
	return throughput(inFlight(bench), (step) => database.get(BY_ID, [1 + ((step * 7_919) % ROWS)]), profile.duration);
};

/** @type {Workload["run"]} */
async function transactions({ database, profile: { duration } }) {
	const rows = inserts(INSERTS);
	await database.insertAll(rows);
	return (await throughput(1, () => database.insertAll(rows), duration)) * INSERTS;
}

/** @type {Workload["run"]} */
async function selectAll({ database, profile: { duration } }) {
	return (await throughput(1, () => database.all(ALL), duration)) * ROWS;
}

/** @type {Workload["run"]} */
async function eventLoop({ database, profile: { duration } }) {
	await database.all(ALL);
	const histogram = monitorEventLoopDelay({ resolution: 1 });
	histogram.enable();
	for (let spentMs = 0; spentMs < 2 * duration.measureMs; ) {
		spentMs += await elapsedMs(() => database.all(ALL));
		// A synchronous library leaves the event loop no turn of its own.
		await new Promise((resolve) => setImmediate(resolve));
	}
	histogram.disable();
	return histogram.percentile(99) / NANOSECONDS_PER_MS;
}

const one = () => 1;

/** @param {Bench} bench */
const many = ({ profile }) => profile.manyInFlight;

const perSecond = /** @type {const} */ ({ unit: "ops/s", better: "higher" });
const rowsPerSecond = /** @type {const} */ ({ unit: "rows/s", better: "higher" });

/** In the order in which a process runs them: what changes the table comes after what reads it. */
export const workloads = /** @type {readonly Workload[]} */ ([
	{ id: "sql-get-1", title: "row by id, one after another", ...perSecond, run: point(one) },
	{ id: "sql-get-1000", title: "row by id, 1,000 in flight", ...perSecond, run: point(many) },
	{ id: "sql-select-10000", title: "select of 10,000 rows", ...rowsPerSecond, run: selectAll },
	{
		id: "sql-event-loop",
		title: "event-loop delay during selects of 10,000 rows, p99",
		unit: "ms",
		better: "lower",
		run: eventLoop,
	},
	{ id: "sql-transaction", title: "1,000 inserts in one transaction", ...rowsPerSecond, run: transactions },
	{ id: "sql-insert-1", title: "insert, one after another", ...perSecond, run: insert(one) },
	{ id: "sql-insert-1000", title: "insert, 1,000 in flight", ...perSecond, run: insert(many) },
]);
