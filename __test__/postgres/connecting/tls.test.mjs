// TLS: what is believed, and what is not.

import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { rejection } from "../../helpers/errors.mjs";
import { storeOn } from "../../helpers/postgres.mjs";
import { temporaryFile } from "../../helpers/store.mjs";
import { makeAuthority, useCertificate } from "../servers/certificates.mjs";
import { startRelay } from "../servers/relay.mjs";
import { startServer } from "../servers/server.mjs";

const HOUR_MS = 3_600_000;

/** The certificates that a server may have. */
const KINDS = {
	right: { hosts: ["localhost"], addresses: ["127.0.0.1"] },
	"of another host": { hosts: ["elsewhere.example"] },
	expired: { from: -2 * HOUR_MS, until: -HOUR_MS },
	"not valid yet": { from: HOUR_MS, until: 2 * HOUR_MS },
};

const authority = makeAuthority();
/** A server for each kind of certificate, and one that speaks no TLS. */
const servers = {};

beforeAll(async () => {
	for (const [kind, options] of [...Object.entries(KINDS), ["none", undefined]]) {
		const server = await startServer();
		servers[kind] = server;
		if (options !== undefined) {
			useCertificate(server, authority.issue(options));
			await server.shutDown();
			await server.start();
		}
	}
});

afterAll(() => Promise.all(Object.values(servers).map((server) => server.stop())));

function rootCertificate(trusted = authority) {
	const file = temporaryFile("root.pem");
	writeFileSync(file, trusted.certificate);
	return file;
}

/** A store on the server of a kind, by the name of its host unless another is given. */
async function storeWith(kind, tls, host = "localhost") {
	const server = servers[kind];
	const name = await server.createDatabase();
	return storeOn(server.config(name, { host, tls, timeoutMs: 10_000 }));
}

/** Connections of stores to a server: whether some are encrypted, and whether some are not. */
async function encrypted(kind) {
	const rows = await servers[kind].query(
		"SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'rootcellar'",
	);
	return [rows.filter(({ ssl }) => ssl).length > 0, rows.filter(({ ssl }) => !ssl).length > 0];
}

async function expectWorks(store) {
	await store.appData.set({ key: "k", value: 1 });
	expect(await store.appData.get("k")).toBe(1);
}

async function expectRefused(store) {
	const error = await rejection(() => store.appData.set({ key: "k", value: 1 }));
	expect(error).toMatchObject({ code: "ERR_TLS" });
	expect(error.message).toContain("pg.tls");
	return error;
}

describe("verify-full", () => {
	test.each(["localhost", "127.0.0.1"])("takes the right certificate of %s, and encrypts", async (host) => {
		await expectWorks(await storeWith("right", { sslmode: "verify-full", sslrootcert: rootCertificate() }, host));
		expect(await encrypted("right")).toEqual([true, false]);
	});

	test.each(["of another host", "expired", "not valid yet"])("refuses one that is %s", async (kind) => {
		await expectRefused(await storeWith(kind, { sslmode: "verify-full", sslrootcert: rootCertificate() }));
	});

	test("refuses one of an authority that is not trusted", async () => {
		const other = rootCertificate(makeAuthority("another"));
		await expectRefused(await storeWith("right", { sslmode: "verify-full", sslrootcert: other }));
		await expectRefused(await storeWith("right", { sslmode: "verify-full" }));
	});

	test("refuses a server without TLS", async () => {
		await expectRefused(await storeWith("none", { sslmode: "verify-full", sslrootcert: rootCertificate() }));
	});

	test("tries again where the connection is cut within the handshake", async () => {
		let cuts = 0;
		const relay = await startRelay(servers.right, (sent, client) => {
			// The first byte of a handshake's record (RFC 8446).
			if (sent.startsWith("\x16") && cuts < 2) {
				cuts++;
				client.destroy();
				return undefined;
			}
			return sent;
		});
		const name = await servers.right.createDatabase();
		const tls = { sslmode: "verify-full", sslrootcert: rootCertificate() };
		await expectWorks(storeOn(servers.right.config(name, { ...relay, tls, timeoutMs: 10_000 })));
		expect(cuts).toBe(2);
	});

	test("names sslrootcert where the file of authorities is missing or holds none", async () => {
		const [empty, text] = [temporaryFile("empty.pem"), temporaryFile("text.pem")];
		writeFileSync(empty, "");
		writeFileSync(text, "no certificate");
		const server = servers.right;
		const name = await server.createDatabase();
		for (const sslrootcert of [empty, text, temporaryFile("missing.pem")]) {
			const refused = (tls) =>
				rejection(() => storeOn(server.config(name, { host: "localhost", tls })).appData.get("k"));
			for (const tls of [
				{ sslmode: "verify-full", sslrootcert },
				{ sslmode: "require", sslrootcert },
			]) {
				const { code, message } = await refused(tls);
				expect([code, message]).toEqual([
					"ERR_TLS",
					expect.stringMatching(/see pg\.tls\.sslrootcert of DATABASE_CONFIG$/),
				]);
			}
			vi.stubEnv("PGSSLROOTCERT", sslrootcert);
			const { code, message } = await refused({ sslmode: "verify-ca" });
			vi.unstubAllEnvs();
			expect([code, message]).toEqual(["ERR_TLS", expect.stringMatching(/see PGSSLROOTCERT$/)]);
		}
	});
});

describe("verify-ca, and require with authorities", () => {
	test.each(["verify-ca", "require"])("%s takes any host's, and no expired one", async (sslmode) => {
		const sslrootcert = rootCertificate();
		await expectWorks(await storeWith("of another host", { sslmode, sslrootcert }));
		await expectRefused(await storeWith("expired", { sslmode, sslrootcert }));
		const other = rootCertificate(makeAuthority("another"));
		await expectRefused(await storeWith("right", { sslmode, sslrootcert: other }));
	});
});

describe("require without authorities", () => {
	test.each(Object.keys(KINDS))("takes a certificate that is %s", async (kind) => {
		await expectWorks(await storeWith(kind, { sslmode: "require" }));
		expect((await encrypted(kind))[0]).toBe(true);
	});

	test("refuses a server without TLS", async () => {
		await expectRefused(await storeWith("none", { sslmode: "require" }));
	});
});

describe("prefer, the default for this machine", () => {
	test("encrypts where the server does, and works where it does not", async () => {
		await expectWorks(await storeWith("expired", undefined));
		expect((await encrypted("expired"))[0]).toBe(true);
		await expectWorks(await storeWith("none", undefined));
		expect(await encrypted("none")).toEqual([false, true]);
	});
});

test("none does not encrypt, although the server could", async () => {
	await expectWorks(await storeWith("not valid yet", false));
	expect((await encrypted("not valid yet"))[1]).toBe(true);
});

test("a socket is not encrypted", async () => {
	await expectWorks(await storeWith("of another host", undefined, servers["of another host"].folder));
	expect((await encrypted("of another host"))[1]).toBe(true);
});
