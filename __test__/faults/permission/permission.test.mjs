// A folder or a file that the process may not use: the message names it, whose it is, who asks, and what is needed.

import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openDataStore } from "rootcellar";
import { describe, expect, test } from "vitest";
import { packageUrl, startModule } from "../../helpers/child.mjs";
import { makeSdkFile } from "../../helpers/raw.mjs";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { runMounted } from "./namespace.mjs";

/** Root may do anything, so what runs as root becomes this user once all is loaded. */
const OTHER = 65_534;
const isRoot = process.getuid?.() === 0;
const uid = isRoot ? OTHER : process.getuid?.();

/** Opens a store as another user, and prints the failure of its first operation. */
const CHILD = `
	const [filename, scratch, backup] = process.argv.slice(1);
	const warm = openDataStore({ filename: scratch });
	await warm.appData.set({ key: "k", value: 1 });
	await warm.close();
	if (process.getuid() === 0) { process.setgroups([]); process.setgid(${OTHER}); process.setuid(${OTHER}); }
	const store = openDataStore({ filename, backup: backup === "on" ? { quiet: true } : false });
	const { code, message } = await store.appData.set({ key: "k", value: 1 }).catch((error) => error) ?? {};
	console.log(JSON.stringify({ code, message }));
	process.exit();`;

/** The failure of a store of another user on a file. */
async function failureOn(filename, backup) {
	const child = startModule(CHILD, { args: [filename, join(temporaryDirectory(), "scratch.sqlite3"), backup] });
	expect(await child.ended).toMatchObject({ code: 0, stderr: "" });
	return JSON.parse(child.lines[0]);
}

/** A folder of ours that others may enter, in one that they may enter. */
function folderOf() {
	const outer = temporaryDirectory();
	chmodSync(outer, 0o755);
	const folder = join(outer, "data");
	mkdirSync(folder);
	return folder;
}

/** A store that was used and closed, which others may write. */
async function storeIn(folder) {
	const filename = join(folder, "bot.sqlite3");
	const store = openDataStore({ filename, backup: false });
	await store.appData.set({ key: "k", value: 1 });
	await store.close();
	chmodSync(filename, 0o666);
	return filename;
}

const FOLDER = {
	"without a file": (folder) => join(folder, "bot.sqlite3"),
	"with an empty file": (folder) => {
		const filename = join(folder, "bot.sqlite3");
		writeFileSync(filename, "");
		chmodSync(filename, 0o666);
		return filename;
	},
	"with a store": storeIn,
	"with a file of the SDK": async (folder) => {
		const filename = join(folder, "bot.sqlite3");
		await makeSdkFile(filename, [{ key: "old", value: "1" }]);
		chmodSync(filename, 0o666);
		return filename;
	},
};

describe.runIf(process.platform !== "win32")("the message names", () => {
	for (const backup of ["off", "on"]) {
		for (const [name, make] of Object.entries(FOLDER)) {
			test(`with backups ${backup}, a folder ${name} that may not be written`, async () => {
				const folder = folderOf();
				const filename = await make(folder);
				chmodSync(folder, 0o555);
				const before = readdirSync(folder);
				const { code, message } = await failureOn(filename, backup);
				expect(code).toMatch(/^SQLITE_(CANTOPEN|READONLY)/);
				expect(message).toContain(`the folder ${folder} may not be written`);
				expect(message).toContain(`runs as uid ${uid}: it belongs to uid ${statSync(folder).uid}`);
				expect(message).toContain("its mode is 555");
				expect(message).toContain("-wal and -shm");
				expect(message).not.toContain("mounted alone");
				expect(readdirSync(folder)).toEqual(before);
			});
		}
	}

	test("the outermost folder that may not be entered", async () => {
		const folder = folderOf();
		const filename = await storeIn(folder);
		const outer = dirname(folder);
		chmodSync(outer, 0o600);
		const { code, message } = await failureOn(filename, "off");
		chmodSync(outer, 0o755);
		expect(code).toMatch(/^SQLITE_CANTOPEN/);
		expect(message).toContain(`the folder ${outer} may not be entered by this process, which runs as uid ${uid}`);
		expect(message).not.toContain("does not exist");
	});

	test.each(["", "-wal", "-shm"])(
		"the file, or what lies beside it, that is somebody else's (bot.sqlite3%s)",
		async (suffix) => {
			const folder = folderOf();
			chmodSync(folder, 0o777);
			const filename = await storeIn(folder);
			if (suffix !== "") writeFileSync(filename + suffix, "");
			chmodSync(filename + suffix, 0o000);
			const { code, message } = await failureOn(filename, "off");
			expect(code).toMatch(/^SQLITE_(CANTOPEN|READONLY|IOERR)/);
			expect(message).toContain(`${filename}${suffix} may not be read and written by this process`);
			expect(message).toContain(`runs as uid ${uid}: it belongs to uid ${statSync(folder).uid}`);
		},
	);

	test("the state folder of backups that is somebody else's", async () => {
		const folder = folderOf();
		chmodSync(folder, 0o777);
		const filename = join(folder, "bot.sqlite3");
		mkdirSync(`${filename}.backup-state`);
		chmodSync(`${filename}.backup-state`, 0o555);
		const { code, message } = await failureOn(filename, "on");
		expect(code).toBe("ERR_BACKUP_STATE");
		expect(message).toContain(`${filename}.backup-state may not be written by this process, which runs as uid ${uid}`);
	});
});

describe.runIf(process.platform === "linux")("the message says that", () => {
	/** A program that prints the failure of a store; as another user if it is root outside of a user namespace. */
	const opening = (filename) => [
		process.execPath,
		"--input-type=module",
		"--eval",
		`import { readFileSync } from "node:fs";
		import { openDataStore } from ${JSON.stringify(packageUrl)};
		const isRealRoot = / 4294967295$/m.test(readFileSync("/proc/self/uid_map", "utf8"));
		const warm = openDataStore({ filename: process.argv[2], backup: false });
		await warm.appData.set({ key: "k", value: 1 });
		await warm.close();
		if (isRealRoot) { process.setgroups([]); process.setgid(${OTHER}); process.setuid(${OTHER}); }
		const store = openDataStore({ filename: process.argv[1], backup: false });
		const { code, message } = await store.appData.set({ key: "k", value: 1 }).catch((error) => error) ?? {};
		console.log(JSON.stringify({ code, message }));
		process.exit();`,
		"--",
		filename,
		join(temporaryDirectory(), "scratch.sqlite3"),
	];

	test("a file system is mounted read-only", async () => {
		const folder = folderOf();
		chmodSync(folder, 0o777);
		const filename = await storeIn(folder);
		const mounts = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"';
		const { code, message } = await runMounted(mounts, [folder], opening(filename));
		expect(code).toMatch(/^SQLITE_(CANTOPEN|READONLY)/);
		expect(message).toContain(`the folder ${folder} may not be written by this process`);
		expect(message).toContain("mounted read-only");
	});

	test("a file is mounted alone, and that its folder should be", async () => {
		const [folder, elsewhere] = [folderOf(), folderOf()];
		const source = await storeIn(elsewhere);
		const filename = join(folder, "my bot.sqlite3");
		writeFileSync(filename, "");
		const mounts = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; mount --bind "$2" "$3"';
		const { code, message } = await runMounted(mounts, [folder, source, filename], opening(filename));
		expect(code).toMatch(/^SQLITE_(CANTOPEN|READONLY)/);
		expect(message).toContain(`the folder ${folder} may not be written by this process`);
		expect(message).toContain("The file is mounted alone; mount its folder instead");
	});
});
