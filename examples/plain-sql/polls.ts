// Polls, kept in plain SQL. Whoever runs the statements is given: what both sides of the comparison have in common.

/** As much of a SQL library as the polls need. */
export interface Sql {
	exec(script: string): Promise<void>;
	run(sql: string, params: (string | number)[]): Promise<{ changes: number; lastID: number }>;
	all<T>(sql: string, params?: (string | number)[]): Promise<T[]>;
}

const TABLES = `
	CREATE TABLE IF NOT EXISTS polls (
		id INTEGER PRIMARY KEY,
		question TEXT NOT NULL
	);
	CREATE TABLE IF NOT EXISTS votes (
		poll_id INTEGER NOT NULL REFERENCES polls (id),
		user_id TEXT NOT NULL,
		choice TEXT NOT NULL CHECK (choice IN ('yes', 'no')),
		PRIMARY KEY (poll_id, user_id)
	) WITHOUT ROWID;
`;

const VOTE = `
	INSERT INTO votes (poll_id, user_id, choice) VALUES (?, ?, ?)
	ON CONFLICT (poll_id, user_id) DO UPDATE SET choice = excluded.choice WHERE choice <> excluded.choice
`;

const RESULTS = `
	SELECT question, count(user_id) AS votes, count(*) FILTER (WHERE choice = 'yes') AS yes
	FROM polls LEFT JOIN votes ON poll_id = polls.id
	GROUP BY polls.id ORDER BY polls.id
`;

type Result = { question: string; votes: number; yes: number };

/** Opens a poll, has members vote, and says how it stands. */
export async function holdPoll(sql: Sql): Promise<void> {
	await sql.exec(TABLES);
	const question = "Shall we plant potatoes? -- '; DROP TABLE polls";
	const { lastID } = await sql.run("INSERT INTO polls (question) VALUES (?)", [question]);
	console.log(`Poll ${lastID} is open`);

	const vote = (user: string, choice: string) => sql.run(VOTE, [lastID, user, choice]);
	await Promise.all([vote("ada", "yes"), vote("bob", "no"), vote("eve", "yes")]);
	console.log(
		`Bob changes his mind: ${(await vote("bob", "yes")).changes}; again: ${(await vote("bob", "yes")).changes}`,
	);
	await vote("zoe", "perhaps").catch((error: Error) => console.log(`Refused: ${error.message.split(": ").at(-1)}`));

	for (const { question, votes, yes } of await sql.all<Result>(RESULTS)) {
		console.log(`${question.split("?")[0]}? ${yes} of ${votes} say yes`);
	}
}
