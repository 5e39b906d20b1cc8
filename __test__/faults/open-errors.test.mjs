// A file that cannot be opened: a clear error at first use, the file untouched, and another try at the next use.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { startModule } from "../helpers/child.mjs";
import { expectArgumentError, expectFailure, rejection, SECRET } from "../helpers/errors.mjs";
import { makeSdkFile, raw, rawConnection } from "../helpers/raw.mjs";
import { temporaryDirectory, temporaryFile, temporaryStore } from "../helpers/store.mjs";
import { whileLocked } from "../helpers/time.mjs";
import { operations } from "./operations.mjs";

/** Every operation, one after the other and then together, rejects with `code`, and the message names the file. */
async function expectEveryOperationFails(store, filename, code) {
	for (const operation of operations(store.appData)) {
		const error = await expectFailure(operation, code);
		expect(error.message).toContain(filename);
		expect(error.message).toContain("options.filename");
	}
	await Promise.all(operations(store.appData).map((operation) => expectFailure(operation, code)));
}

async function expectWorks({ appData }) {
	await appData.set({ key: "k", value: "works" });
	expect(await appData.get("k")).toBe("works");
	expect(await appData.update("k", (text) => `${text}!`, "")).toBe("works!");
}

/** Everything at a path that an opening could change. */
function stateOf(filename) {
	const { mtimeMs, size, mode } = statSync(filename);
	return {
		mtimeMs,
		size,
		mode,
		bytes: readFileSync(filename).toString("latin1"),
		beside: readdirSync(dirname(filename)),
	};
}

describe("opening", () => {
	test("openDataStore returns at once and touches nothing, whatever lies at the path", () => {
		const directory = temporaryDirectory();
		const store = openDataStore({ filename: join(directory, "store.sqlite3"), backup: false });
		openDataStore({ filename: directory, backup: false });
		openDataStore({ filename: join(directory, "missing", "store.sqlite3") });
		expect(store.appData).toBeTypeOf("object");
		expect(store.config).toEqual({
			databaseType: "sqlite3",
			sqlite3: { filename: join(directory, "store.sqlite3") },
		});
		expect(readdirSync(directory)).toEqual([]);
	});

	test.skipIf(process.platform === "win32")(
		"a name or a path that leaves no room for those beside it is refused, and nothing is made",
		async () => {
			const directory = temporaryDirectory();
			const deep = join(directory, ...Array.from({ length: 3 }, () => "d".repeat(150)));
			mkdirSync(deep, { recursive: true });
			const name = (bytes, letter = "n") => letter.repeat(bytes / Buffer.byteLength(letter));
			for (const [folder, long, what] of [
				[directory, name(250), "name"],
				[directory, name(208), "name"],
				[directory, name(255), "name"],
				[directory, name(300), "name"],
				// 104 characters.
				[directory, name(208, "\u00e9"), "name"],
				[deep, name(60), "path"],
			]) {
				for (const backup of [false, undefined, { url: join(directory, "backups") }]) {
					const filename = join(folder, long);
					const store = openDataStore({ filename, backup });
					for (const operation of operations(store.appData)) {
						const error = await expectFailure(operation, "SQLITE_CANTOPEN");
						expect(error.message).toMatch(new RegExp(`the ${what} of .* has \\d+ bytes; expected at most \\d+`));
					}
					await store.close();
					expect(readdirSync(folder).filter((found) => !found.startsWith("d"))).toEqual([]);
				}
			}
		},
	);

	test.skipIf(process.platform === "win32")(
		"the longest name that is taken has room for all that is made beside it",
		async () => {
			for (const long of ["n".repeat(207), "\u00e9".repeat(103)]) {
				const filename = join(temporaryDirectory(), long);
				const store = openDataStore({ filename, backup: { quiet: true } });
				await expectWorks(store);
				await store.backups.create();
				const { undoId } = await store.backups.restore();
				expect(undoId).toMatch(/^[0-9a-f]{16}$/);
				await store.close();
				writeFileSync(filename, "damaged".repeat(1_000));
				const restored = openDataStore({ filename, backup: { quiet: true } });
				expect(await restored.appData.get("k")).toBe("works!");
				await restored.close();
				const beside = readdirSync(dirname(filename)).map((found) => found.slice(long.length).replace(/\d+/g, "0"));
				expect(beside.sort()).toEqual(["", ".backup", ".backup-state", ".damaged-0"]);
			}
		},
	);

	test("an empty file becomes a store", async () => {
		const filename = temporaryFile();
		writeFileSync(filename, "");
		await expectWorks(temporaryStore(filename));
	});

	for (const name of [
		"with space.sqlite3",
		"a?mode=memory",
		"file:x#y%41",
		"\u00e9\u{1f980}.sqlite3",
		'it\'s "quoted"',
		".hidden",
		"-dash",
		"\\backslash",
	]) {
		test(`the file name ${JSON.stringify(name)} is taken literally`, async () => {
			const filename = temporaryFile(name);
			const store = temporaryStore(filename);
			await expectWorks(store);
			await store.close();
			expect(readdirSync(dirname(filename))).toEqual([basename(filename)]);
		});
	}

	test("a file name with a NUL is refused, and no shorter name is opened instead", async () => {
		const filename = temporaryFile("a\0b");
		const error = await rejection(async () => openDataStore({ filename, backup: false }).appData.get("k"));
		expect(error.code).toMatch(/^(ERR_INVALID_ARGUMENT|SQLITE_CANTOPEN)$/);
		expect(readdirSync(dirname(filename.replace("\0", "")))).toEqual([]);
	});

	for (const [name, options, argument] of [
		["null", null, "options"],
		["a text", "store.sqlite3", "options"],
		["a number as the file name", { filename: 5 }, "options.filename"],
		["null as the file name", { filename: null }, "options.filename"],
		["an object as the file name", { filename: {} }, "options.filename"],
		["a URL as the file name", { filename: `postgres://bot:${SECRET}@host/bot` }, "options.filename"],
		["a URL with one slash as the file name", { filename: `mysql:/bot:${SECRET}@host/bot` }, "options.filename"],
		["an option that there is not", { filename: "x.sqlite3", backups: false }, "options.backups"],
		["true as the backup", { filename: "x.sqlite3", backup: true }, "options.backup"],
		["a text as the backup", { filename: "x.sqlite3", backup: "off" }, "options.backup"],
	]) {
		test(`${name} as an option is a TypeError of openDataStore itself`, () => {
			let thrown;
			try {
				openDataStore(options);
			} catch (error) {
				thrown = error;
			}
			expectArgumentError(thrown, argument);
		});
	}
});

describe("a store opened on", () => {
	test("a directory says so, and works once the directory has gone", async () => {
		const filename = temporaryFile();
		mkdirSync(filename);
		const store = temporaryStore(filename);
		await expectEveryOperationFails(store, filename, "SQLITE_CANTOPEN_ISDIR");
		expect(readdirSync(filename)).toEqual([]);
		expect(readdirSync(dirname(filename))).toEqual([basename(filename)]);
		rmSync(filename, { recursive: true });
		await expectWorks(store);
	});

	test("a path in a missing folder says so, makes no folder, and works once there is one", async () => {
		const filename = join(temporaryDirectory(), "missing", "store.sqlite3");
		const store = temporaryStore(filename);
		await expectEveryOperationFails(store, filename, "SQLITE_CANTOPEN");
		expect(existsSync(dirname(filename))).toBe(false);
		mkdirSync(dirname(filename));
		await expectWorks(store);
	});

	for (const [name, text] of [
		["a text file", `${"a line of text\n".repeat(1_000)}`],
		["a text file of one line", "hello\n"],
		["a file of one byte", "x"],
		["a file of 4,096 zero bytes and a text", `${"\0".repeat(4_096)}text`],
		["a JSON file", JSON.stringify({ experience: Array(300).fill(1) })],
	]) {
		test(`${name} says so, leaves the file as it was, and works once it was moved away`, async () => {
			const filename = temporaryFile();
			writeFileSync(filename, text);
			const before = stateOf(filename);
			const store = temporaryStore(filename);
			await expectEveryOperationFails(store, filename, "SQLITE_NOTADB");
			expect(stateOf(filename)).toEqual(before);
			await store.close();
			expect(stateOf(filename)).toEqual(before);
			rmSync(filename);
			await expectWorks(temporaryStore(filename));
		});
	}

	test("a text file works in the same store once the text file was moved away", async () => {
		const filename = temporaryFile();
		writeFileSync(filename, "hello\n".repeat(200));
		const store = temporaryStore(filename);
		await expectFailure(() => store.appData.get("k"), "SQLITE_NOTADB");
		rmSync(filename);
		await expectWorks(store);
	});

	test("a file of a newer schema says so, leaves it as it was, and works once the version is known", async () => {
		const filename = temporaryFile();
		const first = temporaryStore(filename);
		await first.appData.set({ key: "kept", value: 1 });
		await first.close();
		const [{ version }] = await raw(filename, "select version from __rootcellar_schema");
		await raw(filename, `update __rootcellar_schema set version = ${version + 1}`);
		const before = stateOf(filename).bytes;
		const store = temporaryStore(filename);
		await expectEveryOperationFails(store, filename, "ERR_SCHEMA_NEWER");
		expect(await raw(filename, "select key, value from __rootapp_kv")).toEqual([{ key: "kept", value: "1" }]);
		expect(stateOf(filename).bytes).toBe(before);
		await raw(filename, `update __rootcellar_schema set version = ${version}`);
		expect(await store.appData.get("kept")).toBe(1);
		await expectWorks(store);
	});

	test("a database whose pages are damaged gives SQLite's code, and the process goes on", async () => {
		const filename = temporaryFile();
		await makeSdkFile(
			filename,
			Array.from({ length: 500 }, (_, i) => ({ key: `k${i}`, value: '"x"' })),
		);
		const bytes = readFileSync(filename);
		bytes.fill(0xa5, 100);
		writeFileSync(filename, bytes);
		const { appData } = temporaryStore(filename);
		for (const operation of operations(appData)) {
			const error = await rejection(operation);
			expect(error.code).toMatch(/^SQLITE_(CORRUPT|NOTADB)/);
		}
	});
});

describe("a store opened without permission", () => {
	// As root every file may be read and written, so the child becomes another user once all is loaded.
	const CHILD = `
		import { createInterface } from "node:readline";
		const [filename, scratch] = process.argv.slice(1);
		const warm = openDataStore({ filename: scratch, backup: false });
		await warm.appData.set({ key: "k", value: 1 });
		await warm.close();
		if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
		const { appData } = openDataStore({ filename, backup: false });
		const attempt = () => appData.set({ key: "k", value: ${JSON.stringify(SECRET)} }).then(
			() => ({ code: "none" }),
			(error) => ({ code: error.code, message: error.message, own: error instanceof RootcellarError }),
		);
		console.log(JSON.stringify(await attempt()));
		console.log(JSON.stringify(await attempt()));
		for await (const line of createInterface({ input: process.stdin })) {
			console.log(JSON.stringify(await attempt()));
			console.log(JSON.stringify(await appData.get("k").catch((error) => error.code)));
			process.exit(0);
		}`;

	const cases = [
		["on a file that may not be read", { file: 0o000, folder: 0o755 }],
		["on a file that may only be read", { file: 0o444, folder: 0o755 }],
		["in a folder that may not be written", { folder: 0o555 }],
		["in a folder that may not be entered", { folder: 0o000 }],
	];

	for (const [name, modes] of cases) {
		test(`${name} says so, and works once it is allowed`, async () => {
			const directory = temporaryDirectory();
			chmodSync(directory, 0o755);
			const folder = join(directory, "folder");
			const filename = join(folder, "store.sqlite3");
			mkdirSync(folder);
			if (modes.file !== undefined) {
				await makeSdkFile(filename, [{ key: "old", value: "1" }]);
				chmodSync(filename, modes.file);
			}
			chmodSync(folder, modes.folder);
			const child = startModule(CHILD, { args: [filename, join(directory, "scratch.sqlite3")] });
			await child.lineCount(2);
			for (const attempt of child.lines.map((line) => JSON.parse(line))) {
				expect(attempt.code).toMatch(/^SQLITE_(CANTOPEN|READONLY)/);
				expect(attempt.own).toBe(true);
				expect(attempt.message).toContain(filename);
				expect(attempt.message).not.toContain(SECRET);
			}
			chmodSync(folder, 0o777);
			if (modes.file !== undefined) chmodSync(filename, 0o666);
			child.write("again\n");
			expect(await child.ended).toMatchObject({ code: 0, stderr: "" });
			expect(child.lines.slice(2)).toEqual(['{"code":"none"}', JSON.stringify(SECRET)]);
		}, 300_000);
	}
});

describe("a file that another process has locked", () => {
	test("a short lock is waited for", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: 1 });
		const other = rawConnection(filename);
		await whileLocked({
			hold: () => other.run("begin immediate"),
			operations: () => [appData.set({ key: "k", value: 2 })],
			heldMs: 700,
			release: () => other.run("commit"),
		});
		expect(await appData.get("k")).toBe(2);
	}, 300_000);

	test("a lock held while the store opens is waited for", async () => {
		let [filename, other] = [];
		const found = await whileLocked({
			hold: async () => {
				filename = temporaryFile();
				await makeSdkFile(filename, [{ key: "old", value: "1" }]);
				other = rawConnection(filename);
				await other.run("begin exclusive");
			},
			operations: () => {
				const { appData } = temporaryStore(filename);
				return [appData.get("old"), appData.set({ key: "k", value: 2 })];
			},
			heldMs: 700,
			release: () => other.run("commit"),
		});
		expect(found).toEqual([1, undefined]);
	}, 300_000);
});
