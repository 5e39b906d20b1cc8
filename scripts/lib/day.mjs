/**
 * The arguments with which Cargo compiles and runs `benches/day.rs`.
 *
 * @param {string} profile - Cargo's, which says how it is compiled.
 */
export function dayArguments(profile) {
	return ["bench", "--no-default-features", "--locked", "--profile", profile, "--bench", "day"];
}
