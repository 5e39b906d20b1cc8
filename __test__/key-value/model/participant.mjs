// A process that has a store open and issues the groups of operations that it is sent: `node participant.mjs <library> <file>`,
// started with a channel for messages. It answers each group with its outcomes, as `Promise.allSettled` has them.

import { issue } from "./issue.mjs";

const [library, filename] = process.argv.slice(2);

const LIBRARIES = {
	rootcellar: async () => {
		const { openDataStore } = await import("rootcellar");
		const store = openDataStore({ filename, backup: false });
		return (o, i) => issue(store, o, i);
	},
	/** The SDK's `set` adds a row, whatever the key has. It is asked for nothing that would read the oldest. */
	sdk: async () => {
		const { appData } = (await import("@rootsdk/server-bot")).default.rootServer.dataStore;
		return ({ method, key, value, expiresAt }) =>
			method === "delete"
				? appData.delete(key)
				: appData.set({ key, value, ...(expiresAt === undefined ? {} : { expires_at: expiresAt }) });
	},
};

const call = await LIBRARIES[library]();
process.on("message", async (group) => {
	const outcomes = await Promise.allSettled(group.map(call));
	process.send(
		outcomes.map(({ status, value, reason }) =>
			status === "fulfilled" ? { status, value } : { status, reason: { code: reason.code, message: reason.message } },
		),
	);
});
process.once("disconnect", () => process.exit(0));
process.send("ready");
