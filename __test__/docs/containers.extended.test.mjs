// The container of examples/docker, without a daemon: its layout, user and command in namespaces of the kernel.

import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { CREDENTIALS, startServer, urlOf } from "../backup/destinations/s3-server.mjs";
import { raw } from "../helpers/raw.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = join(root, "examples/docker");
const dockerfile = readFileSync(join(example, "Dockerfile"), "utf8");
const compose = readFileSync(join(example, "compose.yaml"), "utf8");
const TIME_LIMIT_MS = 120_000;

/** Value of the last instruction of a name in the Dockerfile that begins with `start`. */
function instruction(name, start = "") {
	const lines = dockerfile.split("\n").filter((line) => line.startsWith(`${name} ${start}`));
	expect(lines, `${name} ${start}`).not.toEqual([]);
	return lines.at(-1).slice(name.length + 1);
}

/** Value of a field of the service in the compose file. */
function field(name) {
	const line = compose.split("\n").find((candidate) => candidate.trimStart().startsWith(`${name}:`));
	expect(line, name).toBeDefined();
	return line.slice(line.indexOf(":") + 1).trim();
}

/** Mounts a root like the container's at "$1": "$2" as the volume, "$3" as the package, "$4" as the bot. Read-only but the volume. */
const MOUNTS = `
	mount -t tmpfs tmpfs "$1"
	for folder in usr bin lib lib64 etc dev "$5"; do
		[ -e "/$folder" ] || continue
		mkdir -p "$1/$folder"
		mount --rbind "/$folder" "$1/$folder"
	done
	mkdir -p "$1/proc" "$1/data" "$1/tmp" "$1/app/dist" "$1/app/node_modules/rootcellar"
	mount -t proc proc "$1/proc"
	mount --bind "$2" "$1/data"
	mount --bind "$3" "$1/app/node_modules/rootcellar"
	mount --bind "$4" "$1/app/dist"
	mount -o remount,bind,ro "$1"
	cd "$1"`;

const namespaces = (user) => ["--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", ...user];

/** As root with the image's user, or as root of a user namespace, in which there is only one user. */
const WAYS = [
	{ unshare: namespaces([]), chroot: [`--userspec=${JSON.parse(field("user"))}`], uid: 1000 },
	{ unshare: namespaces(["--user", "--map-root-user"]), chroot: [], uid: 0 },
];

let way;

beforeAll(() => {
	way = WAYS.find(
		({ unshare }) => spawnSync("unshare", [...unshare, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0,
	);
	if (way === undefined) throw new Error("no container can be had: this machine allows no mount namespaces (unshare)");
});

/** Init for one program, which it starts in a shell: it passes SIGTERM on, and ends as that ends. */
const INIT = ["sh", "-c", 'trap "kill -TERM \\$bot" TERM; "$@" & bot=$!; wait $bot; wait $bot', "sh"];

/** Starts the bot in the container, with this text as its program, and with variables that compose.yaml would set. */
function start(volume, source, { env = {}, init = [] } = {}) {
	const folder = temporaryDirectory();
	for (const name of ["root", "bot"]) mkdirSync(join(folder, name));
	writeFileSync(join(folder, "bot/main.js"), source);
	// Everybody may enter what the image holds.
	for (const name of ["", "root", "bot"]) chmodSync(join(folder, name), 0o755);
	const [program, ...rest] = JSON.parse(instruction("CMD"));
	expect(program).toBe("node");
	const environment = instruction("ENV", "DATABASE_CONFIG=").replace(/^([^=]*)='(.*)'$/, "$1=$2");
	const script = `${MOUNTS}\nshift 5\nexec chroot ${way.chroot.join(" ")} . sh -c 'cd ${instruction("WORKDIR")} && exec "$@"' sh "$@"`;
	const binaries = dirname(dirname(process.execPath)).replace(/^\//, "");
	const places = [join(folder, "root"), volume, root, join(folder, "bot"), binaries];
	const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
	const command = [...init, "env", "-i", environment, ...variables, process.execPath, ...rest];
	const child = spawn("unshare", [...way.unshare, "sh", "-ec", script, "sh", ...places, ...command]);
	let errors = "";
	child.stderr.on("data", (data) => {
		errors += data;
	});
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));
	return {
		ended,
		async line() {
			const { value, done } = await lines.next();
			if (done) throw new Error(`the bot has ended: ${errors}`);
			return JSON.parse(value);
		},
		/** Sends a signal to the bot, as \`docker stop\` does. unshare itself only waits. */
		kill(signal) {
			const [bot] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
			process.kill(Number(bot), signal);
		},
	};
}

const BOT = `
	const { writeFileSync } = require("node:fs");
	const { dataStore } = require("rootcellar");
	const refusals = ["/x", "/tmp/x", "/app/x", "/app/node_modules/x"].map((path) => {
		try { writeFileSync(path, ""); return "written"; } catch (error) { return error.code; }
	});
	void (async () => {
		const starts = await dataStore.appData.update("starts", (starts) => starts + 1, 0);
		// Larger than SQLite sorts in memory.
		await dataStore.sqlite.exec("CREATE TABLE IF NOT EXISTS t (a)");
		await dataStore.sqlite.run("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT hex(randomblob(40)) FROM n");
		const sorted = await dataStore.sqlite.all("SELECT a FROM t ORDER BY a LIMIT 1");
		await dataStore.sqlite.exec("DELETE FROM t");
		console.log(JSON.stringify({ pid: process.pid, uid: process.getuid(), refusals, starts, sorted: sorted.length }));
		setInterval(() => {}, 1000);
	})();`;

/** Writes little, so that the last backup takes no time. */
const SMALL_BOT = `
	const { dataStore } = require("rootcellar");
	void (async () => {
		const starts = await dataStore.appData.update("starts", (starts) => starts + 1, 0);
		console.log(JSON.stringify({ isFirst: process.pid === 1, uid: process.getuid(), starts }));
		setInterval(() => {}, 1000);
	})();`;

function newVolume() {
	const volume = join(temporaryDirectory(), "volume");
	mkdirSync(volume, { mode: 0o700 });
	if (way.uid !== 0) chownSync(volume, way.uid, way.uid);
	return volume;
}

test(
	"runs as the first process, as its user, with nothing but the volume to write to, and survives the loss of its file",
	async () => {
		expect(field("read_only")).toBe("true");
		expect(field("user")).toBe('"1000:1000"');
		const volume = newVolume();
		const file = join(volume, "bot.sqlite3");
		for (const starts of [1, 2, 3]) {
			const bot = start(volume, BOT);
			const refusals = Array(4).fill(expect.stringMatching(/^(EROFS|EACCES)$/));
			expect(await bot.line()).toEqual({ pid: 1, uid: way.uid, refusals, starts, sorted: 1 });
			bot.kill("SIGTERM");
			expect(await bot.ended).toEqual({ code: 143, signal: null });
			expect(existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0).toBe(false);
			expect(await raw(file, "select value from __rootapp_kv")).toEqual([{ value: String(starts) }]);
			if (starts === 2) rmSync(file);
		}
		for (const name of ["bot.sqlite3", "bot.sqlite3.backup", "bot.sqlite3.backup-state"]) {
			expect(statSync(join(volume, name)).uid, name).toBe(way.uid === 0 ? process.getuid() : way.uid);
		}
	},
	TIME_LIMIT_MS,
);

test(
	"begun by an init, it has everything from S3 when its volume is lost",
	async () => {
		expect(field("init")).toBe("true");
		expect(field("ROOTCELLAR_BACKUP")).toMatch(/^s3:\/\//);
		const server = await startServer(join(temporaryDirectory(), "server"));
		const env = { ...CREDENTIALS, ROOTCELLAR_BACKUP: urlOf(server.port, "my-bot") };
		for (const starts of [1, 2, 3]) {
			const bot = start(newVolume(), SMALL_BOT, { env, init: INIT });
			expect(await bot.line()).toEqual({ isFirst: false, uid: way.uid, starts });
			bot.kill("SIGTERM");
			expect(await bot.ended).toEqual({ code: 143, signal: null });
		}
	},
	TIME_LIMIT_MS,
);

test("the images differ in their system alone, and ignore users' data", () => {
	const alpine = readFileSync(join(example, "Dockerfile.alpine"), "utf8");
	const withoutHead = (text) => text.split("\n").slice(1).join("\n");
	// Alpine's image has certificates.
	const certificates = /^# The authorities.*\nRUN apt-get update && apt-get install .* ca-certificates && rm .*\n/m;
	expect(dockerfile.slice(dockerfile.lastIndexOf("FROM"))).toMatch(certificates);
	expect(withoutHead(alpine)).toBe(
		withoutHead(dockerfile).replace(certificates, "").replaceAll("node:22-slim", "node:22-alpine"),
	);
	expect(readFileSync(join(example, ".dockerignore"), "utf8").split("\n")).toEqual(
		expect.arrayContaining(["**/*.sqlite3*", ".env", "node_modules"]),
	);
	expect(JSON.parse(instruction("ENV", "DATABASE_CONFIG=").match(/'(.*)'/)[1]).sqlite3.filename).toBe(
		"/data/bot.sqlite3",
	);
	expect(compose).toContain("- data:/data");
});
