// URLs where a command takes a path: what may be a password in them is not shown.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { SECRET } from "../helpers/errors.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";
import { json, rootcellar, rootcellarAgain } from "./cli.mjs";

vi.setConfig({ testTimeout: 300_000 });

const URLS = [
	`postgres://bot:${SECRET}@127.0.0.1/nodb`,
	`mysql://bot:${SECRET}@127.0.0.1/nodb`,
	`s3://key:${SECRET}@bucket/x`,
	`https://bot:${SECRET}@host`,
	// As a function that joins paths leaves it.
	`pg:/bot:${SECRET}@host/nodb`,
	`"mysql://bot:${SECRET}@host/nodb"`,
	`jdbc:mysql://bot:${SECRET}@host/'nodb'`,
];

/** The error of a command line that is wrong, as a text and as JSON, which show no secret. */
async function refused(args, cwd) {
	const { code, stderr, stdout } = await rootcellarAgain(args, { cwd });
	const told = await rootcellarAgain([...args, "--json"], { cwd });
	expect([code, told.code, stdout, told.stderr], args.join(" ")).toEqual([2, 2, "", ""]);
	expect(stderr + told.stdout).not.toContain(SECRET);
	expect(stderr).toMatch(/^rootcellar: .* \(ERR_USAGE\)\n\(rootcellar --help tells more\)\n$/s);
	const { error } = JSON.parse(told.stdout);
	expect(error.code).toBe("ERR_USAGE");
	return error.message;
}

test("a URL in the place of a path is refused by every command, which names the option and shows no password", async () => {
	const cwd = temporaryDirectory();
	const commands = ["status", "backup", "list", "restore", "reset", "verify", "export", "import", "studio"];
	for (const url of URLS) {
		for (const command of [...commands.map((name) => [name]), ["diff", "--at", "2025-01-01"]]) {
			for (const option of [["--file", url], [`--file=${url}`], [`-f${url}`]]) {
				const message = await refused([...command, ...option], cwd);
				expect(message).toMatch(/--file <path>.* looks like a URL; expected the path of a file;.* DATABASE_CONFIG/s);
			}
		}
		for (const args of [
			["restore", "--to", url],
			["export", "--output", url],
			["import", "--input", url],
			["import", "--from", "json", "x", "--report", url],
			["import", "--from", "json", url],
		]) {
			expect(await refused(args, cwd)).toMatch(/looks like a URL; expected the path of a file/);
		}
	}
	expect(readdirSync(cwd)).toEqual([]);
});

test("migrate takes a URL of PostgreSQL, and no other", async () => {
	const cwd = temporaryDirectory();
	for (const url of URLS.slice(1)) {
		for (const [option, other] of [
			["--from", "--to"],
			["--to", "--from"],
		]) {
			const message = await refused(["migrate", other, "bot.sqlite3", option, url], cwd);
			expect(message).toContain(`'${option} <store>'`);
			expect(message).toContain("expected the path of a file, or a URL that begins with postgres://");
		}
	}
	expect(readdirSync(cwd)).toEqual([]);
});

test("a URL that no command asked for is not shown either", async () => {
	const cwd = temporaryDirectory();
	for (const url of URLS) {
		for (const args of [
			[url],
			["status", url],
			["import", url],
			["import", "--from", url],
			["import", "--split", url],
			["restore", "--at", url],
			["restore", "--id", url],
			["studio", "--port", url],
			["studio", "--allow-remote", url],
			["status", `--database=${url}`],
		]) {
			await refused(args, cwd);
		}
	}
});

test("a path that only looks like one is taken behind ./, and a URL elsewhere in a path is a part of it", async () => {
	const cwd = temporaryDirectory();
	const lines = { input: '{"key":"a","value":1}\n', env: { ROOTCELLAR_BACKUP: "off" }, cwd };
	for (const file of ["a:b.sqlite3", "./mysql:x.sqlite3", join(cwd, "s3:x")]) {
		expect(await json(["import", "--file", file], lines)).toMatchObject({ keys: 1 });
	}
	const { stderr } = await rootcellar(["export", "--file", "./mysql://host"], { cwd });
	expect(stderr).toMatch(/there is no .*mysql:\/host to export/);
});
