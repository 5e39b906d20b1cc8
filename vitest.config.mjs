import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";

/** Tests that are slow, or need more than the packages and the addon. */
const EXTENDED = "__test__/**/*.extended.test.mjs";

/** Folders of what stands on the core, which has tests of its own for what they use of it. */
const ABOVE_THE_CORE = "__test__/{adapters,backup/destinations,cli,import,platforms,postgres,studio}/**/*.test.mjs";

/** Tests that repeat something at random: a few times as a part of the core, and often as a part of the extended. */
const ROUNDS = "__test__/**/*.rounds.test.mjs";

const { ROOTCELLAR_TEST_ROUNDS = "many" } = process.env;
const isLong = ROOTCELLAR_TEST_ROUNDS === "long";

/** What the key-value tests on PostgreSQL are in `npm run test:all`. `npm run test:long` runs all of them, which takes long. */
const QUICK_ON_POSTGRES = [
	"__test__/key-value/{get,set,update,order,patterns,durability.rounds}.test.mjs",
	"__test__/key-value/kv/{files,increment,pages,reads,update-many,writes}.test.mjs",
	"__test__/key-value/{expiry/expiry,watch/watch}.test.mjs",
];

/** Tests that take what only some systems have, and run for long. */
const LONG = "__test__/**/*.long.test.mjs";

/** The key-value tests once more, on PostgreSQL: what they open is a database, and what looks at a file looks at that. */
const onPostgres = {
	name: "postgres",
	include: isLong ? ["__test__/key-value/**/*.test.mjs"] : QUICK_ON_POSTGRES,
	exclude: [EXTENDED, LONG],
	globalSetup: ["__test__/postgres/suite/server.mjs"],
	setupFiles: ["__test__/postgres/suite/setup.mjs"],
	// Of a process of vitest's, so that its worker threads have it, too.
	execArgv: ["--require", resolve("__test__/postgres/suite/preload.cjs")],
	alias: [{ find: /^(\.\.\/)+helpers\/raw\.mjs$/, replacement: resolve("__test__/postgres/suite/raw.mjs") }],
};

const core = { name: "core", include: ["__test__/**/*.test.mjs"], exclude: [EXTENDED, ABOVE_THE_CORE, LONG] };

/** What {@link core} leaves out, and the random tests once more. */
const extended = {
	name: "extended",
	include: [EXTENDED, ABOVE_THE_CORE, ROUNDS],
	exclude: [LONG],
	env: { ROOTCELLAR_TEST_ROUNDS },
};

/** What takes longest goes first, so that nothing else has ended when it begins. */
const LONGEST = [
	"package/release",
	"process/leaks",
	"backup/loss/loss",
	"key-value/model/model",
	"import/kill",
	"sql/guard/fuzz",
	"process/shutdown/ending",
	"cli/cli",
	"package/package",
	"sdk/register/register",
	"cache/cache",
	"process/shutdown/complete-file",
	"key-value/watch/watch",
	"cli/keys",
	"sdk/roundtrip",
	"process/lifecycle",
	"faults/rollback-mode",
	"sql/transactions/transactions",
];

class LongestFirst extends BaseSequencer {
	async sort(files) {
		const rank = ({ moduleId }) => LONGEST.findIndex((name) => moduleId.includes(`/${name}.`)) >>> 0;
		return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
	}
}

// What Node reads at every start if it is set, which takes longer than the rest of the start; no test asks the network.
delete process.env.NODE_EXTRA_CA_CERTS;

export default defineConfig({
	test: {
		// What ends a test that hangs. A busy machine takes twenty times as long as an idle one, and that is no failure.
		testTimeout: isLong ? 1_800_000 : 300_000,
		hookTimeout: 300_000,
		// Most of a test's time is spent on waiting for processes that it has started.
		maxWorkers: availableParallelism() + 2,
		// What it makes of each file of a test is the same until the file changes.
		experimental: { fsModuleCache: true, fsModuleCachePath: "node_modules/.cache/vitest" },
		sequence: { sequencer: LongestFirst },
		expect: { poll: { timeout: 120_000 } },
		projects: [
			{ extends: true, test: core },
			{ extends: true, test: onPostgres },
			{ extends: true, test: { name: "long", include: [LONG] } },
			{ extends: true, test: extended },
		],
	},
});
