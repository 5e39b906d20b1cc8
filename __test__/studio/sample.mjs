// Sample data of a bot, as the screenshots show it.

const NAMES = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"];

const first = (now) => [
	{ key: "motd", value: "Welcome to the server" },
	{ key: "settings:prefix", value: "!" },
	{ key: "settings:theme", value: { dark: false, accent: "#256046" } },
	{
		key: "shop:items",
		value: [
			{ id: 1, name: "lamp", price: 40 },
			{ id: 2, name: "rope", price: 15 },
		],
	},
	{ key: "cooldown:daily:ada", value: true, expiresAt: now + 41_000 },
	{ key: "cooldown:daily:bob", value: true, expiresAt: now + 5_400_000 },
	{ key: "session:eve", value: { since: now - 60_000, device: "phone" }, expiresAt: now + 259_200_000 },
	...NAMES.flatMap((name, n) => [
		{ key: `profile:${name}`, value: { xp: 120 * (n + 3), level: n + 1, badges: n % 2 ? ["early"] : [] } },
	]),
];

/** Fills a store with at least some number of keys, in two communities, and a few tables. */
export async function fill(store, count, now = Date.now()) {
	const entries = first(now);
	await store.appData.set(entries);
	await store.appData.set(entries.slice(0, 5).map((entry) => ({ ...entry, communityId: "9a8b7c" })));
	const more = Math.max(0, count - entries.length);
	await store.sqlite.run(
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :more)
		INSERT INTO __rootapp_kv (key, value) SELECT iif(i % 3, 'member:' || i || ':xp', 'log:2026-11-' || (10 + i % 20) || ':' || i),
			'{"xp":' || i || ',"name":"member ' || i || '"}' FROM n WHERE :more > 0`,
		{ more },
	);
	await store.sqlite.exec(`
		CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT NOT NULL, level INTEGER DEFAULT 1, ratio REAL, avatar BLOB, seen INTEGER, note TEXT);
		CREATE INDEX players_by_level ON players (level);
		CREATE TABLE items (owner TEXT, name TEXT, n INTEGER, PRIMARY KEY (owner, name)) WITHOUT ROWID;
		CREATE VIEW best AS SELECT name, level FROM players ORDER BY level DESC;
	`);
	const rows = Math.min(100_000, Math.max(20, count));
	await store.sqlite.run(
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
		INSERT INTO players SELECT i, 'player ' || i, i % 80, i / 7.0, iif(i % 4, NULL, x'89504e470d0a'), :now - i * 60000,
			CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'a note' END FROM n`,
		{ rows, now },
	);
	await store.sqlite.run(
		"INSERT INTO items VALUES ('ada', 'lamp', 1), ('ada', 'rope', 9007199254740993), ('bob', 'rope', 2)",
	);
}
