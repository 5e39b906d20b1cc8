// Tokens that the machine of a bot gives it, where no credentials are configured.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rejection } from "../../../helpers/errors.mjs";
import { openBackedUp as open, rarely } from "../../backups.mjs";
import { machine } from "../../machine.mjs";
import { answering, endless, listing, startFakeStore } from "./fake-store.mjs";

const TOKEN = "token-of-the-machine";
const IDENTITY_HEADER = "secret-of-the-machine";
const EMPTY = "<EnumerationResults><Blobs/></EnumerationResults>";

/** The head of an answer to a put. */
const TAKEN = { etag: '"1"', "last-modified": new Date().toUTCString() };

/** A home without credentials of whoever runs the tests. */
const home = mkdtempSync(join(tmpdir(), "rootcellar-"));
const tokenFile = join(home, "token");

/** A destination whose requests a token of the machine signs, and the environment by which a bot finds that. */
const CLOUDS = {
	Google: {
		environment: (port) => ({ GCE_METADATA_HOST: `127.0.0.1:${port}`, GCE_METADATA_IP: `127.0.0.1:${port}` }),
		urlOf: (endpoint) => `gs://bucket/my-bot?endpoint=${encodeURIComponent(endpoint)}`,
		token: { access_token: TOKEN, expires_in: 3_600, token_type: "Bearer" },
		asks: (request) => request.headers["metadata-flavor"] === "Google" && request.url.endsWith("/default/token"),
		listing: listing(),
		signature: (headers) => headers.authorization,
	},
	Azure: {
		environment: (port) => ({ IDENTITY_ENDPOINT: `http://127.0.0.1:${port}/msi/token?of=mine`, IDENTITY_HEADER }),
		urlOf: (endpoint) => `az://account@container/my-bot?endpoint=${encodeURIComponent(`${endpoint}/account`)}`,
		token: { access_token: TOKEN, expires_on: "4102444800", resource: "https://storage.azure.com/" },
		asks: ({ headers, url }) =>
			headers["x-identity-header"] === IDENTITY_HEADER &&
			headers.metadata === "true" &&
			url === "/msi/token?of=mine&api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com%2F",
		listing: EMPTY,
		signature: (headers) => headers.authorization,
	},
	"a container of Amazon's": {
		environment: (port) => ({
			AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials`,
			AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
		}),
		urlOf: (endpoint) => `s3://bucket/my-bot?endpoint=${encodeURIComponent(endpoint)}&region=r&forcePathStyle=true`,
		token: { AccessKeyId: "key", SecretAccessKey: "secret", Token: TOKEN, Expiration: "2100-01-01T00:00:00Z" },
		asks: ({ headers, url }) => headers.authorization === IDENTITY_HEADER && url === "/credentials",
		listing: listing(),
		signature: ({ "x-amz-security-token": token }) => token && `Bearer ${token}`,
	},
};

const names = ["HOME", ...Object.values(CLOUDS).flatMap(({ environment }) => Object.keys(environment(0)))];
const before = names.map((name) => process.env[name]);
beforeAll(() => {
	process.env.HOME = home;
	writeFileSync(tokenFile, IDENTITY_HEADER);
});
afterAll(() => {
	for (const [index, name] of names.entries()) {
		if (before[index] === undefined) delete process.env[name];
		else process.env[name] = before[index];
	}
	rmSync(home, { recursive: true });
});

const isToken = ({ url }) => url.includes("token") || url.includes("credentials");

describe.each(Object.entries(CLOUDS))("%s", (_, { environment, urlOf, token, asks, listing: empty, signature }) => {
	/** A server that gives tokens, and has no backups. */
	const start = (giveToken) =>
		startFakeStore((request, response) => {
			const answer = request.method === "GET" ? answering(200, empty) : answering(201, "", TAKEN);
			return (isToken(request) ? giveToken : answer)(request, response);
		});
	const use = ({ port }) => {
		Object.assign(process.env, environment(port));
		return rarely(urlOf(`http://127.0.0.1:${port}`));
	};

	test("gives a token, which is asked for once", async () => {
		const server = await start(answering(200, JSON.stringify(token)));
		expect(await open(machine().file, use(server)).appData.get("k")).toBeUndefined();
		const [asked, ...others] = server.requests;
		expect(asks(asked), JSON.stringify(asked)).toBe(true);
		expect(others.length).toBeGreaterThan(1);
		expect(others.filter(isToken)).toEqual([]);
		expect(new Set(others.map(({ headers }) => signature(headers)))).toEqual(new Set([`Bearer ${TOKEN}`]));
	});

	test.each([
		["HTML", answering(200, "<html>Sign in</html>")],
		["nothing", answering(204, "")],
		["an error that repeats what was asked", answering(400, `<Error>${IDENTITY_HEADER} ${TOKEN}</Error>`)],
		["a token that is none", answering(200, JSON.stringify({ ...token, Token: 1, access_token: null }))],
		["JSON that is cut off", answering(200, JSON.stringify(token).slice(0, -5))],
	])("that answers with %s opens nothing anew, and what it sent is not shown", async (_what, giveToken) => {
		const server = await start(giveToken);
		const { file } = machine();
		const error = await rejection(() => open(file, use(server)).appData.get("k"));
		expect([error.code, existsSync(file)]).toEqual(["ERR_BACKUP_DESTINATION", false]);
		expect(error.message).not.toMatch(new RegExp(`${TOKEN}|${IDENTITY_HEADER}|Sign in`));
		expect(server.requests.filter((request) => !isToken(request))).toEqual([]);
	});

	test("that never ends is cut off", async () => {
		const giveToken = endless(200);
		const { file } = machine();
		const error = await rejection(async () => open(file, use(await start(giveToken))).appData.get("k"));
		expect([error.code, existsSync(file)]).toEqual(["ERR_BACKUP_DESTINATION", false]);
		expect(giveToken.sent).toBeGreaterThan(0);
		expect(giveToken.sent).toBeLessThan(endless.most);
	});
});

describe("Google's server", () => {
	const { environment, urlOf } = CLOUDS.Google;
	const start = async (tokenNow) => {
		const server = await startFakeStore((request, response) =>
			answering(200, isToken(request) ? JSON.stringify(tokenNow()) : listing(), TAKEN)(request, response),
		);
		Object.assign(process.env, environment(server.port));
		return { ...server, options: rarely(urlOf(`http://127.0.0.1:${server.port}`)) };
	};

	test("is asked by its address where its name leads nowhere", async () => {
		const { options } = await start(() => CLOUDS.Google.token);
		process.env.GCE_METADATA_HOST = "127.0.0.1:1";
		expect(await open(machine().file, options).appData.get("k")).toBeUndefined();
	});

	test("is asked again when a token has ended, whatever the environment is by then", async () => {
		let token = { access_token: "one", expires_in: 0 };
		const { options, requests } = await start(() => token);
		const store = open(machine().file, options);
		await store.appData.get("k");
		// Whoever reads it now is on a thread that JavaScript does not wait for.
		Object.assign(process.env, environment(1));
		token = { access_token: "two", expires_in: 600 };
		const isSecond = async () => (await store.backups.list()) && requests.at(-1).headers.authorization;
		await expect.poll(isSecond).toBe("Bearer two");
		const asked = requests.filter(isToken).length;
		await store.backups.list();
		expect(requests.filter(isToken).length).toBe(asked);
	});
});
