// Makes the addon the only type of library in Cargo.toml, for a build of a release by `napi build`: Cargo leaves out
// link-time optimization, without a word, if there is an rlib beside it, and only `cargo rustc` can be told the type.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { main, root, StepFailure } from "./lib/run.mjs";

const BOTH = 'crate-type = ["cdylib", "rlib"]';

await main(async () => {
	const manifest = join(root, "Cargo.toml");
	const text = readFileSync(manifest, "utf8");
	if (!text.includes(BOTH)) throw new StepFailure("Building the addon alone", `${manifest} has no ${BOTH}`);
	writeFileSync(manifest, text.replace(BOTH, 'crate-type = ["cdylib"]'));
});
