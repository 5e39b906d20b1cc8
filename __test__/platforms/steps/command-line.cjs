"use strict";

const assert = require("node:assert/strict");
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");

module.exports = {
	async "the command line: status, backup, list, verify, restore, export, import and reset"(context) {
		const place = context.folder();
		const filename = join(place, "bot.sqlite3");
		await context.run("write.cjs", [filename, "end"]);
		const command = async (name, ...args) => {
			const given = [name, "--file", filename, "--json", ...args];
			const { code, stdout, stderr } = await context.commandLine(given, { cwd: place });
			assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, `${name}: ${stdout}`);
			return JSON.parse(stdout);
		};
		await command("status");
		await command("backup");
		assert.ok((await command("list")).length > 0);
		await command("verify");
		const keys = join(place, "keys.jsonl");
		const restored = join(place, "restored.sqlite3");
		await command("restore", "--to", restored);
		assert.ok(existsSync(restored));
		await command("export", "--output", keys);
		assert.equal(readFileSync(keys, "utf8").trim().split("\n").length, 21);
		await command("import", "--input", keys, "--force");
		await command("reset");
		assert.equal(existsSync(filename), false);
	},

	async "the command line: what it refuses"(context) {
		const { code, stderr } = await context.commandLine(["list", "--url", "C:\\bots\\backups", "--file"], {});
		assert.equal(code, 2);
		assert.match(stderr, /--file/);
	},
};
