// The Prisma client that the tests use, generated as a bot's is. It is Prisma 6 with the query engine that is part of the
// client (`engineType = "client"`), which needs no binary that Prisma would download.

import { execFile } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { extendedFolder } from "../../../scripts/lib/install/packages.mjs";

const SCHEMA = `
generator client {
  provider   = "prisma-client-js"
  output     = "./client"
  engineType = "client"
}

datasource db {
  provider = "sqlite"
  url      = "file:unused"
}

model Note {
  id   Int    @id @default(autoincrement())
  text String

  @@map("notes")
}
`;

/** Generates the client into a folder, and resolves with where it is. */
export async function generatePrismaClient(folder) {
	const schema = join(folder, "schema.prisma");
	writeFileSync(schema, SCHEMA);
	// If the command line finds no @prisma/client, it installs one.
	symlinkSync(join(extendedFolder, "node_modules"), join(folder, "node_modules"), "junction");
	const prisma = createRequire(join(extendedFolder, "package.json")).resolve("prisma/build/index.js");
	const env = {
		...process.env,
		// The command line wants a binary for migrations even to generate, and downloads it unless it is told of one.
		PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
		PRISMA_GENERATE_SKIP_AUTOINSTALL: "1",
		PRISMA_HIDE_UPDATE_MESSAGE: "1",
		CHECKPOINT_DISABLE: "1",
	};
	const options = ["generate", "--schema", schema, "--no-hints"];
	await promisify(execFile)(process.execPath, [prisma, ...options], { env, cwd: folder });
	return join(folder, "client");
}
