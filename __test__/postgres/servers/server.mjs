// A PostgreSQL server of the tests' own: it needs no root, no system package and no port that is known before, and ends with
// the process that has started it, however that ends.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { POSTGRES } from "../../../scripts/lib/install/postgres.mjs";
import { freePort } from "../../helpers/ports.mjs";
import { asServer, handOver, makeDataFolder, PASSWORD, programs, serverFolder, USERNAME } from "./data-folder.mjs";

/** Settings that make a server quick that has nothing to lose. */
const CARELESS = { fsync: "off", full_page_writes: "off" };

/** Settings of every server here. */
const SETTINGS = {
	listen_addresses: "127.0.0.1",
	shared_buffers: "32MB",
	max_connections: "100",
	lc_messages: "C",
	timezone: "UTC",
	jit: "off",
	// In its folder, and not in /dev/shm, where a server that is killed leaves it.
	dynamic_shared_memory_type: "mmap",
};

/**
 * Ends a server whose starter is gone: its standard input ends then. Then it removes the folder, and the shared memory that the
 * server has left if it was killed: the seventh line of its file tells its key and id.
 */
const ENDING = `
	trap '' INT TERM HUP
	cat > /dev/null
	pid=$(head -n 1 "$0/data/postmaster.pid" 2> /dev/null) && kill -QUIT "$pid" 2> /dev/null
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -n "$pid" ] && kill -0 "$pid" 2> /dev/null && sleep 0.1
	done
	[ -n "$pid" ] && kill -KILL "$pid" 2> /dev/null
	set -- $(sed -n 7p "$0/data/postmaster.pid" 2> /dev/null)
	[ -n "$2" ] && ipcrm -m "$2" 2> /dev/null
	rm -rf "$0"
`;

/**
 * Starts a server.
 *
 * @param {object} [options]
 * @param {number} [options.version] the major version
 * @param {Record<string, string>} [options.settings] as in postgresql.conf
 * @param {boolean} [options.durable] whether it survives a power cut, as the default is outside of tests
 * @param {(data: string) => Promise<Record<string, string>>} [options.fill] makes the data folder instead of initdb; resolves with
 *   files that are to be in it, too
 * @param {string[]} [options.hba] lines of pg_hba.conf before the usual ones
 */
export async function startServer({ version = POSTGRES, settings = {}, durable = false, fill, hba = [] } = {}) {
	const folder = serverFolder();
	const ending = spawn("sh", ["-c", ENDING, folder], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
	ending.unref();
	ending.stdin.unref();
	const server = new PostgresServer(version, folder, ending);
	try {
		if (fill === undefined) makeDataFolder(version, folder);
		const files = (await fill?.(server.data)) ?? {};
		for (const name of ["postmaster.pid", "postmaster.opts"]) rmSync(join(server.data, name), { force: true });
		for (const [name, content] of Object.entries(files)) server.write(name, content);
		const loopback = ["local all all scram-sha-256", "host all all 127.0.0.1/32 scram-sha-256"];
		const replication = ["local replication all scram-sha-256", "host replication all 127.0.0.1/32 scram-sha-256"];
		writeFileSync(join(server.data, "pg_hba.conf"), `${[...hba, ...loopback, ...replication].join("\n")}\n`);
		server.set({ ...SETTINGS, ...(durable ? {} : CARELESS), unix_socket_directories: folder, ...settings });
		await server.start();
		return server;
	} catch (error) {
		await server.stop();
		throw error;
	}
}

export class PostgresServer {
	/** Address on which it listens, beside the socket in its folder. */
	host = "127.0.0.1";
	port = 0;
	username = USERNAME;
	password = PASSWORD;
	#ending;
	#process;
	#databases = 0;
	#admin;
	#uses = 0;

	constructor(version, folder, ending) {
		this.version = version;
		this.folder = folder;
		this.#ending = ending;
	}

	get data() {
		return join(this.folder, "data");
	}

	/** Id of the server's first process. */
	get pid() {
		return this.#process?.pid;
	}

	/** Text that the server has logged so far. */
	get log() {
		const path = join(this.folder, "log");
		return existsSync(path) ? readFileSync(path, "utf8") : "";
	}

	/** Adds settings, which the next start, or `reload`, takes. */
	set(settings) {
		const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
		appendFileSync(join(this.data, "postgresql.conf"), lines.join(""));
	}

	/** Starts a server that has stopped; on the same port, once it had one. */
	async start() {
		for (let attempt = 1; ; attempt++) {
			const port = this.port || (await freePort());
			const problem = await this.#run(port);
			if (problem === undefined) {
				this.port = port;
				return;
			}
			// Somebody else may have taken the port meanwhile.
			if (attempt === 5 || !problem.includes("could not bind"))
				throw new Error(`PostgreSQL did not start:\n${problem}`);
		}
	}

	async #run(port) {
		const program = join(programs(this.version, this.folder), "bin/postgres");
		const options = { ...asServer, cwd: this.folder, detached: true, stdio: ["ignore", "ignore", "pipe"] };
		const child = spawn(program, ["-D", this.data, "-p", String(port)], options);
		this.#process = child;
		let printed = "";
		await new Promise((resolve, reject) => {
			child.once("error", reject);
			child.once("close", resolve);
			child.stderr.setEncoding("utf8").on("data", (text) => {
				printed += text;
				appendFileSync(join(this.folder, "log"), text);
				if (/ready to accept (read-only )?connections/.test(printed)) resolve();
			});
		});
		child.unref();
		child.stderr.unref();
		return child.exitCode === null && child.signalCode === null ? undefined : printed;
	}

	/** Ends its processes at once, as `kill -9` of all of them does, and leaves its data; `start` starts it again. */
	async kill() {
		await this.#end("SIGKILL");
	}

	/** Shuts it down, and leaves its data: `SIGINT` cuts the connections, `SIGQUIT` leaves the rest to recovery. */
	async shutDown(signal = "SIGINT") {
		await this.#end(signal);
	}

	async #end(signal) {
		const admin = this.#admin;
		this.#admin = undefined;
		await admin
			?.then((client) => {
				client.ref();
				return client.end();
			})
			.catch(() => {});
		const child = this.#process;
		if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
		child.ref();
		const ended = once(child, "exit");
		const children = signal === "SIGKILL" ? childrenOf(child.pid) : [];
		for (const pid of [child.pid, ...children]) {
			try {
				process.kill(pid, signal);
			} catch {
				// It has ended by itself.
			}
		}
		await ended;
	}

	/** Has it read its settings again. */
	reload() {
		process.kill(this.#process.pid, "SIGHUP");
	}

	/** Makes a standby the primary. */
	async promote() {
		await this.query("SELECT pg_promote()");
	}

	/** Ends it, and removes all that it has. */
	async stop() {
		await this.#end("SIGQUIT");
		if (this.#ending.exitCode !== null) return;
		this.#ending.ref();
		const ended = once(this.#ending, "exit");
		this.#ending.stdin.end();
		await ended;
	}

	/** A new database; its name. */
	async createDatabase(name = `test_${process.pid}_${++this.#databases}`) {
		await this.query(`CREATE DATABASE "${name}"`);
		return name;
	}

	/**
	 * Runs a statement as the superuser; resolves with its rows.
	 *
	 * @param {string} text
	 * @param {unknown[]} [parameters]
	 * @param {string} [database]
	 */
	async query(text, parameters, database) {
		if (database === undefined) {
			return this.#asAdmin((client) => client.query(text, parameters));
		}
		const client = await this.connect(database);
		try {
			return (await client.query(text, parameters)).rows;
		} finally {
			await client.end();
		}
	}

	/** Uses a connection that is kept, and keeps the process alive only while it is used. */
	async #asAdmin(use) {
		this.#admin ??= this.connect();
		const client = await this.#admin;
		this.#uses++;
		client.ref();
		try {
			return (await use(client)).rows;
		} finally {
			if (--this.#uses === 0) client.unref();
		}
	}

	/** A connection of the `pg` package. */
	async connect(database = "postgres", options = {}) {
		const { host, port, username: user, password } = this;
		const client = new pg.Client({ host, port, user, password, database, ...options });
		// Told of a server that ends, it would end the process.
		client.on("error", () => {});
		await client.connect();
		return client;
	}

	/** A value of `DATABASE_CONFIG`, as the SDK takes it. */
	config(database, fields = {}) {
		const { host, port, username, password } = this;
		return JSON.stringify({ databaseType: "pg", pg: { host, port, username, password, name: database, ...fields } });
	}

	/** The URL of a database. */
	url(database, { host = this.host, username = this.username, password = this.password } = {}) {
		const user = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
		return `postgres://${user}@${host}:${this.port}/${database}`;
	}

	/** Gives it a file in its data folder, such as a certificate's key. */
	write(name, content) {
		const path = join(this.data, name);
		writeFileSync(path, content, { mode: 0o600 });
		handOver(path);
	}
}

/** The processes that a server's first process has started. */
export function childrenOf(pid) {
	try {
		return execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
			.trim()
			.split(/\s+/)
			.map(Number);
	} catch {
		return [];
	}
}
