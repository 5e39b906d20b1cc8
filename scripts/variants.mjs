// Switches off one check of the backups at a time, in a copy of the sources, and sees a test fail for each:
// `npm run test:variants`. A variant that no test notices is a failure.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, root } from "./lib/run.mjs";

/**
 * @typedef {object} Variant
 * @property {string} name - What does not happen.
 * @property {string} file
 * @property {string} from
 * @property {string} to
 * @property {string[]} tests - Where a test has to fail.
 */

/** @type {Variant[]} */
const VARIANTS = [
	{
		name: "a page that is known is not compared with its hash",
		file: "src/backup/capture.rs",
		from: "if table.get(number) == Some(table.hash(page)) {",
		to: "if table.get(number).is_some() {",
		tests: ["--test", "backup"],
	},
	{
		name: "a backup is not held against its name and the backup before it",
		file: "src/backup/restore.rs",
		from: "check_header(file.name, decoder.header(), before.as_ref()).map_err(unusable)?;",
		to: "let _ = check_header(file.name, decoder.header(), before.as_ref());",
		tests: ["--test", "backup"],
	},
	{
		name: "the checksum of a file is not compared",
		file: "src/ltx/decode.rs",
		from: "if checksum.finish() != file_checksum {",
		to: "if checksum.finish() == 0 {",
		tests: ["--test", "ltx"],
	},
	{
		name: "a backup overwrites another of its name",
		file: "src/backup/destination/folder.rs",
		from: "match fs::hard_link(staged, &path) {",
		to: "match fs::copy(staged, &path).map(drop) {",
		tests: ["--lib"],
	},
	{
		name: "a backup gets its name before it is on disk",
		file: "src/backup/destination/folder.rs",
		from: "        file.sync_all()?;\n        drop(file);\n        let path",
		to: "        drop(file);\n        let path",
		tests: ["--test", "synced"],
	},
	{
		name: "frames that a log has lost are not noticed",
		file: "src/backup/examine.rs",
		from: "now.frames < then.frames",
		to: "now.frames > u32::MAX - 1 && now.frames < then.frames",
		tests: ["--test", "opening"],
	},
	{
		name: "another's backup is taken for the own of the same number",
		file: "src/backup/state.rs",
		from: "if differs { Standing::Behind }",
		to: "if differs && false { Standing::Behind }",
		tests: ["--lib"],
	},
];

const SOURCES = [".cargo", "Cargo.toml", "Cargo.lock", "build.rs", "benches", "fuzz", "src", "tests"];

const copy = join(root, "target/variants");
rmSync(copy, { recursive: true, force: true });
mkdirSync(copy, { recursive: true });
for (const name of SOURCES) cpSync(join(root, name), join(copy, name), { recursive: true });

const env = { ...process.env, CARGO_TARGET_DIR: join(root, "target") };
const unnoticed = VARIANTS.filter(({ name, file, from, to, tests }) => {
	const path = join(copy, file);
	const source = readFileSync(path, "utf8");
	if (!source.includes(from)) fail(name, `${file} has changed: say anew what to switch off`);
	writeFileSync(path, source.replace(from, to));
	const args = ["test", "--no-default-features", "--locked", ...tests];
	const { stdout } = spawnSync("cargo", args, { cwd: copy, env, encoding: "utf8" });
	writeFileSync(path, source);
	const failed = [...stdout.matchAll(/^test (\S+) \.\.\. FAILED$/gm)].map(([, test]) => test);
	console.log(`${name}: ${failed.length === 0 ? "not noticed" : `noticed by ${failed.join(", ")}`}`);
	return failed.length === 0;
});
rmSync(copy, { recursive: true, force: true });
if (unnoticed.length > 0) fail("Switching off one check at a time", `${unnoticed.length} were not noticed`);
