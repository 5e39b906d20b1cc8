// Runs of processes that write one file together, and what is in the file afterwards.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDataStore } from "rootcellar";
import { nodeBinary } from "../helpers/nodes.mjs";
import { raw } from "../helpers/raw.mjs";
import { rounds } from "../helpers/rounds.mjs";
import { FOREIGN_SCHEMA } from "./foreign.mjs";
import { COUNTER_KEY, FOREIGN_COMMUNITY } from "./ledger.mjs";

/** Duration of the writes of a run. */
export const DURATION_MS = rounds({ few: 250, many: 2_000, long: 30_000 });

/** Calls `use` with a new folder, which is removed afterwards. */
export async function withFolder(use) {
	const folder = realpathSync(mkdtempSync(join(tmpdir(), "rootcellar-")));
	try {
		return await use(folder);
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** Runs a program that must end well, and resolves with what it printed, parsed as JSON. */
export async function runForJson(program, argument, options) {
	const { ok, ending, stdout } = await runProgram(program, argument, options);
	if (!ok) throw new Error(`${program} ended with ${ending}`);
	return JSON.parse(stdout);
}

/** The warnings of a process in which other libraries open the store's file, or have another file open. */
export const warningsOf = (options, settings) =>
	withFolder((folder) => runForJson("two-copies.mjs", { filename: `${folder}/store.sqlite3`, ...options }, settings));

/** Runs a program with one argument, and resolves with how it ended. */
function runProgram(program, argument, { library, env, timeoutMs = 480_000 + DURATION_MS } = {}) {
	// Only node:sqlite is part of Node; version 20 has none.
	const executable = library === "node:sqlite" ? nodeBinary(24) : process.execPath;
	const path = fileURLToPath(new URL(`programs/${program}`, import.meta.url));
	const environment = { ...process.env, UV_THREADPOOL_SIZE: "16", NODE_NO_WARNINGS: "1", ...env };
	return new Promise((resolve) => {
		execFile(
			executable,
			[path, JSON.stringify(argument)],
			{ env: environment, timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 },
			(error, stdout, stderr) => {
				resolve({ ok: error === null, ending: error ? `${error.signal ?? error.code}: ${stderr}` : "", stdout });
			},
		);
	});
}

/**
 * Lets processes write one file together; each is what `child.mjs` takes. Resolves with the reports of those that
 * ended well, how the others ended, and what is wrong with the file.
 */
export function runTogether(processes, options = {}) {
	return withFolder((folder) => runIn(folder, processes, options));
}

async function runIn(folder, processes, { journal, env, timeoutMs }) {
	const filename = join(folder, "store.sqlite3");
	const store = openDataStore({ filename, backup: false });
	await store.appData.set({ key: COUNTER_KEY, value: 0 });
	await store.close();
	const mode = journal === "wal" ? "WAL" : "DELETE";
	await raw(filename, ...FOREIGN_SCHEMA, `PRAGMA journal_mode = ${mode}`);

	const outcomes = await Promise.all(
		processes.map(async (options, number) => {
			const reportTo = join(folder, `report-${number}.json`);
			const argument = {
				durationMs: DURATION_MS,
				journal,
				...options,
				filename,
				reportTo,
				name: `p${number}`,
				process: number,
			};
			const { ok, ending } = await runProgram("child.mjs", argument, { library: options.library, env, timeoutMs });
			return { ending, report: ok && existsSync(reportTo) ? JSON.parse(readFileSync(reportTo, "utf8")) : undefined };
		}),
	);
	const reports = outcomes.flatMap(({ report }) => report ?? []);
	const problems = outcomes.filter(({ report }) => !report).map(({ ending }) => `a process ended with ${ending}`);
	problems.push(...reports.flatMap(({ errors }) => errors));
	problems.push(...(await problemsOfFile(filename, reports)));
	return { reports, problems };
}

/** Problems of a file, which should hold exactly what its writers' reports say. */
async function problemsOfFile(filename, reports) {
	const rows = (sql) => raw(filename, sql);
	try {
		const integrity = (await rows("PRAGMA integrity_check")).map((row) => row.integrity_check);
		const kv = await rows("SELECT key, community_id, value FROM __rootapp_kv");
		const own = kv.filter((row) => row.community_id === null && row.key !== COUNTER_KEY);
		const foreign = kv.filter((row) => row.community_id === FOREIGN_COMMUNITY);
		const foreignRows = await rows("SELECT id, body FROM foreign_rows");
		const increments = reports.reduce((sum, report) => sum + report.increments, 0);
		const counter = kv.filter((row) => row.key === COUNTER_KEY).map((row) => row.value);
		return [
			...integrity.filter((line) => line !== "ok").map((line) => `integrity_check: ${line}`),
			...differences(
				"key",
				pairs(own, "key", "value"),
				reports.flatMap((report) => report.own),
			),
			...differences(
				"foreign key",
				pairs(foreign, "key", "value"),
				reports.flatMap((report) => report.foreign),
			),
			...differences(
				"foreign row",
				pairs(foreignRows, "id", "body"),
				reports.flatMap((report) => report.rows),
			),
			...differences(
				"counter",
				counter.map((value) => ["", value]),
				[["", `${increments}`]],
			),
			...(await problemsOfStore(filename, own)),
		];
	} catch (error) {
		return [`the file cannot be read: ${error.message}`];
	}
}

/** Rootcellar must find what is there, too. */
async function problemsOfStore(filename, own) {
	const store = openDataStore({ filename, backup: false });
	try {
		const found = await store.appData.select("%");
		const values = found.map(({ key, value }) => [key, JSON.stringify(value)]).filter(([key]) => key !== COUNTER_KEY);
		return differences("key read by rootcellar", values, pairs(own, "key", "value"));
	} finally {
		await store.close();
	}
}

function pairs(rows, first, second) {
	return rows.map((row) => [row[first], row[second]]);
}

function differences(what, found, expected) {
	const rest = new Map(found);
	const problems = found.length === rest.size ? [] : [`${found.length - rest.size} of ${what} there twice`];
	for (const [key, text] of expected) {
		if (rest.get(key) !== text) problems.push(`${what} ${key} is not what was acknowledged`);
		rest.delete(key);
	}
	for (const key of rest.keys()) problems.push(`${what} ${key} was not acknowledged, or its deletion was`);
	return problems;
}
