// Node alone: what the other processes' memory is compared with.

import { answer } from "../../lib/processes/fresh.mjs";
import { residentBytes } from "./resident.mjs";

answer(await residentBytes());
