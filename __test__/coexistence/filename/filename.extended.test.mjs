// "Any library you prefer": the larger ones, which bring much with them.

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { expectNothingLost } from "./beside.mjs";
import { generatePrismaClient } from "./prisma.mjs";

const LIBRARIES = ["TypeORM", "Sequelize", "sequelize-typescript", "sqlite"];

describe.each(LIBRARIES)("beside the store, on the file that it names, %s", (name) => {
	test("writes and reads, and loses nothing of its own or of the store's", () => expectNothingLost(name));
});

describe("beside the store, on the file that it names, Prisma", () => {
	let folder;
	let client;
	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), "rootcellar-filename-"));
		client = await generatePrismaClient(folder);
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	test("writes and reads, and loses nothing of its own or of the store's", () => expectNothingLost("Prisma", client));
});
