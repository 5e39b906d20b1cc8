// Imports one driver's package in a process that has imported nothing else, and answers with the milliseconds.

import { drivers } from "../../drivers/index.mjs";
import { elapsedMs } from "../../lib/measure.mjs";
import { answer } from "../../lib/processes/fresh.mjs";

const driver = drivers.find(({ id }) => id === process.argv[2]);
if (driver === undefined) throw new Error(`no driver ${process.argv[2]}`);
answer(await elapsedMs(driver.load));
