// Access to the files beside a database: its own owner and permissions, and nobody's links.

import { execFileSync } from "node:child_process";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { openDataStore } from "../../index.js";
import { temporaryDirectory } from "../helpers/store.mjs";

const isPosix = process.platform !== "win32";
const umask = process.umask();
afterEach(() => process.umask(umask));

/** Every file and folder below a folder, with its permissions. */
function permissions(folder) {
	return readdirSync(folder, { recursive: true }).map((name) => {
		const { mode } = statSync(join(folder, name));
		return { name, mode: mode & 0o777 };
	});
}

const open = (filename, backup = {}) => openDataStore({ filename, backup: { quiet: true, ...backup } });

/** Makes a store with one key, closes it, and returns the path of its file. */
async function madeStore(folder, mode) {
	const filename = join(folder, "bot.sqlite3");
	const store = open(filename);
	await store.appData.set({ key: "k", value: 1 });
	await store.close();
	if (mode !== undefined) chmodSync(filename, mode);
	return filename;
}

describe.runIf(isPosix)("what is made beside a database", () => {
	test.each([0o600, 0o640, 0o644])("of mode %o is for nobody else, also when the file is restored", async (mode) => {
		const folder = temporaryDirectory();
		const filename = join(folder, "bot.sqlite3");
		writeFileSync(filename, "", { mode });
		chmodSync(filename, mode);
		for (const value of [1, 2]) {
			const store = open(filename);
			await store.appData.set({ key: "k", value });
			await store.backups.create();
			await store.close();
			const made = permissions(folder);
			expect(made.map(({ name }) => name)).toEqual(
				expect.arrayContaining(["bot.sqlite3.backup", "bot.sqlite3.backup/ltx", "bot.sqlite3.backup-state/pages"]),
			);
			expect(made.filter((one) => (one.mode & 0o666 & ~mode) !== 0)).toEqual([]);
		}
		rmSync(filename);
		const restored = open(filename);
		expect(await restored.appData.get("k")).toBe(2);
		await restored.backups.restore({ to: join(folder, "copy.sqlite3") });
		await restored.close();
		expect(statSync(filename).mode & 0o777).toBe(mode);
		expect(statSync(join(folder, "copy.sqlite3")).mode & 0o077 & ~mode).toBe(0);
	});

	test("by a process that lets nobody else read its files is for nobody else", async () => {
		process.umask(0o077);
		const folder = temporaryDirectory();
		await madeStore(folder);
		expect(permissions(folder).filter(({ mode }) => (mode & 0o077) !== 0)).toEqual([]);
	});

	test("is ignored by git, and a .gitignore that is there stays", async () => {
		const folder = temporaryDirectory();
		execFileSync("git", ["init", "--quiet", folder]);
		const filename = await madeStore(folder);
		const status = execFileSync("git", ["status", "--porcelain", "--untracked-files=all"], { cwd: folder });
		expect(status.toString().split("\n").filter(Boolean)).toEqual(["?? bot.sqlite3"]);
		writeFileSync(`${filename}.backup/.gitignore`, "mine\n");
		await madeStore(folder);
		expect(readFileSync(`${filename}.backup/.gitignore`, "utf8")).toBe("mine\n");
	});
});

describe.runIf(isPosix)("a name that can be guessed, and is a link", () => {
	const names = [
		".restoring",
		".backup-state/pages.tmp",
		".backup-state/in-use.tmp",
		".backup-state/first-page.tmp",
		".backup-state/conflict.tmp",
		".backup-state/restored",
		".backup-state/rootcellar-verified",
	];

	test("is not written through: backup, close, restore and verify leave what it leads to", async () => {
		const folder = temporaryDirectory();
		const filename = await madeStore(folder);
		const victim = join(folder, "victim");
		writeFileSync(victim, "precious");
		for (const name of names) symlinkSync(victim, filename + name);
		rmSync(filename);
		const store = open(filename);
		expect(await store.appData.get("k")).toBe(1);
		await store.appData.set({ key: "k", value: 2 });
		await store.backups.create();
		await store.backups.verify();
		await store.backups.restore();
		await store.close();
		expect(readFileSync(victim, "utf8")).toBe("precious");
		expect(statSync(filename).isFile()).toBe(true);
	});

	test("is not taken for a lock", async () => {
		const folder = temporaryDirectory();
		const filename = await madeStore(folder);
		const target = join(folder, "elsewhere");
		for (const name of ["opening.lock", "backing-up.lock"]) {
			rmSync(`${filename}.backup-state/${name}`, { force: true });
			symlinkSync(target, `${filename}.backup-state/${name}`);
		}
		const store = open(filename);
		expect(await store.appData.get("k")).toBe(1);
		await store.close();
		expect(existsSync(target)).toBe(false);
	});
});

describe("a state folder that cannot be used", () => {
	/** Puts a file where the folder should be, which not even root can use as one. */
	async function withoutStateFolder(folder) {
		const filename = await madeStore(folder);
		rmSync(`${filename}.backup-state`, { recursive: true });
		writeFileSync(`${filename}.backup-state`, "");
		return filename;
	}

	test("leaves a store without backups, which says so", async () => {
		const filename = await withoutStateFolder(temporaryDirectory());
		const store = open(filename);
		const failures = [];
		const failed = new Promise((resolve) => {
			store.backups.on("failure", (error) => {
				failures.push(error);
				resolve();
			});
		});
		expect(await store.appData.get("k")).toBe(1);
		await store.appData.set({ key: "k", value: 2 });
		await failed;
		expect(failures[0]).toMatchObject({ code: "ERR_BACKUP_STATE" });
		expect(failures[0].message).toContain("bot.sqlite3.backup-state");
		expect(store.backups.status()).toMatchObject({ state: "failing", lastError: { code: "ERR_BACKUP_STATE" } });
		await expect(store.backups.create()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_BACKUP_/) });
		await store.close();

		rmSync(`${filename}.backup-state`);
		const again = open(filename);
		expect(await again.appData.get("k")).toBe(2);
		await again.backups.create();
		await again.close();
	});

	test.each(["missing", "empty"])("does not begin a file anew that is %s: it may be one to restore", async (kind) => {
		const filename = await withoutStateFolder(temporaryDirectory());
		rmSync(filename);
		if (kind === "empty") writeFileSync(filename, "");
		const store = open(filename);
		await expect(store.appData.get("k")).rejects.toMatchObject({ code: "ERR_BACKUP_STATE" });
		rmSync(`${filename}.backup-state`);
		mkdirSync(`${filename}.backup-state`);
		expect(await store.appData.get("k")).toBe(1);
		await store.close();
	});
});
