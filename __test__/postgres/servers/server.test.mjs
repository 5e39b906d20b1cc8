import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runModule } from "../../helpers/child.mjs";
import { until } from "../../helpers/time.mjs";
import { startServer } from "./server.mjs";

const SERVER = new URL("./server.mjs", import.meta.url).href;

function isRunning(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

test("a server starts, takes statements, keeps its data over a kill and a start, and leaves nothing", async () => {
	const server = await startServer({ durable: true });
	const database = await server.createDatabase();
	await server.query("CREATE TABLE t (n int)", [], database);
	await server.query("INSERT INTO t VALUES (7)", [], database);
	const before = server.pid;
	await server.kill();
	expect(isRunning(before)).toBe(false);
	await server.start();
	expect(await server.query("SELECT n FROM t", [], database)).toEqual([{ n: 7 }]);
	const { folder, pid } = server;
	await server.stop();
	expect(isRunning(pid)).toBe(false);
	expect(existsSync(folder)).toBe(false);
});

test.runIf(process.platform === "linux")("a server that is killed leaves no shared memory", async () => {
	const server = await startServer();
	const [, id] = readFileSync(join(server.data, "postmaster.pid"), "utf8").split("\n")[6].trim().split(/\s+/);
	const isThere = () => new RegExp(`^ *-?\\d+ +${id} `, "m").test(readFileSync("/proc/sysvipc/shm", "utf8"));
	expect(isThere()).toBe(true);
	expect(readFileSync(`/proc/${server.pid}/maps`, "utf8")).not.toContain("/dev/shm/");
	await server.kill();
	await server.stop();
	expect(isThere()).toBe(false);
});

test.each(["process.exit()", 'process.kill(process.pid, "SIGKILL")'])(
	"a server ends with who started it: %s",
	async (end) => {
		const { stdout } = await runModule(
			`
			import { startServer } from ${JSON.stringify(SERVER)};
			const { pid, folder } = await startServer();
			process.stdout.write(JSON.stringify({ pid, folder }), () => { ${end} });
		`,
			{ bare: true },
		);
		const { pid, folder } = JSON.parse(stdout);
		await until(() => !isRunning(pid), "the end of the server");
		await until(() => !existsSync(folder), "the removal of its folder");
	},
);
