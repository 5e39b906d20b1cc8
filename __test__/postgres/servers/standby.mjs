// Standbys of a server, without pg_basebackup, which the packages do not have: a copy of the data that is made in backup mode
// (PostgreSQL's documentation, "Making a Base Backup Using the Low Level API").

import { until } from "../../helpers/time.mjs";
import { copyFolder } from "./data-folder.mjs";
import { startServer } from "./server.mjs";

/**
 * Starts a standby of a server, which follows it when this resolves.
 *
 * @param {import("./server.mjs").PostgresServer} primary
 * @param {string} name
 * @param {object} [options] as those of `startServer`
 */
export async function startStandby(primary, name, { settings = {}, ...options } = {}) {
	const client = await primary.connect();
	try {
		await client.query("SELECT pg_backup_start($1, true)", [name]);
		const copy = async (data) => {
			copyFolder(primary.data, data);
			const { rows } = await client.query("SELECT labelfile FROM pg_backup_stop(false)");
			return { backup_label: rows[0].labelfile, "standby.signal": "" };
		};
		const password = primary.password.replaceAll("'", "\\'");
		const conninfo = `host=${primary.host} port=${primary.port} user=${primary.username} password='${password}' application_name=${name}`;
		const standby = await startServer({
			version: primary.version,
			...options,
			fill: copy,
			settings: { primary_conninfo: conninfo, hot_standby: "on", ...settings },
		});
		await until(() => isFollowed(primary, name), `the standby ${name}`);
		return standby;
	} finally {
		await client.end();
	}
}

async function isFollowed(primary, name) {
	const query = "SELECT 1 FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'";
	return (await primary.query(query, [name])).length > 0;
}

/**
 * Has a primary wait for standbys before it confirms a commit.
 *
 * @param {import("./server.mjs").PostgresServer} primary
 * @param {string[]} names of them, of which any one is enough
 */
export async function waitForStandbys(primary, names) {
	primary.set({ synchronous_standby_names: names.length === 0 ? "" : `ANY 1 (${names.join(", ")})` });
	primary.reload();
	await until(async () => {
		const [{ n }] = await primary.query(
			"SELECT count(*)::int AS n FROM pg_stat_replication WHERE sync_state = 'quorum'",
		);
		return n === names.length;
	}, "synchronous replication");
}
