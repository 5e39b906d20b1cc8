// The other library's side: it writes a table of its own, rows of the key-value table, and the shared counter,
// opens and closes connections, checkpoints, and switches the journal mode when it gets the chance.

import { COUNTER_KEY, FOREIGN_COMMUNITY } from "./ledger.mjs";
import { isBusy, libraries } from "./libraries.mjs";
import { readForeign } from "./own.mjs";
import { between, oneOf, sleep, someText, takeBreaks } from "./pace.mjs";

const KEYS = 300;
const ROWS = 500;

const UPSERT_KEY = `INSERT INTO __rootapp_kv (key, community_id, value) VALUES (?, '${FOREIGN_COMMUNITY}', ?)
	ON CONFLICT (community_id, key) DO UPDATE SET value = excluded.value`;
const DELETE_KEY = `DELETE FROM __rootapp_kv WHERE community_id = '${FOREIGN_COMMUNITY}' AND key = ?`;
const UPSERT_ROW =
	"INSERT INTO foreign_rows (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
const DELETE_ROW = "DELETE FROM foreign_rows WHERE id = ?";
const INCREMENT = `UPDATE __rootapp_kv SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
	WHERE key = '${COUNTER_KEY}' AND community_id IS NULL`;

const MAINTENANCE = [
	"VACUUM",
	"CREATE INDEX IF NOT EXISTS foreign_rows_length ON foreign_rows (length(body))",
	"DROP INDEX IF EXISTS foreign_rows_length",
];

/** Statements that create the other library's own table. */
export const FOREIGN_SCHEMA = [
	"CREATE TABLE foreign_rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
	"CREATE INDEX foreign_rows_body ON foreign_rows (body)",
];

/**
 * Writes until the run is over.
 *
 * `run` is as in `own.mjs`, and has `library` and `synchronous` too. With `keepsOpen` one flow keeps its
 * connection (of knex: its pool) as long as the door is open; the other flows open one each time anyway.
 */
export async function writeWithForeign(run, { keepsOpen }) {
	await Promise.all([
		flow(run, 0, keepsOpen ? Infinity : 8, 3),
		flow(run, 1, keepsOpen ? Infinity : 2, 1),
		flow(run, 2, 1, 1),
		maintain(run),
	]);
}

/** Turns on one connection after the other: `turns` on each. */
async function flow(run, number, turns, connections) {
	while (!run.isOver()) {
		await withConnection(run, { connections }, async (connection) => {
			for (let turn = 0; turn < turns && !run.isOver() && !run.door.isShut; turn++) {
				await oneOf([writeKeys, writeRows, increment])(run, connection, number).catch((error) => note(run, error));
				await sleep(between(0, 4));
			}
		});
	}
}

/** Checkpoints, and now and then changes the schema, or rewrites the file. */
async function maintain(run) {
	while (!run.isOver()) {
		await withConnection(run, {}, async (connection) => {
			for (let turn = between(1, 5); turn > 0 && !run.isOver() && !run.door.isShut; turn--) {
				await connection.all(`PRAGMA wal_checkpoint(${oneOf(["PASSIVE", "TRUNCATE"])})`);
				run.ledger.checkpoints++;
				await sleep(between(5, 40));
			}
			if (Math.random() < 0.2) await connection.run(oneOf(MAINTENANCE));
		});
	}
}

/** Opens a connection, uses it and closes it again. */
async function withConnection(run, options, use) {
	await run.door.enter();
	try {
		const connection = await libraries[run.library](run.filename, { synchronous: run.synchronous, ...options });
		try {
			await use(connection);
		} finally {
			await connection.close();
		}
	} catch (error) {
		note(run, error);
	}
	run.door.leave();
}

function note({ ledger, library }, error) {
	if (isBusy(error)) ledger.busy.foreign++;
	else ledger.errors.push(`${library}: ${error.code ?? error.name}: ${error.message}`);
}

/** Changes of one, or of several in a transaction: `[sql, ...parameters]` each. */
async function write(connection, statements) {
	if (statements.length === 1) await connection.run(...statements[0]);
	else await connection.transaction(statements);
}

async function writeKeys(run, connection, number) {
	const first = between(0, KEYS - 1);
	const changes = Array.from({ length: between(1, 6) }, (_, index) => [
		`${run.name}/${number}/${first + index}`,
		Math.random() < 0.2 ? undefined : JSON.stringify({ text: someText() }),
	]);
	await write(
		connection,
		changes.map(([key, text]) => (text === undefined ? [DELETE_KEY, key] : [UPSERT_KEY, key, text])),
	);
	for (const [key, text] of changes) run.ledger.foreign.set(key, text);
	run.ledger.acknowledged.foreign++;
	await readForeign(run, changes[0][0]);
}

async function writeRows(run, connection, number) {
	const first = (run.process * 10 + number) * 10_000 + between(0, ROWS - 1);
	const changes = Array.from({ length: between(1, 12) }, (_, index) => [
		first + index,
		Math.random() < 0.2 ? undefined : `${between(0, 1e9)}${someText()}`,
	]);
	await write(
		connection,
		changes.map(([id, text]) => (text === undefined ? [DELETE_ROW, id] : [UPSERT_ROW, id, text])),
	);
	for (const [id, text] of changes) run.ledger.rows.set(id, text);
	run.ledger.acknowledged.foreign++;
}

async function increment(run, connection) {
	await connection.run(INCREMENT);
	run.ledger.increments++;
	run.ledger.acknowledged.foreign++;
}

/** Holds a lock on a file in rollback mode while `use` runs, so that nobody can switch it to another mode. */
export async function holdingReadLock(run, use) {
	// Not knex: its pool closes what is idle.
	const open = libraries[run.library === "knex" ? "sqlite3" : run.library];
	const connection = await open(run.filename, { synchronous: run.synchronous });
	await connection.run("BEGIN");
	await connection.all("SELECT count(*) AS n FROM foreign_rows");
	try {
		await use();
	} finally {
		await connection.run("COMMIT");
		await connection.close();
	}
}

/**
 * Switches to rollback mode in every break, when this process has closed all connections, and if no other process
 * has one. Sometimes switches back, while everybody comes in again.
 */
export async function switchJournalMode(run) {
	await takeBreaks(run, {
		whenEmpty: () => switchTo(run, "delete"),
		whenOpen: async () => {
			await sleep(between(0, 10));
			if (Math.random() < 0.5) await switchTo(run, "wal");
		},
	});
}

/** Tries for a while, and counts it if the mode was not there before. */
export async function switchTo(run, mode) {
	run.ledger.switches ??= { delete: 0, wal: 0 };
	try {
		const options = { synchronous: run.synchronous, busyTimeoutMs: 20 };
		const connection = await libraries[run.library](run.filename, options);
		try {
			for (let attempt = 0; attempt < 20; attempt++) {
				if ((await journalMode(connection)) === mode) return;
				await connection.all(`PRAGMA journal_mode = ${mode}`).catch((error) => note(run, error));
				if ((await journalMode(connection)) === mode) {
					run.ledger.switches[mode]++;
					return;
				}
				await sleep(between(2, 10));
			}
		} finally {
			await connection.close();
		}
	} catch (error) {
		note(run, error);
	}
}

/** The journal mode of the file, as the other library sees it. */
export async function journalModeOf(run) {
	const connection = await libraries[run.library](run.filename);
	try {
		return await journalMode(connection);
	} finally {
		await connection.close();
	}
}

async function journalMode(connection) {
	const [{ journal_mode: mode }] = await connection.all("PRAGMA journal_mode");
	return mode;
}
