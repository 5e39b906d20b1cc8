/**
 * Replaces `rootServer.dataStore.appData` of the installed `@rootsdk/server-bot` or `@rootsdk/server-app` by
 * this package's process-wide store, for bots that keep importing the SDK, and adds its `kv`, `sqlite`, `backups` and
 * `transaction` to `rootServer.dataStore`. The file is backed up, and restored before it is opened, as `ROOTCELLAR_BACKUP` says.
 *
 * The SDK's types do not know these four: in TypeScript import `dataStore` from `rootcellar` for them. It is the same store.
 *
 * Preload it (`node --import rootcellar/register dist/main.js`) or make it the first import.
 *
 * The SDK ends the process, with a line that says so, if its own settings (`COMMUNITY_ID`) are not in the
 * environment when it is loaded, which is what registering does.
 *
 * @throws `RootcellarError` `ERR_NO_SDK` when neither SDK is installed, `ERR_SDK_LOAD` when one is and does not load.
 *
 * @example In TypeScript that is compiled to CommonJS, as the SDK's templates are; the SDK has no named exports for
 * ES modules.
 * ```ts
 * import "rootcellar/register";
 * import { rootServer } from "@rootsdk/server-bot";
 * await rootServer.dataStore.appData.set({ key: "greeting", value: "hello" });
 * ```
 *
 * @example With backups and SQL.
 * ```ts
 * import "rootcellar/register";
 * import { dataStore } from "rootcellar";
 * dataStore.backups.on("failure", (error) => console.error(error.code));
 * await dataStore.sqlite.exec("CREATE TABLE IF NOT EXISTS players (id INTEGER PRIMARY KEY)");
 * ```
 */
export {};
