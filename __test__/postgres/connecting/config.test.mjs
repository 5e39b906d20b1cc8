// Settings from DATABASE_CONFIG and the variables of PostgreSQL, without a server.

import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectNoSecret, SECRET } from "../../helpers/errors.mjs";

const { postgresFrom } = createRequire(import.meta.url)("../../../lib/config/postgres/postgres.js");

const FOLDER = "/srv/bot";
const SDK = { host: "db.example", port: 6432, username: "ada", password: SECRET, name: "bot" };

const read = (pg, env = {}) => postgresFrom({ databaseType: "pg", pg }, env, FOLDER);
const readUrl = (url, env) => read({ url }, env);

/** The error of a configuration; it has a code, and tells nothing of what was configured. */
function problem(config, env = {}) {
	try {
		postgresFrom({ databaseType: "pg", ...config }, env, FOLDER);
	} catch (error) {
		expect(error).toMatchObject({ name: "RootcellarError", code: "ERR_INVALID_CONFIG" });
		expectNoSecret(error);
		return error.message;
	}
	throw new Error("it was taken");
}

describe("the SDK's fields", () => {
	test("are taken as they are", () => {
		expect(read(SDK)).toEqual({
			hosts: [{ host: "db.example", port: 6432 }],
			user: "ada",
			password: SECRET,
			database: "bot",
			tls: { mode: "verify-full" },
			targetSessionAttrs: "read-write",
			timeoutMs: 30_000,
			applicationName: "rootcellar",
			sources: {
				hosts: "pg.host of DATABASE_CONFIG",
				user: "pg.username of DATABASE_CONFIG",
				password: "pg.password of DATABASE_CONFIG",
				database: "pg.name of DATABASE_CONFIG",
				tls: "pg.tls of DATABASE_CONFIG, which is left out",
				rootCert: "pg.tls.sslrootcert of DATABASE_CONFIG, which is left out",
			},
			sdk: SDK,
		});
	});

	test("may leave out the host, the port and the password", () => {
		const { hosts, password, sdk } = read({ username: "ada", name: "bot" });
		expect(hosts).toEqual([{ host: "localhost", port: 5432 }]);
		expect(password).toBeUndefined();
		expect(sdk).toEqual({ host: "localhost", port: 5432, username: "ada", password: "", name: "bot" });
	});

	test("may have the port as a text, an empty password, and a time limit", () => {
		expect(read({ ...SDK, port: "5433" }).sdk.port).toBe(5433);
		expect(read({ ...SDK, password: "" }).password).toBeUndefined();
		expect(read({ ...SDK, password: "" }, { PGPASSWORD: "x" }).password).toBe("x");
		expect(read({ ...SDK, timeoutMs: 1_500 }).timeoutMs).toBe(1_500);
	});

	test.each([
		["a,b", 7, [7, 7]],
		["a,b", "7,8", [7, 8]],
		["a,b", "7,", [7, 5432]],
		["a,b", undefined, [5432, 5432]],
	])("name several hosts: %s with ports %s", (host, port, ports) => {
		const { hosts } = read({ ...SDK, host, port });
		expect(hosts).toEqual([
			{ host: "a", port: ports[0] },
			{ host: "b", port: ports[1] },
		]);
	});
});

describe("a URL", () => {
	test.each([
		["postgres://ada:pw@h/bot", { hosts: [{ host: "h", port: 5432 }], user: "ada", password: "pw", database: "bot" }],
		["postgresql://ada@h:7/bot", { hosts: [{ host: "h", port: 7 }], user: "ada", password: undefined }],
		["POSTGRES://ada:pw@h/bot", { user: "ada" }],
		["postgres://a%40b:p%3Aw%2F%25@h/b%20t", { user: "a@b", password: "p:w/%", database: "b t" }],
		["postgres://ada:@h/bot", { user: "ada", password: undefined }],
		["postgres://ada:pw@[::1]:7/bot", { hosts: [{ host: "::1", port: 7 }] }],
		["postgres://ada:pw@%2Frun%2Fpg/bot", { hosts: [{ host: "/run/pg", port: 5432 }], tls: { mode: "disable" } }],
		["postgres:///bot?host=/run/pg&user=ada", { hosts: [{ host: "/run/pg", port: 5432 }], user: "ada" }],
		["postgres://h:9?user=ada&password=p%26w&dbname=bot", { hosts: [{ host: "h", port: 9 }], password: "p&w" }],
		["postgres://ada@a:1,b:2,c/bot", { hosts: ["a:1", "b:2", "c:5432"].map(hostOf) }],
		["postgres://ada@a,b/bot?target_session_attrs=any", { targetSessionAttrs: "any" }],
		["postgres://ada@a,b/bot?target_session_attrs=primary", { targetSessionAttrs: "read-write" }],
		["postgres://ada@a/bot?application_name=bot%201", { applicationName: "bot 1" }],
		["postgres://ada@a/bot?sslmode=require", { tls: { mode: "require" } }],
		[
			"postgres://ada@a/bot?sslmode=require&sslrootcert=ca.pem",
			{ tls: { mode: "verify-ca", rootCert: "/srv/bot/ca.pem" } },
		],
		[
			"postgres://ada@a/bot?sslmode=verify-full&sslrootcert=/ca.pem",
			{ tls: { mode: "verify-full", rootCert: "/ca.pem" } },
		],
		["postgres://ada@a/bot?sslrootcert=system", { tls: { mode: "verify-full" } }],
		["postgres://ada@localhost/bot?sslrootcert=system", { tls: { mode: "verify-full" } }],
		["postgres://ada@%2Frun%2Fpg/bot?sslrootcert=system", { tls: { mode: "disable" } }],
		["postgres://ada@a/bot?sslmode=verify-full&sslrootcert=system", { tls: { mode: "verify-full" } }],
	])("%s", (url, expected) => {
		expect(readUrl(url)).toMatchObject(expected);
	});

	test("takes any user, password and database that are encoded", () => {
		const text = fc
			.string({ unit: "grapheme", minLength: 1 })
			.filter((one) => one.isWellFormed() && !one.includes("\0"));
		fc.assert(
			fc.property(text, text, text, (user, password, database) => {
				const [u, p, d] = [user, password, database].map(encodeURIComponent);
				expect(readUrl(`postgres://${u}:${p}@h/${d}`)).toMatchObject({ user, password, database });
			}),
		);
	});
});

function hostOf(text) {
	const [host, port] = text.split(":");
	return { host, port: Number(port) };
}

describe("the variables of PostgreSQL", () => {
	const ALL = {
		PGHOST: "v",
		PGPORT: "7",
		PGUSER: "vu",
		PGPASSWORD: "vp",
		PGDATABASE: "vd",
		PGSSLMODE: "require",
		PGSSLROOTCERT: "v.pem",
		PGTARGETSESSIONATTRS: "any",
		PGAPPNAME: "va",
	};

	test.each([[undefined], [{}]])("stand for all that is missing: pg is %j", (pg) => {
		expect(read(pg, ALL)).toMatchObject({
			hosts: [{ host: "v", port: 7 }],
			user: "vu",
			password: "vp",
			database: "vd",
			tls: { mode: "verify-ca", rootCert: "/srv/bot/v.pem" },
			targetSessionAttrs: "any",
			applicationName: "va",
			sources: {
				hosts: "PGHOST",
				user: "PGUSER",
				password: "PGPASSWORD",
				database: "PGDATABASE",
				tls: "PGSSLMODE",
				rootCert: "PGSSLROOTCERT",
			},
		});
	});

	test("count for less than what is configured, and an empty one for nothing", () => {
		expect(read(SDK, ALL).sdk).toEqual(SDK);
		expect(readUrl("postgres://ada:pw@h:1/bot?sslmode=disable", ALL)).toMatchObject({
			sdk: { host: "h", port: 1, username: "ada", password: "pw", name: "bot" },
			tls: { mode: "disable" },
		});
		expect(read({ username: "ada", name: "bot" }, { PGHOST: "", PGPORT: "" }).hosts).toEqual([
			{ host: "localhost", port: 5432 },
		]);
	});

	test("give their port also to hosts that are configured without one", () => {
		expect(read({ host: "h", username: "ada", name: "bot" }, { PGPORT: "7" }).hosts[0].port).toBe(7);
		expect(readUrl("postgres://ada@h/bot", { PGHOST: "v", PGPORT: "7" }).hosts).toEqual([{ host: "h", port: 7 }]);
		expect(read({ username: "ada", name: "bot" }, { PGHOST: "v,w", PGPORT: "7,8" }).hosts).toEqual(
			["v:7", "w:8"].map(hostOf),
		);
	});
});

test.each([
	["localhost", "prefer"],
	["LOCALHOST.", "prefer"],
	["127.0.0.1", "prefer"],
	["127.8.8.8", "prefer"],
	["::1", "prefer"],
	["/run/postgresql", "disable"],
	["localhost,/run/postgresql", "prefer"],
	["db.example", "verify-full"],
	["localhost,db.example", "verify-full"],
	["localhost.example", "verify-full"],
	["10.0.0.1", "verify-full"],
	["fe80::1", "verify-full"],
])("TLS with %s is %s unless it is chosen", (host, mode) => {
	expect(read({ ...SDK, host }).tls).toEqual({ mode });
	for (const chosen of ["disable", "prefer", "require", "verify-ca", "verify-full"]) {
		expect(read({ ...SDK, host, tls: { sslmode: chosen } }).tls).toEqual({ mode: chosen });
	}
	expect(read({ ...SDK, host, tls: false }).tls).toEqual({ mode: "disable" });
});

describe("what cannot be used is an error that names the field or the variable", () => {
	const without = (name) => ({ ...SDK, [name]: undefined });

	test.each([
		[null, "its pg is not an object, but null"],
		[[], "its pg is not an object, but an array"],
		["postgres://h/d", "its pg is not an object"],
		[{ ...SDK, host: "" }, "its pg.host is empty"],
		[{ ...SDK, host: 7 }, "its pg.host is not a string"],
		[{ ...SDK, host: null }, "its pg.host is not a string"],
		[{ ...SDK, host: `postgres://u:${SECRET}@h/d` }, "its pg.host has a URL, which belongs in pg.url"],
		[{ ...SDK, host: `${SECRET} x` }, "its pg.host is neither the name or address of a host"],
		[{ ...SDK, host: "a,,b" }, "its pg.host has an empty host"],
		[{ ...SDK, host: "a:5432" }, "its pg.host is neither the name"],
		[{ ...SDK, host: "./run" }, "its pg.host is neither the name"],
		[{ ...SDK, host: "a\0b" }, "its pg.host has a NUL"],
		[{ ...SDK, port: 0 }, "its pg.port is not an integer from 1 to 65535"],
		[{ ...SDK, port: 65_536 }, "its pg.port is not an integer"],
		[{ ...SDK, port: -1 }, "its pg.port is not an integer"],
		[{ ...SDK, port: 1.5 }, "its pg.port is not an integer from 1 to 65535"],
		[{ ...SDK, port: SECRET }, "its pg.port is not an integer"],
		[{ ...SDK, host: "a,b", port: `1,${SECRET}` }, "its pg.port has a port that is not an integer from 1 to 65535"],
		[{ ...SDK, port: "" }, "its pg.port is empty"],
		[{ ...SDK, port: true }, "its pg.port is not an integer"],
		[{ ...SDK, port: "1,2" }, "its pg.port has neither one port nor as many as there are hosts"],
		[without("username"), "its pg.username is missing, and so is the variable PGUSER"],
		[{ ...SDK, username: "" }, "its pg.username is empty"],
		[{ ...SDK, username: {} }, "its pg.username is not a string"],
		[{ ...SDK, password: 7 }, "its pg.password is not a string"],
		[{ ...SDK, password: `${SECRET}\0` }, "its pg.password has a NUL"],
		[without("name"), "its pg.name is missing, and so is the variable PGDATABASE"],
		[{ ...SDK, name: "" }, "its pg.name is empty"],
		[{ ...SDK, timeoutMs: 0 }, "its pg.timeoutMs is not a number of milliseconds"],
		[{ ...SDK, timeoutMs: "1" }, "its pg.timeoutMs is not a number of milliseconds"],
		[{ ...SDK, timeoutMs: 1e300 }, "its pg.timeoutMs is not a number of milliseconds"],
		[{ ...SDK, filename: "x" }, "the field pg.filename, which is unknown here; it belongs to sqlite3"],
		[{ ...SDK, sqlite3: {} }, "the field pg.sqlite3, which is unknown here; it belongs to databaseType sqlite3"],
		[{ ...SDK, user: "x" }, "the field pg.user, which is unknown here; it is called username"],
		[{ ...SDK, database: "x" }, "the field pg.database, which is unknown here; it is called name"],
		[{ ...SDK, ssl: true }, "the field pg.ssl, which is unknown here; it is called tls"],
		[{ ...SDK, pool: 7 }, "the field pg.pool, which is unknown here; known are host, port"],
		[{ ...SDK, [`${SECRET} `]: 7 }, "a field of a name that cannot be shown"],
		[{ ...SDK, tls: true }, "its pg.tls is neither an object"],
		[{ ...SDK, tls: "require" }, "its pg.tls is neither an object"],
		[{ ...SDK, tls: null }, "its pg.tls is neither an object"],
		[{ ...SDK, tls: { sslmode: SECRET } }, "its pg.tls.sslmode is none of disable, prefer, require"],
		[{ ...SDK, tls: { sslmode: "allow" } }, "its pg.tls.sslmode is none of"],
		[{ ...SDK, tls: { sslmode: 1 } }, "its pg.tls.sslmode is not a string"],
		[{ ...SDK, tls: { sslrootcert: "" } }, "its pg.tls.sslrootcert is empty"],
		[{ ...SDK, tls: { sslrootcert: [] } }, "its pg.tls.sslrootcert is not a string"],
		...["verify-ca", "require", "prefer", "disable"].map((sslmode) => [
			{ ...SDK, tls: { sslmode, sslrootcert: "system" } },
			"its pg.tls.sslmode is weaker than verify-full, which sslrootcert needs where it is system",
		]),
		[{ ...SDK, tls: { ca: SECRET } }, "the field pg.tls.ca, which is unknown here"],
		[{ ...SDK, url: `postgres://ada:${SECRET}@h/d` }, "its pg.username is given by its pg.url too"],
		[{ url: "postgres://a@h/d?sslmode=require", tls: false }, "its pg.tls is given by its pg.url too"],
	])("%# %j", (pg, message) => {
		expect(problem({ pg })).toContain(message);
	});

	test("sqlite3 beside pg", () => {
		expect(problem({ pg: SDK, sqlite3: { filename: SECRET } })).toContain(
			"the field sqlite3, which is unknown here; it belongs to databaseType sqlite3",
		);
	});

	test.each([
		[7, "is not a string"],
		["", "is empty"],
		[`${SECRET}`, "does not begin with postgres://"],
		[`mysql://u:${SECRET}@h/d`, "does not begin with postgres://"],
		[`"postgres://u:${SECRET}@h/d"`, "is in quotes"],
		[` postgres://u:${SECRET}@h/d`, "has a space, a line break"],
		[`postgres://u:${SECRET}@h/d\n`, "has a space, a line break"],
		["postgres://u:$" + "{PASSWORD}@h/d", "has a placeholder that nothing has replaced"],
		["postgres://$USER:x@h/d", "has a placeholder"],
		["postgres://u:<password>@h/d", "has a placeholder"],
		[`postgres://u:${SECRET}@x@h/d`, "has an @ too many"],
		[
			`postgres://u:${SECRET}/x@h/d`,
			"its pg.url is not of the form postgres://<user>:<password>@<host>:<port>/<database>;",
		],
		[`postgres://u:${SECRET}#x@h/d`, "is not of the form"],
		[`postgres://u:${SECRET}:x@h/d`, "has a colon too many"],
		[`postgres://u:%${SECRET}@h/d`, "has a password with a % that encodes nothing"],
		["postgres://u:p%00w@h/d", "has a NUL"],
		["postgres://u@h:99999/d", "has a port that is not an integer from 1 to 65535"],
		[`postgres://u@h:${SECRET}/d`, "has a host or a port that is none"],
		["postgres://u@[::1/d", "has a host or a port that is none"],
		["postgres://u@[nonsense]/d", "has a host or a port that is none"],
		["postgres://u@a,,b/d", "has an empty host"],
		["postgres://u@h", "its pg.name is missing"],
		["postgres://h/d", "its pg.username is missing"],
		["postgres://u@h/d?sslmode=allow", "its pg.url has an sslmode that is none of disable"],
		["postgres://u@h/d?sslmode=", "has an sslmode that is none of disable"],
		[
			"postgres://u@h/d?sslmode=require&sslrootcert=system",
			"its pg.url has an sslmode that is weaker than verify-full",
		],
		["postgres://u@h/d?sslrootcert=", "has an sslrootcert that is empty"],
		["postgres://u@h/d?target_session_attrs=standby", "has a target_session_attrs that is none of any, read-write"],
		["postgres://u@h/d?sslmode=require&sslmode=disable", "gives sslmode twice"],
		["postgres://u@h/d?user=x", "gives user twice"],
		["postgres://u@h/d?password=%zz", "has a parameter password with a % that encodes nothing"],
		[`postgres://u@h/d?pool=${SECRET}`, "has the parameter pool, which is unknown here; known are host, port"],
		[`postgres://u@h/d?${SECRET} =1`, "has a space"],
		["postgres://u@h/d?connect_timeout=10", "the parameter connect_timeout, which is unknown here; pg.timeoutMs"],
		["postgres://u@h/d?sslcert=x", "the parameter sslcert, which is unknown here; a client's certificate"],
		["postgres://u@h/d?SSLMODE=require", "the parameter SSLMODE, which is unknown here"],
		["postgres://u@h/d?=x", "a parameter of a name that cannot be shown"],
	])("%# the URL %s", (url, message) => {
		expect(problem({ pg: { url } })).toContain(message);
	});

	test.each([
		["PGPORT", SECRET, "is not an integer from 1 to 65535"],
		["PGHOST", `${SECRET} `, "is neither the name or address of a host"],
		["PGSSLMODE", SECRET, "is none of disable"],
		["PGTARGETSESSIONATTRS", SECRET, "is none of any, read-write"],
		["PGTARGETSESSIONATTRS", "read-only", "is none of any, read-write"],
	])("%s", (variable, text, message) => {
		const named = { username: "ada", name: "bot" };
		expect(problem({ pg: named }, { [variable]: text })).toContain(`${variable} cannot be used: it ${message}`);
	});
});
