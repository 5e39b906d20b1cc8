// The types of SDK 0.17.0 and ours, each where the other is expected. Compiled, never run: a line that should
// not compile is marked, and the compiler reports a mark that nothing needs.

import type * as sdk from "@rootsdk/server-bot";
import type * as ours from "rootcellar";

declare const sdkStore: sdk.KeyValueStore;
declare const ourStore: ours.KeyValueStore;
declare const sdkEntry: sdk.KeyValue<{ xp: number }>;
declare const ourEntry: ours.KeyValue<{ xp: number }>;
declare const sdkConfig: sdk.RootDatabaseConfig;
declare const ourConfig: ours.RootDatabaseConfig;

// The key-value store, whole and method by method.
export const storeForSdk: sdk.KeyValueStore = ourStore;
export const storeForUs: ours.KeyValueStore = sdkStore;
export const getForSdk: sdk.KeyValueStore["get"] = ourStore.get;
export const getForUs: ours.KeyValueStore["get"] = sdkStore.get;
export const setForSdk: sdk.KeyValueStore["set"] = ourStore.set;
export const updateForSdk: sdk.KeyValueStore["update"] = ourStore.update;
export const updateForUs: ours.KeyValueStore["update"] = sdkStore.update;
export const deleteForSdk: sdk.KeyValueStore["delete"] = ourStore.delete;
export const deleteForUs: ours.KeyValueStore["delete"] = sdkStore.delete;
export const deleteLikeForSdk: sdk.KeyValueStore["deleteLike"] = ourStore.deleteLike;
export const deleteLikeForUs: ours.KeyValueStore["deleteLike"] = sdkStore.deleteLike;
export const selectForSdk: sdk.KeyValueStore["select"] = ourStore.select;
export const selectForUs: ours.KeyValueStore["select"] = sdkStore.select;
export const selectValueForSdk: sdk.KeyValueStore["selectValue"] = ourStore.selectValue;
export const selectValueForUs: ours.KeyValueStore["selectValue"] = sdkStore.selectValue;

// Neither store has a method that the other lacks.
type SameKeys<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : false) : false;
export const sameMethods: SameKeys<sdk.KeyValueStore, ours.KeyValueStore> = true;
// @ts-expect-error the check above tells unlike types apart
export const notTheSameMethods: SameKeys<sdk.KeyValueStore, Omit<ours.KeyValueStore, "update">> = true;

// An entry, and what `set` takes.
export const entryForSdk: sdk.KeyValue<{ xp: number }> = ourEntry;
export const entryForUs: ours.KeyValue<{ xp: number }> = sdkEntry;
export const inputFromSdk: ours.KeyValueInput<{ xp: number }> = sdkEntry;
export const inputFromUs: ours.KeyValueInput<{ xp: number }> = ourEntry;

// The configuration.
export const configForSdk: sdk.RootDatabaseConfig = ourConfig;
export const configForUs: ours.RootDatabaseConfig = sdkConfig;
export const storeConfigForSdk: sdk.RootDatabaseConfig = {} as ours.DataStore["config"];

// The whole data store, where the SDK's is expected for its storage.
type SdkStorage = Pick<sdk.RootServer["dataStore"], "appData" | "config">;
export const dataStoreForSdk: SdkStorage = {} as ours.DataStore;
export const rootServerForSdk: { dataStore: SdkStorage } = {} as typeof ours.rootServer;

// Programs that must not compile.

// @ts-expect-error a key is a string
export const numberAsKey: ours.KeyValue<number> = { key: 7, value: 7 };
// @ts-expect-error an entry has a value
export const entryWithoutValue: ours.KeyValue<number> = { key: "a" };
// @ts-expect-error an expiry is not text
export const textAsExpiry: ours.KeyValueInput<number> = { key: "a", value: 7, expiresAt: "tomorrow" };
// @ts-expect-error an entry that is read has a Date as its expiry, never a number
export const numberAsExpiry: ours.KeyValue<number> = { key: "a", value: 7, expiresAt: 7 };
// @ts-expect-error a store without `update` is no store for us
export const storeWithoutUpdate: ours.KeyValueStore = {} as Omit<sdk.KeyValueStore, "update">;
// @ts-expect-error nor is it for the SDK
export const sdkStoreWithoutUpdate: sdk.KeyValueStore = {} as Omit<ours.KeyValueStore, "update">;
// @ts-expect-error an entry's value keeps its type on the way to the SDK
export const otherValueForSdk: sdk.KeyValue<string> = ourEntry;
// @ts-expect-error and on the way back
export const otherValueForUs: ours.KeyValue<string> = sdkEntry;
// @ts-expect-error another database type
export const otherDatabase: ours.RootDatabaseConfig = { databaseType: "pg" };
// @ts-expect-error the SDK's own data store has no `close`
export const sdkDataStore: ours.DataStore = {} as sdk.RootServer["dataStore"];
