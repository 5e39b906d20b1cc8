// `get`: what a read returns, also of rows that another program wrote.

import { describe, expect, test } from "vitest";
import { expectFailure, SECRET } from "../helpers/errors.mjs";
import { makeSdkFile, raw, rawConnection, rawCount, rawRows } from "../helpers/raw.mjs";
import { temporaryAppData, temporaryFile, temporaryStore } from "../helpers/store.mjs";

const HOUR_MS = 3_600_000;

describe("a read", () => {
	test("get of a missing key is undefined", async () => {
		expect(await temporaryAppData().get("missing")).toBeUndefined();
	});

	test("get of an expired key is undefined", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: 1, expiresAt: new Date(Date.now() - 1) });
		expect(await appData.get("k")).toBeUndefined();
	});

	test("a stored null is null, and a missing key is not", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: null });
		expect(await appData.get("k")).toBeNull();
	});

	test("every read returns a value of its own, which the caller may change", async () => {
		const appData = temporaryAppData();
		await appData.set({ key: "k", value: { list: [1] } });
		const [a, b] = await Promise.all([appData.get("k"), appData.get("k")]);
		a.list.push(2);
		expect(b).toEqual({ list: [1] });
		expect(await appData.get("k")).toEqual({ list: [1] });
		(await appData.select("k"))[0].value.list.push(3);
		(await appData.selectValue("k"))[0].list.push(4);
		expect(await appData.get("k")).toEqual({ list: [1] });
	});

	test("selectValue returns the values that select has, in its order", async () => {
		const appData = temporaryAppData();
		await appData.set([3, 1, 2].map((value) => ({ key: `k${value}`, value })));
		expect(await appData.select("k%")).toEqual([
			{ key: "k3", value: 3 },
			{ key: "k1", value: 1 },
			{ key: "k2", value: 2 },
		]);
		expect(await appData.selectValue("k%")).toEqual([3, 1, 2]);
	});

	test("what is stored is there after the store was closed and opened again", async () => {
		const filename = temporaryFile();
		const expiresAt = new Date(Date.now() + HOUR_MS);
		const first = temporaryStore(filename);
		await first.appData.set([
			{ key: "b", value: { n: 1 } },
			{ key: "a", value: 2, expiresAt },
		]);
		await first.close();
		expect(await temporaryStore(filename).appData.select("%")).toEqual([
			{ key: "b", value: { n: 1 } },
			{ key: "a", value: 2, expiresAt, expires_at: expiresAt },
		]);
	});
});

describe("a store that other processes write to", () => {
	test("a read sees what another process committed, though the value was read before", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: 1 });
		for (let n = 1; n <= 3; n++) {
			expect(await appData.get("k")).toBe(n);
			expect(await appData.get("k")).toBe(n);
			await raw(filename, ["update __rootapp_kv set value = ? where key = 'k'", String(n + 1)]);
		}
		expect(await appData.get("k")).toBe(4);
		await raw(filename, "delete from __rootapp_kv");
		expect(await appData.get("k")).toBeUndefined();
		expect(await appData.select("%")).toEqual([]);
	});

	test("a read never sees what another process has not committed", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: "committed" });
		const other = rawConnection(filename);
		await other.run("begin immediate", `update __rootapp_kv set value = '"dirty"'`);
		expect(await appData.get("k")).toBe("committed");
		expect(await appData.selectValue("%")).toEqual(["committed"]);
		await other.run("rollback");
		expect(await appData.get("k")).toBe("committed");
	});

	const garbage = [
		["text that is not JSON", SECRET],
		["text that begins as JSON", `{"a":"${SECRET}"`],
		["the empty text", ""],
	];

	for (const [name, text] of garbage) {
		test(`${name} in the file is a clear error that does not show it`, async () => {
			const filename = temporaryFile();
			const { appData } = temporaryStore(filename);
			await appData.set({ key: "good", value: 1 });
			await raw(filename, ["insert into __rootapp_kv (key, value) values ('bad', ?)", text]);
			const operations = [
				() => appData.get("bad"),
				() => appData.select("b%"),
				() => appData.selectValue("%"),
				() => appData.update("bad", () => 1, 0),
			];
			for (const operation of operations) {
				await expectFailure(operation, "ERR_VALUE_NOT_JSON");
			}
			expect(await appData.get("good")).toBe(1);
			expect(await appData.selectValue("g%")).toEqual([1]);
			expect((await rawRows(filename))[1].value).toBe(text);
			await appData.set({ key: "bad", value: "better" });
			expect(await appData.selectValue("%")).toEqual([1, "better"]);
		});
	}

	test("bytes that are no text in the file are a clear error, and the key can be overwritten", async () => {
		const filename = temporaryFile();
		const { appData } = temporaryStore(filename);
		await appData.set({ key: "k", value: 1 });
		await raw(filename, "update __rootapp_kv set value = x'fffe00'");
		await expectFailure(() => appData.get("k"), "ERR_VALUE_NOT_JSON");
		await expectFailure(() => appData.select("%"), "ERR_VALUE_NOT_JSON");
		await appData.set({ key: "k", value: 2 });
		expect(await appData.get("k")).toBe(2);
		expect(await rawCount(filename)).toBe(1);
	});
});

describe("a file of SDK 0.17.0 with several rows of one key", () => {
	const PAST = Date.now() - HOUR_MS;
	const FUTURE = Date.now() + HOUR_MS;

	async function storeOn(rows) {
		const filename = temporaryFile();
		await makeSdkFile(filename, rows);
		const store = temporaryStore(filename);
		return { filename, store, appData: store.appData };
	}

	const three = [
		{ key: "k", value: '"oldest"' },
		{ key: "other", value: "1" },
		{ key: "k", value: '"middle"', expires_at: FUTURE },
		{ key: "k", value: '"latest"' },
	];

	test("the latest row of a key is its value, in get, select and selectValue", async () => {
		const { appData } = await storeOn(three);
		expect(await appData.get("k")).toBe("latest");
		expect(await appData.select("k")).toEqual([{ key: "k", value: "latest" }]);
		expect((await appData.selectValue("%")).sort()).toEqual([1, "latest"]);
	});

	test("a community's key is no duplicate of the same key in the default scope", async () => {
		const { appData } = await storeOn([
			{ key: "k", value: "1" },
			{ key: "k", value: "2", community_id: "C" },
			{ key: "k", value: "3", community_id: "D" },
		]);
		expect(await appData.get("k")).toBe(1);
		expect(await appData.get("k", "C")).toBe(2);
		expect(await appData.get("k", "D")).toBe(3);
	});

	test("set replaces the value, whatever number of rows the key had", async () => {
		const { appData, filename, store } = await storeOn(three);
		await appData.set({ key: "k", value: "new" });
		expect(await appData.get("k")).toBe("new");
		expect(await appData.select("k%")).toEqual([{ key: "k", value: "new" }]);
		await store.close();
		expect(await temporaryStore(filename).appData.get("k")).toBe("new");
	});

	test("update starts from the latest row and leaves one value", async () => {
		const { appData, filename, store } = await storeOn(three);
		expect(await appData.update("k", (text) => `${text}!`, "default")).toBe("latest!");
		expect(await appData.select("k%")).toEqual([{ key: "k", value: "latest!" }]);
		await store.close();
		expect(await temporaryStore(filename).appData.get("k")).toBe("latest!");
	});

	test("delete and deleteLike remove every row of the key", async () => {
		const first = await storeOn(three);
		await first.appData.delete("k");
		expect(await first.appData.select("%")).toEqual([{ key: "other", value: 1 }]);
		const second = await storeOn(three);
		await second.appData.deleteLike("k%");
		expect(await second.appData.select("%")).toEqual([{ key: "other", value: 1 }]);
		expect(await rawCount(second.filename)).toBe(1);
	});

	test("an older row does not come back when the latest has expired, also once that was purged", async () => {
		const { appData, filename, store } = await storeOn([
			{ key: "k", value: '"older"' },
			{ key: "k", value: '"latest"', expires_at: PAST },
			{ key: "other", value: "1" },
		]);
		expect(await appData.get("k")).toBeUndefined();
		expect(await appData.select("%")).toEqual([{ key: "other", value: 1 }]);
		await expect.poll(async () => (await rawRows(filename)).filter((row) => row.expires_at)).toEqual([]);
		expect(await appData.get("k")).toBeUndefined();
		await store.close();
		const again = temporaryStore(filename).appData;
		expect(await again.select("%")).toEqual([{ key: "other", value: 1 }]);
		expect(await again.update("k", (value) => value, "default")).toBe("default");
	});

	test("an older row that has expired takes nothing from the latest", async () => {
		const { appData, filename } = await storeOn([
			{ key: "k", value: '"older"', expires_at: PAST },
			{ key: "k", value: '"latest"' },
		]);
		expect(await appData.get("k")).toBe("latest");
		await expect.poll(() => rawCount(filename)).toBe(1);
		expect(await appData.select("%")).toEqual([{ key: "k", value: "latest" }]);
	});
});
