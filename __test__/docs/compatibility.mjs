// docs/compatibility.md, for the tests that it reports on.

import { readFileSync } from "node:fs";

const document = new URL("../../docs/compatibility.md", import.meta.url);

/** The text on one line, so that a sentence is found wherever the lines break. */
export const compatibility = readFileSync(document, "utf8").replace(/\s+/g, " ");
