// "Any library you prefer": the larger ones, which bring much with them.

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { expectNothingLost } from "./beside.mjs";
import { generatePrismaClient } from "./prisma.mjs";

const folder = await mkdtemp(join(tmpdir(), "rootcellar-filename-"));
let prismaClient;
beforeAll(async () => {
	prismaClient = await generatePrismaClient(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("beside the store, on the file that it names", () => {
	test("TypeORM writes and reads, and loses nothing of its own or of the store's", () => expectNothingLost("TypeORM"));

	test("Prisma writes and reads, and loses nothing of its own or of the store's", () =>
		expectNothingLost("Prisma", prismaClient));
});
