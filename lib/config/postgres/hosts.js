"use strict";

const { isIP, isIPv4 } = require("node:net");
const { invalidSetting, invalidText } = require("./problem.js");

const PORT_DEFAULT = 5_432;

/**
 * Host of a server: a name, an address, or the absolute folder of a Unix socket.
 *
 * @typedef {{ host: string, port: number }} Host
 * @typedef {import("./settings.js").Given} Given
 */

/**
 * The servers that lists of hosts and ports name: as many ports as hosts, one for all, or none.
 *
 * @param {Given} hosts
 * @param {Given | undefined} ports
 * @returns {Host[]}
 */
function hostsOf(hosts, ports) {
	const names = hosts.text.split(",").map((host) => checkHost(host, hosts.source));
	const numbers = ports === undefined ? [""] : ports.text.split(",");
	if (numbers.length !== 1 && numbers.length !== names.length) {
		throw invalidSetting(/** @type {Given} */ (ports).source, "has neither one port nor as many as there are hosts");
	}
	return names.map((host, index) => {
		const port = numbers[numbers.length === 1 ? 0 : index];
		return { host, port: port === "" ? PORT_DEFAULT : portOf(port, /** @type {Given} */ (ports)) };
	});
}

/**
 * @param {string} host
 * @param {string} source
 */
function checkHost(host, source) {
	if (host === "") {
		throw invalidSetting(source, "has an empty host");
	}
	if (host.includes("://")) {
		throw invalidSetting(source, "has a URL, which belongs in pg.url");
	}
	const isFolder = host.startsWith("/") && !host.includes("\0");
	if (!isFolder && isIP(host) === 0 && !/^[\p{L}\p{N}_]([\p{L}\p{N}_.-]*[\p{L}\p{N}_.])?$/u.test(host)) {
		throw invalidSetting(source, "is neither the name or address of a host nor the absolute folder of a Unix socket");
	}
	return host;
}

/**
 * @param {string} text
 * @param {Given} ports the list that has it
 */
function portOf(text, ports) {
	const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
	if (port < 1 || port > 65_535) {
		const problem = "is not an integer from 1 to 65535";
		throw ports.text.includes(",")
			? invalidSetting(ports.source, `has a port that ${problem}`)
			: invalidText(ports, "a port", problem);
	}
	return port;
}

/**
 * Distance between this process and a host: a Unix socket, the machine's own network, or any other.
 *
 * @param {Host} host
 * @returns {"socket" | "loopback" | "network"}
 */
function distanceOf({ host }) {
	if (host.startsWith("/")) {
		return "socket";
	}
	const isLoopback = /^localhost\.?$/i.test(host) || host === "::1" || (isIPv4(host) && host.startsWith("127."));
	return isLoopback ? "loopback" : "network";
}

module.exports = { distanceOf, hostsOf };
