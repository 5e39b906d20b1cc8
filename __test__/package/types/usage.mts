// The package as an ES module of a bot uses it. Compiled, never run.

import type { DataStore, InvalidArgumentError, KeyValue, KeyValueStore, Kv, Page } from "rootcellar";
import rootcellar, { dataStore, openDataStore, RootcellarError, rootServer } from "rootcellar";
import "rootcellar/register";
import type {
	RootDatabaseConfig,
	KeyValue as SdkKeyValue,
	KeyValueStore as SdkKeyValueStore,
} from "@rootsdk/server-bot";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** A check that a value's type is `Expected`, neither wider nor narrower: else it wants a second argument. */
function exactly<Expected>() {
	return function check<Actual>(_value: Actual, ..._: Equal<Actual, Expected> extends true ? [] : [never]): void {};
}

interface Profile {
	xp: number;
	title?: string;
}

/** Storage code as it is written for the SDK. */
async function award(store: SdkKeyValueStore, key: string, xp: number): Promise<SdkKeyValue<Profile>[]> {
	await store.update<Profile>(key, (profile) => ({ ...profile, xp: profile.xp + xp }), { xp: 0 }, new Date());
	await store.set({ key, value: { xp }, expires_at: new Date() });
	return store.select<Profile>("profile:%");
}

function filenameOf(config: RootDatabaseConfig): string | undefined {
	return config.sqlite3?.filename;
}

export async function storageCodeOfTheSdk(): Promise<void> {
	exactly<SdkKeyValue<Profile>[]>()(await award(rootServer.dataStore.appData, "profile:ada", 5));
	exactly<string | undefined>()(filenameOf(rootServer.dataStore.config));
	exactly<string>()(dataStore.config.sqlite3.filename);
	exactly<KeyValueStore>()(rootServer.dataStore.appData);
	exactly<DataStore>()(rootcellar.rootServer.dataStore);
}

export async function valuesAreTyped({ appData }: DataStore): Promise<void> {
	exactly<Profile | undefined>()(await appData.get<Profile>("profile:ada"));
	exactly<unknown>()(await appData.get("profile:ada"));
	exactly<KeyValue<Profile>[]>()(await appData.select<Profile>("profile:%"));
	exactly<Profile[]>()(await appData.selectValue<Profile>("profile:%"));
	exactly<void>()(await appData.delete("profile:ada"));

	// The type of a value is inferred from the default and the function, and from an entry.
	exactly<number>()(await appData.update<number>("count", (count) => count + 1, 0));
	exactly<number>()(await appData.update("count", (count) => count + 1, 0));
	exactly<Profile>()(await appData.update("profile:ada", (profile) => profile, { xp: 0 } as Profile));
	const inferred = appData.set({ key: "profile:ada", value: { xp: 1 } });
	exactly<Promise<void>>()(inferred);
	await appData.set<Profile>([{ key: "profile:ada", value: { xp: 1 } }]);

	// Everything that an entry and the undocumented last arguments may be.
	await appData.set({ key: "a", value: 1, expiresAt: new Date(), communityId: "north" });
	await appData.set({ key: "a", value: 1, expires_at: Date.now() + 1_000 });
	await appData.set([
		{ key: "a", value: 1, expiresAt: null },
		{ key: "a", value: 1, expires_at: null },
	]);
	await appData.update<number>("a", (n) => n, 0, Date.now() + 1_000, "north");
	await appData.get("a", "north");
	await appData.delete("a", "north");
	await appData.deleteLike("a%", "north");
	await appData.select("a%", "north");
	await appData.selectValue("a%", "north");

	// An entry that was selected can be set again.
	const [entry] = await appData.select<Profile>("profile:%");
	if (entry) await appData.set(entry);
}

export async function readsOfKv({ kv, sqlite }: DataStore): Promise<void> {
	exactly<boolean>()(await kv.has("a"));
	exactly<(Profile | undefined)[]>()(await kv.getMany<Profile>(["a", "b"] as const));
	exactly<unknown[]>()(await kv.getMany(["a"]));
	exactly<number>()(await kv.count());
	exactly<number>()(await kv.community("north").count({ prefix: "a" }));
	exactly<Kv>()(kv.community(undefined));
	let cursor: string | undefined;
	const page = await kv.list<Profile>({ prefix: "profile:", reverse: true, limit: 10, cursor });
	exactly<Page<KeyValue<Profile>>>()(page);
	exactly<string | undefined>()(page.cursor);
	cursor = page.cursor;
	exactly<string[]>()((await kv.listKeys({ start: "a", end: "b", cursor })).entries);
	for await (const entry of kv.entries<Profile>({ startAfter: "a", reverse: true }))
		exactly<KeyValue<Profile>>()(entry);
	exactly<number>()(await sqlite.transaction((tx) => tx.kv.count()));
	// @ts-expect-error there is no such option
	await kv.list({ prefx: "a" });
	// @ts-expect-error a count has no direction
	await kv.count({ reverse: true });
	// @ts-expect-error an iterator takes no cursor
	kv.entries({ cursor: "a" });
	// @ts-expect-error a community is given by community()
	await kv.has("a", "north");
	// @ts-expect-error keys are strings
	await kv.getMany([1]);
}

export async function sql({ sqlite }: DataStore): Promise<void> {
	type Player = { id: number; name: string };
	exactly<Player | undefined>()(await sqlite.get<Player>("SELECT * FROM players WHERE id = ?", [1]));
	exactly<Player[]>()(await sqlite.all<Player>("SELECT * FROM players WHERE name = :name", { name: "ada" }));
	exactly<Player[]>()(await sqlite.sql<Player>`SELECT * FROM players WHERE id = ${1n}`);
	exactly<number>()((await sqlite.run("DELETE FROM players")).changes);
	exactly<number | bigint>()((await sqlite.run("DELETE FROM players", undefined, { bigint: true })).lastInsertRowid);
	exactly<number>()(await sqlite.transaction(async (tx) => (await tx.appData.get<number>("n")) ?? 0));
	exactly<string>()(await sqlite.transaction((tx) => tx.transaction(() => "x", { mode: "deferred" })));
	for await (const player of sqlite.iterate<Player>("SELECT * FROM players")) exactly<Player>()(player);
	exactly<string[]>()(await sqlite.migrate("migrations"));
	const connection = await sqlite.reserve({ timeoutMs: 5, idleTimeoutMs: 5, signal: new AbortController().signal });
	exactly<Player[]>()((await connection.batch<Player>([{ sql: "SELECT 1" }]))[0]?.rows ?? []);
	await connection.release();
	// @ts-expect-error undefined is no value
	await sqlite.run("INSERT INTO players (name) VALUES (?)", [undefined]);
	// @ts-expect-error an object names parameters, and is no value
	await sqlite.run("INSERT INTO players (name) VALUES (?)", [{ name: "ada" }]);
	// @ts-expect-error there is no such mode
	await sqlite.transaction(() => {}, { mode: "fast" });
	// @ts-expect-error a transaction cannot migrate
	await sqlite.transaction((tx) => tx.migrate([]));
	// @ts-expect-error there is no such option
	await sqlite.all("SELECT 1", [], { limit: 5 });
}

export async function whatMustNotCompile({ appData }: DataStore): Promise<void> {
	// @ts-expect-error the value may be missing
	exactly<Profile>()(await appData.get<Profile>("profile:ada"));
	// @ts-expect-error a key is a string
	await appData.get(7);
	// @ts-expect-error a key is required
	await appData.get();
	// @ts-expect-error an entry has a key
	await appData.set({ value: 1 });
	// @ts-expect-error a value is of the type that was named
	await appData.set<Profile>({ key: "profile:ada", value: { xp: "many" } });
	// @ts-expect-error a misspelt property of an entry
	await appData.set({ key: "a", value: 1, expires: new Date() });
	// @ts-expect-error the function returns a value of the same type
	await appData.update<number>("count", (count) => String(count), 0);
	// @ts-expect-error the function is synchronous
	await appData.update<number>("count", async (count) => count + 1, 0);
	// @ts-expect-error a default is required
	await appData.update<number>("count", (count) => count + 1);
	// @ts-expect-error an expiry is not text
	await appData.update<number>("count", (count) => count + 1, 0, "tomorrow");
	// @ts-expect-error the key-value store cannot be replaced
	dataStore.appData = appData;
	// @ts-expect-error the data store cannot be replaced
	rootServer.dataStore = dataStore;
	// @ts-expect-error there is no such option
	openDataStore({ file: "a.sqlite3" });
	// @ts-expect-error backups are off, or where their options say
	openDataStore({ backup: true });
	// @ts-expect-error an error of this class is made by the package alone
	new RootcellarError();
}

export async function storesAreDisposable(): Promise<void> {
	await using store = openDataStore({ filename: "test.sqlite3", backup: false });
	await store.appData.set({ key: "a", value: 1 });
	exactly<Promise<void>>()(store.close());
	const disposable: AsyncDisposable = store;
	await disposable[Symbol.asyncDispose]();
	// @ts-expect-error closing takes time: there is no synchronous disposal
	using _tooEarly = store;
}

export function errorsAreTyped(error: unknown): string {
	if (error instanceof RootcellarError) {
		exactly<string>()(error.code);
		return error.code;
	}
	if (error instanceof TypeError && "argument" in error) {
		const { argument, code } = error as InvalidArgumentError;
		exactly<"ERR_INVALID_ARGUMENT" | "ERR_TOO_LARGE">()(code);
		return argument;
	}
	return "";
}

export async function writesOfKv({ kv, sqlite }: DataStore): Promise<void> {
	exactly<number>()(await kv.increment("a"));
	exactly<number>()(await kv.increment("a", -1, { min: 0, max: 10, ttlMs: 1_000 }));
	exactly<boolean>()(await kv.setIfAbsent<Profile>({ key: "a", value: { xp: 1 }, expiresAt: new Date() }));
	exactly<Profile | undefined>()(await kv.getAndDelete<Profile>("a"));
	exactly<boolean>()(await kv.expire("a", { expiresAt: 1 }));
	exactly<boolean>()(await kv.community("north").expire("a", null));
	exactly<number>()(await kv.deleteRange({ prefix: "a:" }));
	const balances = await kv.updateMany<{ ada: number; bob: number }>(["ada", "bob"], ({ ada = 0, bob = 0 }) => {
		exactly<number>()(ada);
		return ada < 5 ? undefined : { ada: ada - 5, bob: bob + 5 };
	});
	exactly<Partial<{ ada: number; bob: number }>>()(balances);
	exactly<number>()(await sqlite.transaction((tx) => tx.kv.increment("a")));
	// @ts-expect-error an expiry must be given, or null
	await kv.expire("a");
	// @ts-expect-error nobody means every key by leaving them out
	await kv.deleteRange();
	// @ts-expect-error a key that is not given
	await kv.updateMany<{ ada: number }>(["ada"], () => ({ bob: 1 }));
	// @ts-expect-error the function must be synchronous
	await kv.updateMany<{ ada: number }>(["ada"], async () => ({ ada: 1 }));
	// @ts-expect-error a number is added
	await kv.increment("a", "1");
}
