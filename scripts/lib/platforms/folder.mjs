import { join } from "node:path";
import { root } from "../run.mjs";

/** Everything that is fetched and built for other platforms. */
export const platformsFolder = join(root, "target/platforms");
