// Runs command lines one after another in this process, each as `npx rootcellar` would: a process that is forked from it is
// sent `{ args, env, cwd }`, and answers with the exit code and what was printed.
"use strict";

const { main } = require("../../lib/cli/program.js");

const streams = { stdout: process.stdout, stderr: process.stderr };
const home = process.cwd();

process.on("message", async ({ args, env = {}, cwd = home }) => {
	const before = { ...process.env };
	const printed = { stdout: "", stderr: "" };
	for (const [name, stream] of Object.entries(streams)) {
		stream.setMaxListeners(0);
		stream.write = (text) => {
			printed[name] += text;
			return true;
		};
	}
	Object.assign(process.env, env);
	process.chdir(cwd);
	process.exitCode = 0;
	await main([process.execPath, "rootcellar", ...args]);
	process.send({ code: process.exitCode, ...printed });
	process.chdir(home);
	for (const name of Object.keys(env)) {
		if (Object.hasOwn(before, name)) process.env[name] = before[name];
		else delete process.env[name];
	}
});
