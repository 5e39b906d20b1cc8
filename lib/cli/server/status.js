"use strict";

const { openAdmin } = require("../../native/postgres/admin.js");
const { counted, formatBytes, formatDuration, print } = require("../output.js");

/**
 * @typedef {import("../../config/postgres/postgres.js").PostgresConfig} PostgresConfig
 * @typedef {import("../../native/postgres/admin.js").PostgresStatus} PostgresStatus
 */

/**
 * Reports on the server that `DATABASE_CONFIG` names, and on nothing of the configuration itself.
 *
 * @param {PostgresConfig} config
 * @param {{ json?: boolean }} options
 */
async function statusOfServer(config, options) {
	const admin = await openAdmin(config);
	try {
		const found = await admin.status();
		print(options, found, linesOf(found).join("\n"));
	} finally {
		await admin.close();
	}
}

/** @param {PostgresStatus} found */
function linesOf(found) {
	const { version, sizeBytes, standbys, skewMs, connections, writers } = found;
	const { used, ofThisUser, max } = connections;
	return [
		`server       PostgreSQL ${version}, the primary`,
		`database     ${formatBytes(sizeBytes)}, ${describeKeys(found)}`,
		`replication  ${describeReplication(found)}`,
		...standbys.map((standby) => `standby      ${describeStandby(standby)}`),
		`clock        ${describeSkew(skewMs)}`,
		`connections  ${used} of ${max}, ${ofThisUser} of this user`,
		...(writers === null ? [] : [`ledger       ${describeLedger(writers)}`]),
	];
}

/** @param {PostgresStatus} found */
function describeKeys({ tables, keys }) {
	switch (tables) {
		case "missing":
			return "with no keys yet: a bot's first operation makes the tables";
		case "unadopted":
			return `about ${counted(keys)}, as the SDK has left them: a bot's first operation adopts them, or npx rootcellar migrate`;
		default:
			return `about ${counted(keys)}`;
	}
}

/** @param {{ rows: number, oldestDays: number }} writers */
function describeLedger({ rows, oldestDays }) {
	const writers = counted(rows, "writer");
	return rows === 0 ? writers : `${writers}, the oldest last seen ${oldestDays.toFixed(1)} days ago`;
}

/** @param {PostgresStatus} found */
function describeReplication({ isSynchronous, standbys }) {
	if (isSynchronous && standbys.length === 0)
		return "synchronous, but no standby is connected: every write waits for one";
	if (isSynchronous) return "synchronous: what is confirmed survives the loss of this server";
	const what = standbys.length === 0 ? "none" : "asynchronous";
	return `${what}: the loss of this server takes what was confirmed last`;
}

/** @param {PostgresStatus["standbys"][number]} standby */
function describeStandby({ name, state, sync, lagBytes, lagMs }) {
	if (state === null) return `${name}; this user may see no more: GRANT pg_monitor would let it`;
	const lag = [
		...(lagBytes === null ? [] : [formatBytes(lagBytes)]),
		...(lagMs === null ? [] : [formatDuration(lagMs)]),
	];
	return `${name}, ${state}, ${sync ?? "not synchronous"}, ${lag.length === 0 ? "lag not known" : `${lag.join(" and ")} behind`}`;
}

/** @param {number} skewMs */
function describeSkew(skewMs) {
	const ms = Math.round(skewMs);
	if (ms === 0) return "that of this machine";
	return `${Math.abs(ms)} ms ${ms > 0 ? "ahead of" : "behind"} that of this machine`;
}

module.exports = { statusOfServer };
