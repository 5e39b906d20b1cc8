import { TEST_FEATURES } from "./addon.mjs";

/**
 * The arguments with which Cargo compiles and runs `benches/day.rs`.
 *
 * @param {import("./addon.mjs").Build} build
 * @param {string[]} more
 */
export function dayArguments(build, ...more) {
	const profile = build === "quick" ? ["--profile", "dev", ...TEST_FEATURES] : ["--locked"];
	return ["bench", "--bench", "day", ...profile, ...more];
}
