// Three servers that Patroni runs, with etcd and HAProxy, as docs/postgres.md configures them.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { onTestFinished } from "vitest";
import {
	debianFiles,
	debianLibraries,
	debianPostgres,
	ETCD,
	HAPROXY,
	PATRONI,
} from "../../../scripts/lib/install/debian.mjs";
import { freePort } from "../../helpers/ports.mjs";
import { until } from "../../helpers/time.mjs";
import { handOver, reachable, serverFolder } from "../servers/data-folder.mjs";
import { startGuarded } from "../servers/guarded.mjs";
import { childrenOf } from "../servers/server.mjs";

const document = readFileSync(new URL("../../../docs/postgres.md", import.meta.url), "utf8");
const USERNAME = "postgres";
const PASSWORD = "of-the-cluster";
const NODES = 3;

/** Seconds, in place of those of the document: the shortest that Patroni takes. */
const TIMES = { ttl: 20, loop_wait: 1, retry_timeout: 3 };

/** A configuration of the document. */
function documented(language) {
	return document.match(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, "m"))[1];
}

/** A text with other values; each of them has to be there. */
function changed(text, changes) {
	return Object.entries(changes).reduce((before, [from, to]) => {
		if (!before.includes(from)) throw new Error(`docs/postgres.md has no ${from}`);
		return before.replaceAll(from, to);
	}, text);
}

/** Starts all of it, and ends it with the test. */
export async function startCluster() {
	const folder = serverFolder();
	const files = reachable(debianFiles, folder, "Patroni");
	const library = { LD_LIBRARY_PATH: debianLibraries(files) };
	const python = { ...library, PYTHONPATH: join(files, "usr/lib/python3/dist-packages") };
	const running = [];
	onTestFinished(async () => {
		// The servers before what they need to end well.
		for (const program of running.toReversed()) await program.stop();
		rmSync(folder, { recursive: true, force: true });
	});

	async function start(name, program, args, env) {
		const cwd = join(folder, name);
		mkdirSync(cwd, { recursive: true });
		handOver(cwd);
		const started = await startGuarded(program, args, { cwd, env: { ...env, HOME: cwd } });
		running.push(started);
		return started;
	}

	const [client, peer] = [await freePort(), await freePort()];
	const urls = [client, peer].map((port) => `http://127.0.0.1:${port}`);
	await start("etcd", join(files, ETCD), [
		...["--data-dir", "data", "--listen-client-urls", urls[0], "--advertise-client-urls", urls[0]],
		...[
			"--listen-peer-urls",
			urls[1],
			"--initial-advertise-peer-urls",
			urls[1],
			"--initial-cluster",
			`default=${urls[1]}`,
		],
	]);
	await until(() => answers(`${urls[0]}/health`), "etcd");

	const nodes = [];
	for (let n = 1; n <= NODES; n++) {
		const node = { name: `node${n}`, port: await freePort(), rest: await freePort() };
		const data = join(folder, node.name, "data");
		const file = join(folder, `${node.name}.yml`);
		writeFileSync(
			file,
			changed(documented("yaml"), {
				"name: node1": `name: ${node.name}`,
				"10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379": `127.0.0.1:${client}`,
				"10.0.0.1:8008": `127.0.0.1:${node.rest}`,
				"10.0.0.1:5432": `127.0.0.1:${node.port}`,
				"10.0.0.0/24": "127.0.0.1/32",
				"/var/lib/postgresql/bot": `${data}\n  parameters: { unix_socket_directories: "${folder}", dynamic_shared_memory_type: mmap }`,
				"/usr/lib/postgresql/15/bin": debianPostgres(files),
				'"..."': `"${PASSWORD}"`,
				"ttl: 30": `ttl: ${TIMES.ttl}`,
				"loop_wait: 10": `loop_wait: ${TIMES.loop_wait}`,
				"retry_timeout: 10": `retry_timeout: ${TIMES.retry_timeout}`,
			}),
		);
		handOver(file);
		Object.assign(node, {
			data,
			start: () => start(node.name, "/usr/bin/python3", [join(files, PATRONI), file], python),
		});
		nodes.push(node);
	}
	handOver(folder);
	for (const node of nodes) node.program = await node.start();

	const port = await freePort();
	const servers = nodes.map((node, index) => [
		`10.0.0.${index + 1}:5432 check port 8008`,
		`127.0.0.1:${node.port} check port ${node.rest}`,
	]);
	const proxy = join(folder, "haproxy.cfg");
	writeFileSync(
		proxy,
		changed(documented("haproxy"), { "*:5000": `127.0.0.1:${port}`, ...Object.fromEntries(servers) }),
	);
	handOver(proxy);
	await start("haproxy", join(files, HAPROXY), ["-db", "-f", proxy], library);

	return new Cluster(folder, nodes, port);
}

class Cluster {
	#folder;
	#nodes;
	#proxy;

	constructor(folder, nodes, proxy) {
		this.#folder = folder;
		this.#nodes = nodes;
		this.#proxy = proxy;
	}

	/** A value of `DATABASE_CONFIG` that names all servers, or HAProxy. */
	config(database, way, fields) {
		const nodes = this.#nodes;
		const addresses = {
			servers: { host: nodes.map(() => "127.0.0.1").join(","), port: nodes.map((node) => node.port).join(",") },
			haproxy: { host: "127.0.0.1", port: this.#proxy },
		};
		const login = { username: USERNAME, password: PASSWORD, name: database };
		return JSON.stringify({ databaseType: "pg", pg: { ...addresses[way], ...login, ...fields } });
	}

	/**
	 * The node that leads, as soon as all follow it, and Patroni has noted which of them does synchronously: before that, it
	 * would promote none.
	 */
	async leader() {
		let leading;
		const isHealthy = async () => {
			const states = await Promise.all(this.#nodes.map((node) => ask(node, "patroni")));
			const index = states.findIndex(isLeader);
			leading = this.#nodes[index];
			if (leading === undefined) return false;
			const following = (states[index].replication ?? []).filter(({ state }) => state === "streaming");
			const members = (await ask(leading, "cluster"))?.members ?? [];
			return following.length === NODES - 1 && members.some(({ role }) => role === "sync_standby");
		};
		await until(isHealthy, `a leader with followers: ${this.#folder}`);
		return leading;
	}

	async createDatabase(node, name) {
		const { port } = node;
		const client = new pg.Client({ host: "127.0.0.1", port, user: USERNAME, password: PASSWORD, database: "postgres" });
		await client.connect();
		await client.query(`CREATE DATABASE ${name}`);
		await client.end();
	}

	/** Kills a server, with Patroni as where a machine is lost, or alone. */
	kill(node, { withPatroni }) {
		if (withPatroni) process.kill(node.program.pid, "SIGKILL");
		const [pid] = readFileSync(join(node.data, "postmaster.pid"), "utf8").split("\n").map(Number);
		for (const one of [pid, ...childrenOf(pid)]) {
			try {
				process.kill(one, "SIGKILL");
			} catch {
				// It has ended by itself.
			}
		}
	}

	/** Starts Patroni of a node again. */
	async revive(node) {
		node.program = await node.start();
	}
}

const isLeader = (state) => state?.state === "running" && ["master", "primary"].includes(state.role);

/** Patroni's answer about a node; `undefined` if it does not answer. */
async function ask({ rest }, path) {
	try {
		const response = await fetch(`http://127.0.0.1:${rest}/${path}`, { signal: AbortSignal.timeout(5_000) });
		return await response.json();
	} catch {
		return undefined;
	}
}

async function answers(url) {
	try {
		return (await fetch(url)).ok;
	} catch {
		return false;
	}
}
