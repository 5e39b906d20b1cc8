// Switches off one check at a time, in a copy of the sources, and sees a test fail for each:
// `npm run test:variants`. A variant that no test notices is a failure.

import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { binaryPath, TEST_FEATURES } from "./lib/addon.mjs";
import { installPackages } from "./lib/install/packages.mjs";
import { main, root, StepFailure, toolPath } from "./lib/run.mjs";
import { prepareExtendedTests, prepareSqliteLibraries } from "./lib/setup.mjs";

/**
 * @typedef {object} Variant
 * @property {string} name - What does not happen.
 * @property {string} file
 * @property {string} from
 * @property {string} to
 * @property {string[]} [cargo] - Where a test of the core has to fail.
 * @property {string[]} [vitest] - Where a test of the package has to fail.
 */

/** @type {Variant[]} */
const VARIANTS = [
	{
		name: "a page that is known is not compared with its hash",
		file: "src/backup/capture/page_hashes.rs",
		from: "self.get(number) == Some(self.hash(page))",
		to: "self.get(number).is_some()",
		cargo: ["--test", "backup"],
	},
	{
		name: "a backup is not held against its name and the backup before it",
		file: "src/backup/restore/image.rs",
		from: "check_header(file.name, decoder.header(), before.as_ref()).map_err(unusable)?;",
		to: "let _ = check_header(file.name, decoder.header(), before.as_ref());",
		cargo: ["--test", "damaged_backups"],
	},
	{
		name: "the checksum of a file is not compared",
		file: "src/ltx/decode.rs",
		from: "if checksum.finish() != file_checksum {",
		to: "if checksum.finish() == 0 {",
		cargo: ["--test", "ltx"],
	},
	{
		name: "a backup overwrites another of its name",
		file: "src/backup/fs/rename.rs",
		from: "    fs::hard_link(from, to)?;",
		to: "    fs::copy(from, to)?;",
		cargo: ["--lib"],
	},
	{
		name: "a backup gets its name before it is on disk",
		file: "src/backup/destination/folder.rs",
		from: "        file.sync_all()?;\n        drop(file);\n        let path",
		to: "        drop(file);\n        let path",
		cargo: ["--test", "synced"],
	},
	{
		name: "frames that a log has lost are not noticed",
		file: "src/backup/recover/lost_wal.rs",
		from: "now.frames < then.frames",
		to: "now.frames > u32::MAX - 1 && now.frames < then.frames",
		cargo: ["--test", "opening"],
	},
	{
		name: "it is not looked whether the destination still ends with the last backup",
		file: "src/backup/publish/publisher.rs",
		from: "            self.check_end()?;",
		to: "",
		cargo: ["--test", "conflict"],
	},
	{
		name: "a state that was not recorded counts as captured",
		file: "src/backup/capture/wal_capture.rs",
		from: "        self.diff.end();",
		to: "        self.diff.end();\n        self.recorded = self.moment;",
		cargo: ["--lib"],
	},
	{
		name: "another's backup is taken for the own of the same number",
		file: "src/backup/publish/reconcile.rs",
		from: "Ordering::Equal if differs =>",
		to: "Ordering::Equal if differs && false =>",
		cargo: ["--lib"],
	},
	{
		name: "a backup's name is not on disk when it is published",
		file: "src/backup/fs/rename.rs",
		from: "    fs::hard_link(from, to)?;\n    sync_folder(folder_of(to))?;",
		to: "    fs::hard_link(from, to)?;",
		cargo: ["--test", "synced"],
	},
	{
		name: "a restored file is not on disk before it has its name",
		file: "src/backup/restore/image.rs",
		from: "if care.is_brief { Ok(()) } else { file.sync_all() }",
		to: "Ok(())",
		cargo: ["--test", "synced"],
	},
	{
		name: "a file is not checked before it is opened",
		file: "src/backup/recover/inspect.rs",
		from: "Ok(Verdict::Damaged(problem)) => FileCondition::Damaged(problem),",
		to: "Ok(Verdict::Damaged(_)) => FileCondition::Sound,",
		cargo: ["--test", "opening"],
	},
	{
		name: "an index that differs from its table is not noticed",
		file: "src/backup/recover/inspect.rs",
		from: "Ok(Verdict::Inconsistent) => FileCondition::Inconsistent,",
		to: "Ok(Verdict::Inconsistent) => FileCondition::Sound,",
		cargo: ["--test", "opening"],
	},
	{
		name: "a first page that changed unwritten is not noticed",
		file: "src/backup/local/first_page.rs",
		from: "self.counts == later.counts && self.hash != later.hash",
		to: "self.counts != later.counts && self.hash == later.hash",
		cargo: ["--test", "damage"],
	},
	{
		name: "a first page is remembered although others may write to it",
		file: "src/backup/local/state_dir.rs",
		from: "|| !wal_path(&self.database).exists();",
		to: "|| !wal_path(&self.database).as_os_str().is_empty();",
		cargo: ["--test", "opening"],
	},
	{
		name: "a log that counts back is not noticed",
		file: "src/backup/recover/lost_wal.rs",
		from: "with_log[CHANGES] < alone[CHANGES]",
		to: "with_log[CHANGES].is_empty() && alone[CHANGES].is_empty()",
		cargo: ["--lib", "lost_wal"],
	},
	{
		name: "a merged backup that is damaged stays in the way of its like",
		file: "src/backup/publish/maintenance.rs",
		from: "!is_whole(&*self.destination, staged.name)?",
		to: "staged.name.max < staged.name.min",
		cargo: ["--test", "maintenance"],
	},
	{
		name: "the last backup is blamed for what those before it lead to",
		file: "src/backup/restore/image.rs",
		from: "first_unsound(destination, &plan, output, care, &mut progress)?",
		to: "plan.files[plan.files.len() - 1].name",
		cargo: ["--test", "restore_checks"],
	},
	{
		name: "a damaged backup is taken for another's",
		file: "src/backup/publish/reconcile.rs",
		from: "is_whole(destination, name).unwrap_or_default()",
		to: "position.txid == name.max",
		cargo: ["--test", "opening"],
	},
	{
		name: "what a file has beneath its log is not recorded",
		file: "src/backup/capture/checkpointed.rs",
		from: "if locks_hold() {",
		to: "if locks_hold() && database.as_os_str().is_empty() {",
		cargo: ["--test", "damage_log"],
	},
	{
		name: "a file is begun anew though the backups of it are gone",
		file: "src/backup/recover/decide.rs",
		from: "_ if was_backed_up => Decision::Refuse(reason),",
		to: "_ if was_backed_up => Decision::Keep,",
		cargo: ["--test", "opening"],
	},
	{
		name: "several who open a file do not wait for each other",
		file: "src/backup/local/state_dir.rs",
		from: "file.lock().map_err(|error| self.failed(&error))?;",
		to: "",
		cargo: ["--test", "together"],
	},
	{
		name: "two processes make the backups of a file",
		file: "src/backup/local/state_dir.rs",
		from: "Err(TryLockError::WouldBlock) => Ok(None),",
		to: "Err(TryLockError::WouldBlock) => Ok(Some(Lock { _file: file })),",
		cargo: ["--lib"],
	},
	{
		name: "a restored database is not held against the checksum of the last backup",
		file: "src/backup/restore/image.rs",
		from: "if expected != 0 && expected != checksum.get() {",
		to: "if expected == checksum.get() && expected == 1 {",
		cargo: ["--test", "restore_checks"],
	},
	{
		name: "SQLite does not check a restored database",
		file: "src/backup/restore/image.rs",
		from: "match check_database(&connection, Depth::Rows)? {",
		to: "match check_database(&connection, Depth::Schema)? {",
		cargo: ["--test", "restore_checks"],
	},
	{
		name: "what was captured is not recorded",
		file: "src/backup/publish/stage.rs",
		from: "self.state.append(known, changes, &checkpointed)?;",
		to: "",
		cargo: ["--test", "backup"],
	},
	{
		name: "pages that were added to a file are not looked at unless they are in its log",
		file: "src/backup/capture/wal_capture.rs",
		from: "pages.extend(before.min(least) + 1..=now);",
		to: "let _ = (before, least);",
		cargo: ["--lib", "wal"],
	},
	{
		name: "damaged frames of a log are believed",
		file: "src/engine/sqlite/wal/frames.rs",
		from: "is_valid.then(|| Frame {",
		to: "(is_valid || true).then(|| Frame {",
		cargo: ["--lib", "wal"],
	},
	{
		name: "what lies between two cases of a key is read",
		file: "src/engine/sqlite/table/search.rs",
		from: "                SearchStep::Seek(_) if is_sorted => {}",
		to: "                SearchStep::Seek(_) => {}",
		cargo: ["--lib", "search"],
	},
	{
		name: "keys of another case are not sought",
		file: "src/engine/sqlite/table/search.rs",
		from: "                SearchStep::Seek(key) => {\n                    next = Some(key);",
		to: "                SearchStep::Seek(key) => {\n                    next = Some(key).filter(|key| key.is_empty());",
		cargo: ["--test", "pattern_search_rounds"],
	},
	{
		name: "a table without an index in the order of bytes is sorted for each case",
		file: "src/engine/sqlite/table/search.rs",
		from: "                SearchStep::Seek(_) if is_sorted => {}",
		to: "                SearchStep::Seek(_) if is_sorted && from.is_empty() => {}",
		cargo: ["--lib", "search"],
	},
	{
		name: "what a commit wrote is handed over after the log was synced",
		file: "src/engine/sqlite/wal/gather.rs",
		from: "            xSync: Some(sync),\n",
		to: "",
		cargo: ["--test", "torn_files_rounds", "wal_mode"],
	},
	{
		name: "a backup is put over another's at an object store",
		file: "src/backup/destination/upload.rs",
		from: "mode: PutMode::Create,",
		to: "mode: PutMode::Overwrite,",
		vitest: ["__test__/backup/destinations/s3.extended.test.mjs", "-t", "second writer"],
	},
	{
		name: "a backup that is put in parts is put over another's",
		file: "src/backup/destination/http.rs",
		from: "if completes_upload(&request) {",
		to: "if false && completes_upload(&request) {",
		vitest: ["__test__/backup/destinations/s3.extended.test.mjs", "-t", "another writer's"],
	},
	{
		name: "a backup that is copied to its name is put over another's",
		file: "src/backup/destination/upload.rs",
		from: "copy_if_not_exists(",
		to: "copy(",
		vitest: ["__test__/backup/destinations/azure.extended.test.mjs", "-t", "another writer's"],
	},
	{
		name: "the log of another file is not noticed before it is opened",
		file: "src/engine/sqlite/stray_log.rs",
		from: "filter(|log| log.is_stray(&file, boot))",
		to: "filter(|log| log.is_stray(&file, boot) && log.page_bytes == 0)",
		vitest: ["__test__/process/shutdown/stray-log.test.mjs"],
	},
	{
		name: "commits are acknowledged after the last capture has begun",
		file: "src/engine/sqlite/checkpoint/control.rs",
		from: "while *is_frozen {",
		to: "while *is_frozen && self.checkpointer.is_none() {",
		vitest: ["__test__/process/shutdown/ending.test.mjs", "-t", "nothing is acknowledged"],
	},
	{
		name: "the log stays when a signal ends the process",
		file: "src/backup/service/ending.rs",
		from: "    end: || control::end(Instant::now() + END_WAIT),",
		to: "    end: || {},",
		vitest: ["__test__/process/shutdown/complete-file.test.mjs", "-t", "when the process ends"],
	},
	{
		name: "what SQL has written of keys is not told",
		file: "src/engine/sqlite/write/group_commit.rs",
		from: "is_untold || connection.take_wrote_keys();",
		to: "is_untold && connection.take_wrote_keys();",
		vitest: ["__test__/sql/triggers.test.mjs"],
	},
	{
		name: "every module of virtual tables may be used",
		file: "src/engine/sqlite/guard/user_connection.rs",
		from: "        modules::keep_allowed(&connection)?;\n",
		to: "",
		vitest: ["__test__/sql/guard/guard.test.mjs", "-t", "virtual tables"],
	},
	{
		name: "a write that changes no row is none the less done",
		file: "src/engine/sqlite/table/keys.rs",
		from: "0 => Err(Error::not_written(key)),",
		to: "0 => Ok(0),",
		vitest: ["__test__/sql/triggers.test.mjs", "-t", "a trigger on keys"],
	},
	{
		name: "a row that a trigger keeps hides what is written",
		file: "src/engine/sqlite/table/keys.rs",
		from: "let due = self.count(address)?.saturating_sub(1);",
		to: "let due = self.count(address)?.saturating_sub(usize::MAX);",
		vitest: ["__test__/sql/triggers.test.mjs", "-t", "several rows"],
	},
	{
		name: "foreign names at a destination are numbered on from",
		file: "src/backup/destination/foreign.rs",
		from: "        files.retain(|file| !foreign.contains(&file.name));\n",
		to: "",
		vitest: ["__test__/backup/lost-destination.test.mjs"],
	},
	{
		name: "any answer of an object store is a listing",
		file: "src/backup/destination/response.rs",
		from: "if members.iter().any(has) { None }",
		to: "if members.iter().any(has) || !tag.is_empty() { None }",
		cargo: ["--lib", "answer"],
	},
	{
		name: "a conflict is forgotten",
		file: "src/backup/local/conflict.rs",
		from: "is_ok_and(|marked| marked == destination.describe().as_bytes())",
		to: "is_ok_and(|marked| marked.is_empty() && destination.describe().is_empty())",
		vitest: ["__test__/backup/lost-destination.test.mjs", "-t", "keeps"],
	},
	{
		name: "a name without room for those beside it is taken",
		file: "src/engine/sqlite/file.rs",
		from: "if bytes > most {",
		to: "if bytes > most && most == 0 {",
		vitest: ["__test__/faults/open-errors.test.mjs", "-t", "leaves no room"],
	},
	{
		name: "a virtual table that is not up to date counts as damage",
		file: "src/backup/restore/integrity.rs",
		from: "    keep_pages(connection)?;\n",
		to: "",
		cargo: ["--lib", "integrity"],
	},
	{
		name: "an update does not remove an expiry",
		file: "src/node/protocol.rs",
		from: "None if code & KIND == SWAP_PERMANENT => NewExpiry::Never,",
		to: "None if code & KIND == SWAP_PERMANENT => NewExpiry::Kept,",
		vitest: ["__test__/key-value/update.test.mjs", "-t", "null as the expiry"],
	},
	{
		name: "a virtual table takes the store's names by another name of its own",
		file: "src/engine/sqlite/guard/own_tables.rs",
		from: 'is_reserved(&format!("{name}_"))',
		to: "is_reserved(name)",
		vitest: ["__test__/sql/guard/guard.test.mjs", "-t", "keeps its data in"],
	},
	{
		name: "a link to a store's file is not followed",
		file: "lib/config/paths.js",
		from: "\t\t\tfile = path.resolve(fs.realpathSync(path.dirname(file)), target);",
		to: '\t\t\tif (target === "") file = target;\n\t\t\tbreak;',
		vitest: ["__test__/config/config.test.mjs", "-t", "that is a link"],
	},
	{
		name: "a link to a store's folder is followed each time",
		file: "lib/config/paths.js",
		from: "\t\treturn fs.realpathSync(folder);",
		to: "\t\tfs.realpathSync(folder);\n\t\treturn folder;",
		vitest: ["__test__/config/config.test.mjs", "-t", "behind a link"],
	},
	{
		name: "the ledger is not asked whether a write was carried out",
		file: "src/engine/postgres/write/writer.rs",
		from: "&& last == Some(number)\n            && !faults::retries_blindly()",
		to: "&& last == Some(number)\n            && faults::retries_blindly()",
		vitest: ["__test__/postgres/writes/ledger.test.mjs", "-t", "every acknowledged write"],
	},
	{
		name: "an epoch of the ledger goes on when another has begun",
		file: "src/engine/postgres/write/ledger.rs",
		from: 'text(" AND epoch = ")',
		to: 'text(" AND epoch >= ")',
		vitest: ["__test__/postgres/writes/ledger.test.mjs", "-t", "every acknowledged write"],
	},
	{
		name: "others write while keys are deleted that are not named",
		file: "src/engine/postgres/write/ledger.rs",
		from: "IN SHARE ROW EXCLUSIVE MODE",
		to: "IN ROW EXCLUSIVE MODE",
		vitest: ["__test__/postgres/writes/deletes.test.mjs"],
	},
	{
		name: "a key that is deleted and is not there is not locked",
		file: "src/engine/postgres/write/state.rs",
		from: "Command::Delete(address) | Command::GetAndDelete(address) => self.need_always(address),",
		to: "Command::Delete(address) | Command::GetAndDelete(address) => self.touch(address),",
		vitest: ["__test__/postgres/writes/deletes.test.mjs"],
	},
	{
		name: "keys are locked in another order where some are only set",
		file: "src/engine/postgres/write/state.rs",
		from: "take_while(|address| *address <= last)",
		to: "filter(|address| needed.contains(address))",
		vitest: ["__test__/postgres/writes/contention.test.mjs", "-t", "crossing orders"],
	},
];

const SOURCES = [".cargo", "Cargo.toml", "Cargo.lock", "build.rs", "benches", "fuzz", "patches", "src", "tests"];

const PACKAGE = ["__test__", "index.js", "index.mjs", "lib", "package.json", "scripts", "vitest.config.mjs"];

/** File name of the addon that cargo builds. */
const libraryName =
	process.platform === "win32" ? "rootcellar.dll" : `librootcellar.${process.platform === "darwin" ? "dylib" : "so"}`;

const target = join(root, "target");
const copy = join(target, "variants");
const env = { ...process.env, CARGO_TARGET_DIR: target };

/** The tests of the core that fail. */
function failingCargo(/** @type {string[]} */ tests) {
	const { stdout } = command("cargo", ["test", ...TEST_FEATURES, ...tests]);
	return [...stdout.matchAll(/^test (\S+) \.\.\. FAILED$/gm)].map(([, test]) => test);
}

/** The tests of the package that fail, with an addon of its own. */
function failingVitest(/** @type {string[]} */ tests) {
	const built = command("cargo", ["build", "--lib", ...TEST_FEATURES]);
	if (built.status !== 0) throw new StepFailure("Building the addon of a variant", built.stderr);
	copyFileSync(join(target, "debug", libraryName), join(copy, basename(binaryPath)));
	const { stdout } = command(process.execPath, [toolPath("vitest"), "run", "--reporter=json", ...tests]);
	const { testResults } = JSON.parse(stdout.slice(stdout.indexOf("{")));
	return testResults
		.flatMap((/** @type {any} */ file) => file.assertionResults)
		.filter((/** @type {any} */ test) => test.status === "failed")
		.map((/** @type {any} */ test) => `"${test.title}"`);
}

function command(/** @type {string} */ program, /** @type {string[]} */ args) {
	return spawnSync(program, args, { cwd: copy, env, encoding: "utf8", maxBuffer: 64 << 20 });
}

/** Returns whether a test fails when a check is switched off. */
function isNoticed(/** @type {Variant} */ { name, file, from, to, cargo, vitest = [] }) {
	const path = join(copy, file);
	const source = readFileSync(path, "utf8");
	if (!source.includes(from)) throw new StepFailure(name, `${file} has changed: say anew what to switch off`);
	writeFileSync(path, source.replace(from, to));
	const failed = cargo ? failingCargo(cargo) : failingVitest(vitest);
	writeFileSync(path, source);
	console.log(`${name}: ${failed.length === 0 ? "not noticed" : `noticed by ${failed.join(", ")}`}`);
	return failed.length > 0;
}

await main(async () => {
	await Promise.all([installPackages().then(prepareSqliteLibraries), prepareExtendedTests()]);
	rmSync(copy, { recursive: true, force: true });
	mkdirSync(copy, { recursive: true });
	for (const name of [...SOURCES, ...PACKAGE]) cpSync(join(root, name), join(copy, name), { recursive: true });
	symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
	const unnoticed = VARIANTS.filter((variant) => !isNoticed(variant));
	rmSync(copy, { recursive: true, force: true });
	if (unnoticed.length > 0) {
		throw new StepFailure("Switching off one check at a time", `${unnoticed.length} were not noticed`);
	}
});
