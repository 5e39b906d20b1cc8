// A file that is deleted while the event loop waits: `node deleted.mjs <file>`. Prints as JSON the error of the first read
// in the event that tells of it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { openDataStore } from "rootcellar";

const [filename] = process.argv.slice(2);
const { appData } = openDataStore({ filename, backup: false });
await appData.set({ key: "k", value: 1 });
const source = `const remove = () => { fs.rmSync(process.argv[1]); console.log(); };
	process.stdin.once("data", () => setTimeout(remove, 300));`;
const child = spawn(process.execPath, ["--eval", source, "--", filename], { stdio: ["pipe", "pipe", "inherit"] });
// A timer: what it leaves for the end of the turn waits until there is an event.
setTimeout(() => {
	appData.get("k");
	child.stdin.write("\n");
}, 200);
await once(child.stdout, "data");
const found = await appData.get("k").catch((error) => ({ code: error.code }));
console.log(JSON.stringify(found));
child.kill("SIGKILL");
process.exit();
