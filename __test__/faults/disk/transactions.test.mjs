// A transaction for which the disk has no room has no effect, neither on rows nor on keys, and the store goes on.

import { expect, test } from "vitest";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { DISKS, runOnSmallDisk } from "./disks.mjs";

const linux = process.platform === "linux";

/** Ten rows of 100 bytes, with a key for each: what there was before. */
const BEFORE = { rows: 10, bytes: 1_000, keys: 10, counted: 10 };

test.runIf(linux).each(Object.keys(DISKS))(
	"%s: a transaction without room is undone, rows and keys, and the store goes on",
	async (kind) => {
		const { code } = DISKS[kind];
		const result = await runOnSmallDisk("full-disk-transaction.mjs", kind, temporaryDirectory(), []);
		expect(result.before).toEqual({ within: "done", behind: "done", whole: "done", contents: BEFORE });

		// Statements that find no room, whether their failure is overlooked or not.
		const lost = "ERR_TRANSACTION_LOST";
		expect(result.spilled).toEqual({
			within: expect.stringMatching(code),
			behind: lost,
			whole: lost,
			contents: BEFORE,
		});
		expect(result.spilledOnce).toEqual({ whole: expect.stringMatching(code), contents: BEFORE });
		expect(result.nested).toEqual({ inner: expect.stringMatching(code), outer: lost, contents: BEFORE });
		expect(result.besideIt).toEqual(["done", "done"]);

		// A commit that finds none.
		const whole = expect.stringMatching(code);
		expect(result.heldBack).toEqual({ within: "done", behind: "done", whole, contents: BEFORE });

		// Room again.
		expect(result.afterIt).toEqual(["done", "done"]);
		const after = { rows: 50, bytes: 1_000 + (40 << 20), keys: 50, counted: 50 };
		expect(result.again).toEqual({ within: "done", behind: "done", whole: "done", contents: after });
		expect(result.check).toEqual({ integrity_check: "ok" });
	},
	300_000,
);
