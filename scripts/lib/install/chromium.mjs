import { existsSync } from "node:fs";
import { run, StepFailure } from "../run.mjs";

/** Paths at which systems keep the browser. */
const PLACES = [
	process.env.ROOTCELLAR_CHROMIUM,
	"/usr/bin/chromium",
	"/usr/bin/chromium-browser",
	"/usr/bin/google-chrome",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

const PACKAGES = ["chromium", "fonts-dejavu-core"];

/** The executable of the browser that the tests of the studio's page use; `undefined` if there is none. */
export function chromiumPath() {
	return PLACES.find((place) => place !== undefined && existsSync(place));
}

/** Installs Chromium with the system's own packages, unless it is there. */
export async function installChromium() {
	if (chromiumPath() !== undefined) return;
	const title = `Installing Chromium for the tests of the studio (apt-get install ${PACKAGES.join(" ")})`;
	const hint = "Install Chromium, or name its executable in ROOTCELLAR_CHROMIUM.";
	if (!existsSync("/usr/bin/apt-get") || process.getuid?.() !== 0) {
		throw new StepFailure(title, "it needs Debian's apt-get, and root", { hint });
	}
	const env = { DEBIAN_FRONTEND: "noninteractive" };
	await run("Reading what Debian has (apt-get update)", "apt-get", ["update", "-q"], { env, hint });
	await run(title, "apt-get", ["install", "-y", "--no-install-recommends", ...PACKAGES], { env, hint });
}
