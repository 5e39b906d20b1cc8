import { setTimeout as sleep } from "node:timers/promises";
import { openDataStore } from "rootcellar";
import { describe, expect, onTestFinished, test } from "vitest";
import { expectFailure } from "../helpers/errors.mjs";
import { lose, openBackedUp as open } from "./backups.mjs";
import { machine } from "./machine.mjs";

describe("hooks", () => {
	test("are called around backups and restores, and awaited", async () => {
		const { file } = machine();
		const calls = [];
		const hook = (name) => async () => {
			calls.push(`${name} begins`);
			await sleep(10);
			calls.push(`${name} ends`);
		};
		const names = ["beforeBackup", "afterBackup", "beforeRestore", "afterRestore"];
		const store = open(file, { intervalMs: 100_000, ...Object.fromEntries(names.map((name) => [name, hook(name)])) });
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		await store.appData.set({ key: "k", value: 2 });
		calls.length = 0;
		await store.backups.create();
		expect(calls).toEqual(["beforeBackup begins", "beforeBackup ends", "afterBackup begins", "afterBackup ends"]);
		calls.length = 0;
		await store.backups.restore({ id: "0000000000000001" });
		expect([calls[0], calls.at(-1)]).toEqual(["beforeRestore begins", "afterRestore ends"]);
	});

	test("that throw are told, and backups go on", async () => {
		const { file } = machine();
		const failures = [];
		const store = open(file, {
			beforeBackup() {
				throw new Error("not now");
			},
			afterBackup: () => Promise.reject("no error"),
		});
		store.backups.on("failure", ({ code, message }) => failures.push(`${code}: ${message}`));
		await store.appData.set({ key: "k", value: 1 });
		await store.backups.create();
		expect(failures.join()).toContain("ERR_BACKUP_HOOK: the hook beforeBackup failed: not now");
		expect(store.backups.status()).toMatchObject({ state: "active", lastError: { code: "ERR_BACKUP_HOOK" } });
		await store.close();
		lose(file);
		expect(await open(file).appData.get("k")).toBe(1);
	});
});

test("every method of a store without backups says so", async () => {
	const { file } = machine();
	const store = openDataStore({ filename: file, backup: false });
	onTestFinished(() => store.close());
	for (const call of ["create", "list", "restore", "verify"]) {
		await expectFailure(() => store.backups[call](), "ERR_BACKUP_OFF");
	}
	expect(store.backups.status()).toMatchObject({ state: "off", destination: undefined });
});

test("a status shows no credentials and no options of a destination", () => {
	const { file } = machine();
	const shown = (url) => openDataStore({ filename: file, backup: { url } }).backups.status().destination;
	expect(shown("s3://key:secret@bucket/my/prefix?endpoint=http://host&key=secret")).toBe("s3://bucket/my/prefix");
	expect(shown("file:///var/back%20ups")).toBe("file:///var/back%20ups");
	expect(shown("/var/what?")).toBe("/var/what?");
});

test("arguments that cannot be used are named", async () => {
	const { file } = machine();
	const store = open(file);
	const invalid = (options, argument) =>
		expect(store.backups.restore(options)).rejects.toMatchObject({
			name: "TypeError",
			code: "ERR_INVALID_ARGUMENT",
			argument,
		});
	await invalid(null, "options");
	await invalid({ at: "yesterday" }, "options.at");
	await invalid({ at: new Date(Number.NaN) }, "options.at");
	await invalid({ id: 7 }, "options.id");
	await invalid({ id: "0000000000000001", at: 0 }, "options.id");
	await invalid({ to: "" }, "options.to");
	await invalid({ to: file }, "options.to");
	await invalid({ to: "s3://key:secret@bucket/copy" }, "options.to");
	await invalid({ to: "copy", overwrite: 1 }, "options.overwrite");
	const options = (backup, argument) => {
		let error;
		try {
			openDataStore({ filename: file, backup });
		} catch (caught) {
			error = caught;
		}
		expect(error).toMatchObject({ name: "TypeError", code: "ERR_INVALID_ARGUMENT", argument });
	};
	options(true, "options.backup");
	options({ url: 7 }, "options.backup.url");
	options({ intervalMs: 0 }, "options.backup.intervalMs");
	options({ retentionMs: -1 }, "options.backup.retentionMs");
	options({ shutdownTimeoutMs: "5 s" }, "options.backup.shutdownTimeoutMs");
	options({ quiet: 1 }, "options.backup.quiet");
	options({ beforeBackup: "hook" }, "options.backup.beforeBackup");
	options({ destination: "elsewhere" }, "options.backup.destination");
	expect(() => store.backups.on("nothing", () => {})).toThrow(TypeError);
	expect(() => store.backups.on("backup", undefined)).toThrow(TypeError);
	const unknown = openDataStore({ filename: file, backup: { url: "ftp://host/path" } });
	await expectFailure(() => unknown.appData.get("k"), "ERR_INVALID_CONFIG");
});
