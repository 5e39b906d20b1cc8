// A process of its own on a database that others write to as well: runs one workload and answers with its result.

import { allKeys } from "../../lib/data.mjs";
import { answer } from "../../lib/processes/fresh.mjs";
import { fullProfile, quickProfile } from "../../lib/profile.mjs";
import { rootcellar as driver } from "./drivers/rootcellar.mjs";
import { workloads } from "./workloads.mjs";

const [database = "", id, name] = process.argv.slice(2);
const profile = name === "full" ? fullProfile : quickProfile;
const workload = workloads.find((one) => one.id === id);
if (workload === undefined) throw new Error(`no workload ${id}`);
const store = await driver.open(database);
const result = await workload.run({ store, driver, keys: allKeys(profile.keys), profile });
await store.close();
answer(result);
