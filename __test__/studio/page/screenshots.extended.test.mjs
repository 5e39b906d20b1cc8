// Every screen can be pictured, with few keys and with many, in both colours, wide and narrow.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../helpers/store.mjs";
import { takeScreenshots } from "./screenshots.mjs";

test.each([20, 200_000])("every screen is pictured with %i keys, and no console says anything", async (keys) => {
	const { paths, faults } = await takeScreenshots(temporaryDirectory(), keys);
	expect(faults).toEqual([]);
	expect(paths).toHaveLength(24);
	for (const path of paths) {
		const picture = readFileSync(path);
		// Its size is in its header; a page that has failed is nearly empty.
		expect([path, picture.readUInt32BE(16)]).toEqual([path, path.includes("1280") ? 1280 : 390]);
		expect([path, picture.length > 9_000]).toEqual([path, true]);
	}
});
