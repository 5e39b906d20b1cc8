// Which sources of the standard library `npm run test:platforms` builds with, and what it says where there are none.

import { expect, test } from "vitest";
import { sourcesFor } from "../../scripts/lib/platforms/build.mjs";
import { chosenVersion } from "../../scripts/lib/platforms/debian.mjs";

/** As `apt-cache madison rust-src` prints it. */
const listed = (...versions) =>
	versions
		.map((version) => `  rust-src | ${version} | http://deb.debian.org/debian trixie/main amd64 Packages\n`)
		.join("");

const LISTED = listed("1.95.0+dfsg1-2~bpo13+1", "1.85.0+dfsg3-1");

test("the sources are those of the compiler's version, and of no other that begins like it", () => {
	expect(chosenVersion("rust-src", LISTED, sourcesFor("1.95.0"))).toBe("1.95.0+dfsg1-2~bpo13+1");
	expect(chosenVersion("rust-src", LISTED, sourcesFor("1.85.0"))).toBe("1.85.0+dfsg3-1");
	for (const version of ["1.95", "1.8", "1.85.1", "1.95.0-nightly", ""]) {
		expect(() => chosenVersion("rust-src", LISTED, sourcesFor(version))).toThrow();
	}
});

test("a compiler without sources of its version is named, with those that there are and what helps", () => {
	expect(() => chosenVersion("rust-src", LISTED, sourcesFor("1.96.1"))).toThrow(
		expect.objectContaining({
			title: "Fetching rust-src",
			message:
				"Debian's trixie and trixie-backports have no rust-src 1.96.1, the version of the compiler; they have 1.95.0+dfsg1-2~bpo13+1, 1.85.0+dfsg3-1",
			hint: "rustup component add rust-src has the sources of the very compiler.",
		}),
	);
	expect(() => chosenVersion("rust-src", "", sourcesFor("1.96.1"))).toThrow("they have nothing of that name");
});
