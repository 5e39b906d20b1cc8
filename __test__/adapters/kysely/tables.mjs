// The tables of the scenarios.

export const SCHEMA = `
	CREATE TABLE person (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, data TEXT, age INTEGER DEFAULT 1);
	CREATE TABLE pet (
		id INTEGER PRIMARY KEY, name TEXT, owner_id INTEGER REFERENCES person(id) ON DELETE CASCADE, picture BLOB
	);
	CREATE VIEW adult AS SELECT * FROM person WHERE age >= 18;
	INSERT INTO person (name, data, age) VALUES ('ada', '{"a":[1,{"b":"x"}]}', 36), ('bob', NULL, 7);
	INSERT INTO pet (name, owner_id) VALUES ('rex', 1), ('tom', 1), ('sam', 2);
`;

/** The names of all persons. */
export const names = async (db) =>
	(await db.selectFrom("person").select("name").orderBy("id").execute()).map(({ name }) => name);

/** Adds a person. */
export const add = (db, name) => db.insertInto("person").values({ name }).execute();
