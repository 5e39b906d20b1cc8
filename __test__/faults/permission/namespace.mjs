// Programs in a mount namespace of their own: what they see mounted, nobody else does.

import { execFile, spawnSync } from "node:child_process";

/** As root, or as root of a user namespace, where the system allows those. */
const NAMESPACES = [
	["unshare", "--mount", "--propagation", "private"],
	["unshare", "--map-root-user", "--mount", "--propagation", "private"],
];

/**
 * Runs a program after the commands of a shell that mount something; resolves with what it printed, parsed as JSON. Fails
 * where the system allows no such namespace.
 *
 * @param {string} mounts - Commands of a shell, in which "$1" and so on are `args`.
 * @param {string[]} args
 * @param {string[]} command
 */
export function runMounted(mounts, args, command, { cwd, env = process.env } = {}) {
	const inside = (script) => ["sh", "-ec", script, "sh", ...args];
	const namespace = NAMESPACES.find(([program, ...rest]) => {
		return spawnSync(program, [...rest, ...inside(mounts)], { stdio: "ignore" }).status === 0;
	});
	if (namespace === undefined) throw new Error("nothing can be mounted on this machine: it allows no such command");
	const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
	const enter = cwd === undefined ? "" : `cd '${cwd}'\n`;
	const [program, ...rest] = [...namespace, ...inside(`${mounts}\n${enter}exec ${quoted}`)];
	return new Promise((resolve, reject) => {
		execFile(program, rest, { timeout: 240_000, env }, (error, stdout, stderr) => {
			if (error || stderr !== "") reject(new Error(`the program failed: ${stderr || error.message}`));
			else resolve(JSON.parse(stdout));
		});
	});
}
