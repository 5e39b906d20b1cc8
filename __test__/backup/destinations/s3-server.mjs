// A real S3 server on this machine, s3s-fs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { s3ServerPath } from "../../../scripts/lib/install/s3.mjs";
import { accepts, startOnFreePort } from "../../helpers/ports.mjs";

/** Credentials of the server, in the environment variables that every client of S3 reads. */
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: "rootcellar", AWS_SECRET_ACCESS_KEY: "rootcellar-secret" };

/** Starts a server whose bucket `bucket` is a folder below `directory`. It can be killed and started again. */
export async function startServer(directory, { isOpenToAll = false } = {}) {
	mkdirSync(join(directory, "bucket"), { recursive: true });
	const keys = ["--access-key", CREDENTIALS.AWS_ACCESS_KEY_ID, "--secret-key", CREDENTIALS.AWS_SECRET_ACCESS_KEY];
	let process_;
	const startOn = (port) => {
		const args = [...(isOpenToAll ? [] : keys), "--host", "127.0.0.1", "--port", String(port), directory];
		process_ = spawn(s3ServerPath(), args, { stdio: "ignore" });
		return process_;
	};
	const port = await startOnFreePort(startOn);
	const start = async () => {
		if (!(await accepts(port, startOn(port)))) throw new Error(`the server did not start again on port ${port}`);
	};
	const kill = async () => {
		process_.kill("SIGKILL");
		await once(process_, "exit");
	};
	onTestFinished(() => process_.kill("SIGKILL"));
	return { port, kill, start };
}

/** The URL of backups below a prefix, by way of a port. */
export function urlOf(port, prefix = "my bot/backups") {
	const options = new URLSearchParams({
		endpoint: `http://127.0.0.1:${port}`,
		region: "us-east-1",
		forcePathStyle: "true",
	});
	return `s3://bucket/${encodeURI(prefix)}?${options}`;
}

/** The same place in Litestream's configuration. */
export function replicaOf(port, path = "my bot/backups") {
	return {
		type: "s3",
		bucket: "bucket",
		path,
		endpoint: `http://127.0.0.1:${port}`,
		region: "us-east-1",
		"force-path-style": true,
	};
}
