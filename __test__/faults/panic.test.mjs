import { describe, expect, test } from "vitest";
import { startModule } from "../helpers/child.mjs";
import { SECRET } from "../helpers/errors.mjs";
import { expectSound } from "../helpers/raw.mjs";
import { temporaryFile, temporaryStore } from "../helpers/store.mjs";

const OPEN = "const store = openDataStore({ filename: process.argv[1], backup: false });\nconst { appData } = store;\n";

describe("a panic in the writer's thread", () => {
	const env = { ROOTCELLAR_TEST_PANIC_ON_KEY: "panic" };
	const END = `const end = (promise) => promise.then((value) => value ?? "done", (error) => [error.name, error.code, error instanceof RootcellarError]);
		const ends = async (promises) => [...new Set((await Promise.all(promises.map(end))).map((one) => JSON.stringify(one)))].map((text) => JSON.parse(text));\n`;
	const INTERNAL = ["RootcellarError", "ERR_INTERNAL", true];

	/** Runs a module with that fault; what the thread says of its panic goes to the standard error. */
	async function runWithPanic(source, filename) {
		const child = startModule(OPEN + END + source, { args: [filename], env });
		const { code, signal, stderr } = await child.ended;
		expect({ code, signal, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, signal: null, stderr: "" });
		return JSON.parse(child.lines.at(-1));
	}

	test("rejects the operations under way with ERR_INTERNAL, writes none of them, and the next ones work", async () => {
		const filename = temporaryFile();
		const source = `
			await appData.set({ key: "old", value: "old" });
			const batch = await ends([
				appData.set({ key: "a", value: 1 }),
				appData.update("old", () => "new", ""),
				store.kv.increment("a"),
				store.kv.updateMany(["old", "panic"], () => ({ old: "new", panic: 1 })),
				appData.set({ key: "panic", value: 1 }),
				appData.delete("old"),
				appData.set([{ key: "b", value: 1 }, { key: "c", value: 1 }]),
			]);
			const stored = await appData.select("%");
			const rounds = [];
			for (let round = 0; round < 20; round++) {
				rounds.push(...await ends([appData.set({ key: "panic", value: round }), appData.get("panic")]));
				rounds.push(...await ends([appData.set({ key: "round" + round, value: round })]));
			}
			const message = await appData.set({ key: "panic", value: ${JSON.stringify(SECRET)} }).catch((error) => error.message);
			const closed = await end(store.close());
			console.log(JSON.stringify({ batch, stored, rounds: [...new Set(rounds.map(String))], message, closed }));`;
		const result = await runWithPanic(source, filename);
		expect(result).toMatchObject({
			batch: [INTERNAL],
			stored: [{ key: "old", value: "old" }],
			closed: "done",
		});
		expect(result.rounds.sort()).toEqual(["RootcellarError,ERR_INTERNAL,true", "done"].sort());
		expect(result.message).toMatch(/^internal error/);
		expect(result.message).not.toContain(SECRET);
		const { appData } = temporaryStore(filename);
		expect(await appData.selectValue("round%")).toEqual(Array.from({ length: 20 }, (_, i) => i));
		expect(await appData.get("panic")).toBeUndefined();
		expect(await appData.get("old")).toBe("old");
		await expectSound(filename);
	}, 300_000);

	test("in one store leaves the stores on other files, and selects under way, alone", async () => {
		const filename = temporaryFile();
		const source = `
			const other = openDataStore({ filename: process.argv[1] + ".other", backup: false }).appData;
			await appData.set(Array.from({ length: 2000 }, (_, i) => ({ key: "k" + i, value: "x".repeat(100) })));
			const result = [];
			for (let round = 0; round < 10; round++) {
				const select = appData.selectValue("k%");
				const panic = end(appData.set({ key: "panic", value: 1 }));
				const write = end(other.set({ key: "k", value: round }));
				result.push([(await select).length, await panic, await write].join());
			}
			console.log(JSON.stringify([...new Set(result)]));`;
		expect(await runWithPanic(source, filename)).toEqual([`2000,${INTERNAL},done`]);
	}, 300_000);

	test("does not keep the process from ending, nor from writing at process.exit what was issued", async () => {
		const filename = temporaryFile();
		const source = `
			console.log("0");
			appData.set({ key: "panic", value: 1 }).catch(() => {});
			appData.get("x").then(() => {
				appData.set({ key: "last", value: 1 });
				process.exit(0);
			});`;
		await runWithPanic(source, filename);
		expect(await temporaryStore(filename).appData.get("last")).toBe(1);
	}, 300_000);
});
