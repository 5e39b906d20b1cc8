"use strict";

/**
 * @typedef {import("../../config/postgres/postgres.js").PostgresConfig} PostgresConfig
 */

/**
 * A configuration as it crosses to the addon.
 *
 * @param {PostgresConfig} config
 * @returns {import("../addon").PostgresOptions}
 */
function toOptions({ hosts, user, password, database, tls, timeoutMs, applicationName }) {
	return {
		hosts: hosts.map(({ host }) => host),
		ports: hosts.map(({ port }) => port),
		user,
		password,
		database,
		tlsMode: tls.mode,
		rootCert: tls.rootCert,
		timeoutMs,
		applicationName,
	};
}

module.exports = { toOptions };
