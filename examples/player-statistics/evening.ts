// An evening of games, and what the bot says at its end.

import type { Knex } from "knex";
import { countResults, createTables, lastGame, recordGame, removePlayer, savePlayer, standings } from "./statistics";

export async function playEvening(knex: Knex): Promise<void> {
	await createTables(knex);
	const first = (await lastGame(knex)) + 1;
	console.log(`Games so far: ${first - 1}`);

	await Promise.all(
		Object.entries({ u1: "Ada", u2: "Bob", u3: "Eve" }).map(([id, name]) => savePlayer(knex, id, name)),
	);
	await recordGame(knex, first, { u1: 10, u2: 7, u3: 1 });
	await recordGame(knex, first + 1, { u1: 3, u2: 9 });
	await recordGame(knex, first + 2, { u1: 99, stranger: 1 }).catch(() =>
		console.log("Refused: a game with a stranger"),
	);
	await savePlayer(knex, "u1", "Ada L.");

	for (const { name, games, points, best } of await standings(knex)) {
		console.log(`${name}: ${points} points in ${games} games, at most ${best}`);
	}
	await removePlayer(knex, "u3");
	console.log(`Without Eve: ${await countResults(knex)} results`);
}
