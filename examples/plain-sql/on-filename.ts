// As Root's documentation has it: the package `sqlite3` on the file that the data store names, each callback made a
// promise by hand.

import { rootServer } from "rootcellar";
import { Database, type RunResult } from "sqlite3";
import { holdPoll, type Sql } from "./polls";

const { dataStore } = rootServer;
const database = new Database(dataStore.config.sqlite3.filename);

const sql: Sql = {
	exec: (script) =>
		new Promise((resolve, reject) => {
			database.exec(script, (error) => (error ? reject(error) : resolve()));
		}),
	run: (text, params) =>
		new Promise((resolve, reject) => {
			database.run(text, params, function (this: RunResult, error: Error | null) {
				if (error) reject(error);
				else resolve({ changes: this.changes, lastID: this.lastID });
			});
		}),
	all: <T>(text: string, params: (string | number)[] = []) =>
		new Promise<T[]>((resolve, reject) => {
			database.all<T>(text, params, (error, rows) => (error ? reject(error) : resolve(rows)));
		}),
};

holdPoll(sql)
	.finally(() => new Promise((resolve) => database.close(resolve)))
	.finally(() => dataStore.close());
