// A table as the SDK leaves it.

/** The table as SDK 0.17.0 makes it on PostgreSQL. */
const TABLE = [
	`CREATE TABLE __rootapp_kv (key varchar(255) NOT NULL, community_id varchar(255), value varchar(255) NOT NULL,
		expires_at timestamptz)`,
	"ALTER TABLE __rootapp_kv ADD CONSTRAINT __rootapp_kv_community_id_key_unique UNIQUE (community_id, key)",
];

/** Rows of which two are of one key, as a second `set` of the SDK leaves them. */
export const sdkRows = [
	{ key: "b", value: '"oldest"' },
	{ key: "a", value: "2" },
	{ key: "b", value: '"newest"' },
	{ key: "c", value: "3", community: "one" },
];

/** Makes it, with rows of `{ key, value, community, expiresAt }`. */
export async function makeSdkTable(query, rows) {
	for (const statement of TABLE) await query(statement);
	for (const { key, value, community, expiresAt } of rows) {
		await query("INSERT INTO __rootapp_kv VALUES ($1, $2, $3, $4)", [key, community ?? null, value, expiresAt ?? null]);
	}
}
