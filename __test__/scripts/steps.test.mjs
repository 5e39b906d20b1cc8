// Steps of the scripts: run side by side, printed one after another, and all of them reported.

import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { root } from "../../scripts/lib/run.mjs";
import { runCommand } from "../helpers/command.mjs";
import { temporaryFile } from "../helpers/store.mjs";

/** Runs a script with `main`, `run`, `part` and `report`; `node(title, source)` is a step that runs a program. */
async function runScript(source, env) {
	const prelude = `
		import { existsSync, writeFileSync } from "node:fs";
		import { part, report } from "./scripts/lib/report.mjs";
		import { main, run } from "./scripts/lib/run.mjs";
		const node = (title, source) => run(title, process.execPath, ["-e", source]);
	`;
	return await runCommand(process.execPath, ["--input-type=module", "-e", prelude + source], { cwd: root, env });
}

test("what a failing step leaves behind names the step and ends with its exit code", async () => {
	const { code, stdout, stderr } = await runScript('await main(() => node("Doing it", "process.exit(3)"));');
	expect(code).toBe(3);
	expect(stdout).toContain("== Doing it");
	expect(stderr).toContain("failed: Doing it");
	expect(stderr).toContain("ended with code 3");
});

test("a command that cannot be started is a failing step, with what a person can do", async () => {
	const { code, stderr } = await runScript(
		'await main(() => run("Doing it", "no-such-command", [], { hint: "Get it." }));',
	);
	expect(code).toBe(1);
	expect(stderr).toMatch(/failed: Doing it\nno-such-command could not be started \(.*\)\nGet it\.\n/);
});

test("when a step fails, one beside it is ended, and what it printed is not lost", async () => {
	const { code, stdout, stderr } = await runScript(`
		await main(async () => {
			const first = node("First", "process.stdin.on('data', () => {}); setInterval(() => {}, 1000)");
			await Promise.all([first, node("Second", "console.log('printed'); process.exit(3)")]);
		});
	`);
	expect(code).toBe(3);
	expect(stdout).toBe("\n== First\n\n== Second\nprinted\n");
	expect(stderr).toContain("failed: Second");
});

test("steps run at the same time, and print one after another", async () => {
	const waitFor = (what) => `while (!require("fs").existsSync(process.env.FOLDER + "/${what}")) {}`;
	const create = (what) => `require("fs").writeFileSync(process.env.FOLDER + "/${what}", "")`;
	const first = `console.log("first begins"); ${create("one")}; ${waitFor("two")}; console.log("first ends")`;
	const second = `${waitFor("one")}; console.log("second"); ${create("two")}`;
	const { code, stdout } = await runScript(`
		import { mkdtempSync, rmSync } from "node:fs";
		import { tmpdir } from "node:os";
		process.env.FOLDER = mkdtempSync(tmpdir() + "/rootcellar-steps-");
		await main(async () => {
			await Promise.all([node("First", ${JSON.stringify(first)}), node("Second", ${JSON.stringify(second)})]);
		});
		rmSync(process.env.FOLDER, { recursive: true });
	`);
	expect(code).toBe(0);
	expect(stdout).toBe("\n== First\nfirst begins\nfirst ends\n\n== Second\nsecond\n");
});

test("every part is run and reported, also beside one that fails, with what the runners have counted", async () => {
	const failure = " FAIL  core  __test__/sql/guard.test.mjs > refuses what it must";
	const vitest = " Test Files  1 failed | 2 passed (3)\n      Tests  1 failed | 30 passed | 2 skipped (33)\n";
	const panic = "test table::gaps::finds_none ... FAILED";
	const cargo = "test result: FAILED. 7 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
	const print = (text, where = "stdout") => `process.${where}.write(${JSON.stringify(text)});`;
	const javaScript = `${print(`\u001b[31m${failure}\u001b[39m\n`, "stderr")} ${print(vitest)} process.exitCode = 1`;
	const rust = `${print("test table::gaps::finds_all ... ok\n")} ${print(`${panic}\n${cargo}`)}`;
	const { code, stdout } = await runScript(`
		await main(async () => {
			const packages = node("Installing", "");
			const addon = node("Building", "process.exit(2)");
			const libraries = packages.then(() => node("Building beside", ""));
			await Promise.all([
				part("JavaScript", [packages], (title) => node(title, ${JSON.stringify(javaScript)})),
				part("Rust", [packages], (title) => node(title, ${JSON.stringify(rust)})),
				part("Types", [addon, libraries], (title) => node(title, "console.log('never')")),
			]);
			if (!report()) process.exitCode = 1;
		});
	`);
	expect(code).toBe(1);
	expect(stdout).not.toContain("never");
	const lines = stdout.split("== Everything that was run\n")[1].split("\n");
	expect(lines.filter((line) => line.startsWith("ok")).map((line) => line.slice(18))).toEqual(
		expect.arrayContaining(["Installing", "Building beside", "Rust"]),
	);
	expect(lines).toContainEqual(expect.stringMatching(/^failed .* s {2}Building: .* ended with code 2$/));
	expect(lines).toContainEqual(expect.stringMatching(/^failed .* s {2}JavaScript: .* ended with code 1$/));
	expect(lines).toContainEqual(expect.stringMatching(/^not run +Types, for this has failed: Building$/));
	const counts = lines.slice(lines.indexOf("")).join("\n");
	expect(counts).toContain(failure);
	expect(counts).toContain(panic);
	expect(counts).not.toContain("finds_all");
	expect(counts).toContain(vitest);
	expect(counts).toContain(cargo);
	expect(counts).toMatch(/\n37 passed, 2 failed\n$/);
});

test("the last of several commands reports what those before it have run", async () => {
	const file = temporaryFile();
	writeFileSync(file, "");
	const command = (title, passed, failed) =>
		runScript(
			`
			const counts = "test result: x. ${passed} passed; ${failed} failed; 0 ignored";
			await part(${JSON.stringify(title)}, [], (title) => node(title, "console.log('" + counts + "')"));
			report();
			`,
			{ ROOTCELLAR_TEST_REPORT: file },
		);
	await command("The one", 20, 1);
	const { stdout } = await command("The other", 3, 0);
	expect(stdout).toMatch(
		/\nok .*The one\nok .*The other\n\ntest result: x\. 20 .*\ntest result: x\. 3 .*\n\n23 passed, 1 failed\n$/,
	);
});
