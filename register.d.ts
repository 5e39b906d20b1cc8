/**
 * Replaces `rootServer.dataStore.appData` of the installed `@rootsdk/server-bot` or `@rootsdk/server-app` by
 * this package's store, for bots that keep importing the SDK.
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
 */
export {};
