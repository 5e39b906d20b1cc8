// The binary that is published: built for release, and without the faults that tests inject.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { binaryPath, suffix } from "../../scripts/lib/addon.mjs";
import { root } from "../../scripts/lib/run.mjs";
import { runCommand } from "../helpers/command.mjs";
import { temporaryDirectory } from "../helpers/store.mjs";

const FAULT = "ROOTCELLAR_TEST_PANIC_ON_KEY";

test("what is packed has no faults that tests inject, and loads", { timeout: 1_200_000 }, async () => {
	const folder = temporaryDirectory();
	const options = { cwd: root, timeout: 1_200_000 };
	const { code, stderr } = await runCommand(process.execPath, [join(root, "scripts/pack.mjs"), folder], options);
	expect(code, stderr).toBe(0);
	const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	execFileSync("tar", ["-xzf", `rootcellar-${suffix}-${version}.tgz`], { cwd: folder });
	const packed = join(folder, "package", `rootcellar.${suffix}.node`);
	expect(readFileSync(packed).includes(FAULT)).toBe(false);
	expect(readFileSync(binaryPath).includes(FAULT)).toBe(true);
	const load = `process.exit(Object.keys(require(${JSON.stringify(packed)})).length > 0 ? 0 : 1)`;
	expect((await runCommand(process.execPath, ["-e", load], { cwd: folder })).code).toBe(0);
});
