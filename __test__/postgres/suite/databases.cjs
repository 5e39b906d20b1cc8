// Which database stands for which file, for every process of a test: a folder that they share says so.
//
// A process takes a spare database without waiting, as opening a file does not wait. The tests' own process keeps some in
// reserve; where there is none left, others are made at once.

const { spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const MADE_AT_ONCE = 4;

let claims = 0;

/** Access that {@link file://./server.mjs} has put into the environment. */
function shared() {
	return JSON.parse(process.env.ROOTCELLAR_TEST_POSTGRES);
}

/** The name of the database of a file, which nobody else has. */
function databaseOf(filename) {
	const { folder } = shared();
	const place = path.join(folder, "taken", createHash("sha256").update(path.resolve(filename)).digest("hex"));
	for (;;) {
		try {
			return fs.readFileSync(place, "utf8");
		} catch {
			assign(folder, place);
		}
	}
}

function assign(folder, place) {
	const claimed = claimSpare(folder);
	try {
		fs.linkSync(claimed, place);
		fs.rmSync(claimed);
	} catch (error) {
		if (error.code !== "EEXIST") throw error;
		// Another process has opened the file meanwhile.
		fs.renameSync(claimed, path.join(folder, "spare", fs.readFileSync(claimed, "utf8")));
	}
}

function claimSpare(folder) {
	for (;;) {
		for (const name of fs.readdirSync(path.join(folder, "spare"))) {
			const claimed = path.join(folder, `claimed-${process.pid}-${++claims}`);
			try {
				fs.renameSync(path.join(folder, "spare", name), claimed);
				return claimed;
			} catch (error) {
				if (error.code !== "ENOENT") throw error;
				// Another process was quicker.
			}
		}
		// Without the preload of a test, which has loaded this file: Node would not run it again.
		const env = { ...process.env, NODE_OPTIONS: "" };
		const command = [__filename, String(MADE_AT_ONCE)];
		const { status, stderr } = spawnSync(process.execPath, command, { encoding: "utf8", env });
		if (status !== 0) throw new Error(`no database could be made: ${stderr}`);
	}
}

/** Makes databases that wait for a file. `query` is a function of the tests' server. */
async function makeSpares(count, query) {
	const { folder } = shared();
	for (let n = 0; n < count; n++) {
		const name = `t_${process.pid}_${Date.now().toString(36)}_${++claims}`;
		await query(`CREATE DATABASE ${name}`);
		fs.writeFileSync(path.join(folder, `making-${name}`), name);
		fs.renameSync(path.join(folder, `making-${name}`), path.join(folder, "spare", name));
	}
}

async function connect(database) {
	const { Client } = require("pg");
	const { host, port, username: user, password } = shared();
	// Whatever the default: other programs do not try again what could not be serialized.
	const options = "-c default_transaction_isolation=read\\ committed";
	const client = new Client({ host, port, user, password, database, options });
	client.on("error", () => {});
	await client.connect();
	return client;
}

async function main() {
	const client = await connect("postgres");
	await makeSpares(Number(process.argv[2]), (text) => client.query(text));
	await client.end();
}

module.exports = { connect, databaseOf, makeSpares, shared };

if (require.main === module) main();
