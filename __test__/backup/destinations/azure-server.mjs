// A server on this machine that speaks the protocol of Azure's object store: Microsoft's Azurite.

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { onTestFinished } from "vitest";
import { azureServerPath } from "../../../scripts/lib/install/azure.mjs";
import { startOnFreePort } from "../../helpers/ports.mjs";

const ACCOUNT = "bots";
const KEY = Buffer.from("rootcellar-secret").toString("base64");
const CONTAINER = "container";

/** Credentials in a client's environment. */
export const CREDENTIALS = { AZURE_STORAGE_ACCOUNT_NAME: ACCOUNT, AZURE_STORAGE_ACCOUNT_KEY: KEY };

/** Starts a server with one container, and its files below `directory`. Resolves with its port. */
export async function startServer(directory) {
	const env = { PATH: process.env.PATH, AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` };
	const port = await startOnFreePort((candidate) => {
		const options = ["--blobHost", "127.0.0.1", "--blobPort", String(candidate), "--location", directory];
		const args = [azureServerPath(), ...options, "--silent", "--skipApiVersionCheck", "--disableTelemetry"];
		const server = spawn(process.execPath, args, { stdio: "ignore", env });
		onTestFinished(() => server.kill("SIGKILL"));
		return server;
	});
	await makeContainer(port);
	return port;
}

/** Signed as https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key says. */
async function makeContainer(port) {
	const path = `/${ACCOUNT}/${CONTAINER}`;
	const headers = { "x-ms-date": new Date().toUTCString(), "x-ms-version": "2023-11-03" };
	const named = Object.entries(headers).map(([name, value]) => `${name}:${value}`);
	const text = ["PUT", ...Array(11).fill(""), ...named, `/${ACCOUNT}${path}`, "restype:container"].join("\n");
	const signature = createHmac("sha256", Buffer.from(KEY, "base64")).update(text).digest("base64");
	const response = await fetch(`http://127.0.0.1:${port}${path}?restype=container`, {
		method: "PUT",
		headers: { ...headers, authorization: `SharedKey ${ACCOUNT}:${signature}` },
	});
	if (response.status !== 201) throw new Error(`the server made no container: ${await response.text()}`);
}

/** The URL of backups below a prefix. */
export function urlOf(port, prefix = "my%20bot/backups") {
	return `az://${CONTAINER}/${prefix}?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}/${ACCOUNT}`)}`;
}

/** The same place in Litestream's configuration. */
export function replicaOf(port, path = "my bot/backups") {
	const endpoint = `http://127.0.0.1:${port}/${ACCOUNT}`;
	return { type: "abs", "account-name": ACCOUNT, "account-key": KEY, bucket: CONTAINER, path, endpoint };
}
