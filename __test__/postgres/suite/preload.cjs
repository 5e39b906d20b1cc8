// Every file that a test opens becomes a database on PostgreSQL, in this process and in those that it starts.

const { databaseOf, shared } = require("./databases.cjs");
const location = require("../../../lib/config/location.js");
const { postgresFrom } = require("../../../lib/config/postgres/postgres.js");

const { locationFromOption } = location;

location.locationFromOption = (filename, folder) => {
	const { kind, path } = locationFromOption(filename, folder);
	const { stores, username, password } = shared();
	// A store in memory has a path that is its own.
	const pg = { ...stores, username, password, name: databaseOf(path) };
	const postgres = postgresFrom({ databaseType: "pg", pg }, {});
	return kind === "file" || kind === "memory"
		? { kind: "postgres", source: "from options.filename", filename: "", path: "", postgres }
		: locationFromOption(filename, folder);
};
