import { createKeyQueue } from "../../../lib/key-queue.mjs";
import { serverOfRound } from "../server.mjs";
import { POOL_SIZE } from "./index.mjs";

/**
 * Keyv has no transactions: an update is a read and a write that wait for their predecessor on the same key.
 *
 * @type {import("./index.mjs").Driver}
 */
export const keyvPostgres = {
	id: "keyv",
	title: "keyv with PostgreSQL",
	packages: ["keyv", "@keyv/postgres", "pg"],
	open: async (database) => {
		const [{ default: Keyv }, { default: KeyvPostgres }] = await Promise.all([
			import("keyv"),
			import("@keyv/postgres"),
		]);
		const { host, port, username, password } = serverOfRound();
		const uri = `postgresql://${username}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
		const adapter = new KeyvPostgres({ uri, max: POOL_SIZE });
		const store = new Keyv({ store: adapter, useKeyPrefix: false });
		const oneAfterAnother = createKeyQueue();
		return {
			get: (key) => store.get(key),
			set: (key, value) => store.set(key, value),
			update: (key, change) => oneAfterAnother(key, async () => store.set(key, change(await store.get(key)))),
			close: () => adapter.disconnect(),
		};
	},
};
