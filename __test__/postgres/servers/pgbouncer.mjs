// A pooler before a server, in the mode in which every transaction may have another connection.

import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { debianFiles, debianLibraries, PGBOUNCER } from "../../../scripts/lib/install/debian.mjs";
import { freePort } from "../../helpers/ports.mjs";
import { until } from "../../helpers/time.mjs";
import { handOver, reachable, serverFolder } from "./data-folder.mjs";
import { startGuarded } from "./guarded.mjs";

/** Starts pgbouncer before a server; whoever connects is the server's superuser. */
export async function startPgbouncer({ host, port, username, password }) {
	const folder = serverFolder();
	const own = await freePort();
	const file = join(folder, "pgbouncer.ini");
	const quoted = password.replaceAll("'", "''");
	writeFileSync(
		file,
		`[databases]
* = host=${host} port=${port} user=${username} password='${quoted}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 4
server_idle_timeout = 1
`,
	);
	const files = reachable(debianFiles, folder, "pgbouncer");
	handOver(folder);
	const pooler = await startGuarded(join(files, PGBOUNCER), [file], {
		cwd: folder,
		env: { LD_LIBRARY_PATH: debianLibraries(files) },
	});
	await until(() => accepts(own), "pgbouncer");
	return {
		host: "127.0.0.1",
		port: own,
		async stop() {
			await pooler.stop();
			rmSync(folder, { recursive: true, force: true });
		},
	};
}

function accepts(port) {
	return new Promise((resolve) => {
		const socket = connect(port, "127.0.0.1");
		socket.once("connect", () => {
			socket.destroy();
			resolve(true);
		});
		socket.once("error", () => resolve(false));
	});
}
