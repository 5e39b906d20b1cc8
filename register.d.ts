/**
 * Replaces `rootServer.dataStore.appData` of the installed `@rootsdk/server-bot` or `@rootsdk/server-app` by
 * this package's store, for bots that keep importing the SDK.
 *
 * Preload it (`node --import rootcellar/register dist/main.js`) or make it the first import.
 *
 * @throws `RootcellarError` `ERR_NO_SDK` when neither SDK is installed.
 *
 * @example
 * ```ts
 * import "rootcellar/register";
 * import { rootServer } from "@rootsdk/server-bot";
 * await rootServer.dataStore.appData.set({ key: "greeting", value: "hello" });
 * ```
 */
export {};
