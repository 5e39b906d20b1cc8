// The purge goes on beside rows that it may not delete, writes that never pause, and a reserved connection.

import { expect, test } from "vitest";
import { runModuleForJson } from "../../helpers/child.mjs";
import { makeSdkFile, raw, rawCount } from "../../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../../helpers/store.mjs";

const refuses = (when, how) =>
	`CREATE TRIGGER refuses BEFORE DELETE ON __rootapp_kv WHEN ${when} BEGIN SELECT RAISE(${how}); END`;
const child = (deferred) => [
	`CREATE TABLE child (community, key, FOREIGN KEY (community, key) REFERENCES __rootapp_kv (community_id, key) ${deferred})`,
	"INSERT INTO child VALUES ('C', 'old10'), ('C', 'old2000')",
];

// The rows that stay are the first, in the middle, or so many as one transaction removes.
test.each([
	["a trigger that refuses one row", [refuses("OLD.key = 'old0'", "ABORT, 'kept'")], 1],
	["a trigger that refuses every tenth row", [refuses("OLD.key LIKE 'old%0'", "FAIL, 'kept'")], 250],
	["a trigger that ends the transaction at one row", [refuses("OLD.key = 'old1500'", "ROLLBACK, 'kept'")], 1],
	["a trigger that skips 1,200 rows", [refuses("OLD.expires_at <= 1200", "IGNORE")], 1_200],
	[
		"a trigger that cannot run",
		["CREATE TRIGGER t BEFORE DELETE ON __rootapp_kv WHEN OLD.key = 'old1' BEGIN SELECT json('{'); END"],
		1,
	],
	["a foreign key", child(""), 2],
	["a foreign key that is checked at the end", child("DEFERRABLE INITIALLY DEFERRED"), 2],
])(
	"%s stops the purge of no other rows",
	async (_, statements, kept) => {
		const filename = temporaryFile();
		const rows = Array.from({ length: 2_500 }, (_, i) => ({
			key: `old${i}`,
			value: "1",
			expires_at: 1 + i,
			community_id: "C",
		}));
		await makeSdkFile(filename, rows);
		await raw(filename, ...statements);
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "live", value: 1 });
		await expect.poll(() => rawCount(filename), { timeout: 20_000 }).toBe(kept + 1);
		expect(await appData.get("live")).toBe(1);
	},
	300_000,
);

const often = { ROOTCELLAR_TEST_PURGE_INTERVAL_MS: "300" };
const BEGIN = `
	const store = openDataStore({ filename: process.argv[1], backup: false });
	const { appData, sqlite } = store;
	const rows = async (on) => (await on.all("SELECT key FROM __rootapp_kv WHERE key LIKE 'old%'")).length;
	const deadline = Date.now() + 20_000;
`;

test("writes that never pause do not keep the purge from its turn", async () => {
	const source = `${BEGIN}
		let isOver = false;
		const lanes = Array.from({ length: 20 }, async (_, lane) => {
			for (let i = 0; !isOver; i++) await appData.set({ key: "lane" + lane, value: i });
		});
		await appData.set(Array.from({ length: 2_500 }, (_, i) => ({ key: "old" + i, value: 1, expiresAt: 5 })));
		while (await rows(sqlite) > 0 && Date.now() < deadline);
		isOver = true;
		await Promise.all(lanes);
		console.log(JSON.stringify(await rows(sqlite)));
		await store.close();`;
	expect(await runModuleForJson(source, { args: [temporaryFile()], env: often })).toBe(0);
}, 300_000);

test("a reserved connection that goes on writing does not keep the purge from its turn, but in its transactions", async () => {
	const source = `${BEGIN}
		const connection = await sqlite.reserve();
		await connection.exec("CREATE TABLE t (a); BEGIN");
		await connection.run(\`INSERT INTO __rootapp_kv (key, value, expires_at)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) SELECT 'old' || i, '1', 5 FROM n\`);
		for (const end = Date.now() + 1_000; Date.now() < end; ) await connection.run("INSERT INTO t VALUES (1)");
		const within = await rows(connection);
		await connection.exec("COMMIT");
		while (await rows(connection) > 0 && Date.now() < deadline) await connection.run("INSERT INTO t VALUES (1)");
		console.log(JSON.stringify([within, await rows(connection)]));
		await connection.release();
		await store.close();`;
	expect(await runModuleForJson(source, { args: [temporaryFile()], env: often })).toEqual([2_500, 0]);
}, 300_000);
