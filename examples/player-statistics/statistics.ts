// Statistics of players, in tables that refer to each other. They know nothing of how Knex reaches the file.

import type { Knex } from "knex";

export type Standing = { name: string; games: number; points: number; best: number | null };

export async function createTables(knex: Knex): Promise<void> {
	if (await knex.schema.hasTable("players")) return;
	await knex.schema.createTable("players", (table) => {
		table.string("user_id").primary();
		table.string("name").notNullable();
	});
	await knex.schema.createTable("results", (table) => {
		table.increments("id");
		table.string("user_id").notNullable().references("user_id").inTable("players").onDelete("CASCADE");
		table.integer("game").notNullable();
		table.integer("points").notNullable();
		table.unique(["user_id", "game"]);
	});
}

/** Adds a player, or renames the one that is there. */
export async function savePlayer(knex: Knex, userId: string, name: string): Promise<void> {
	await knex("players").insert({ user_id: userId, name }).onConflict("user_id").merge();
}

/** Records all results of a game, or none of them: also not if a player is unknown. */
export function recordGame(knex: Knex, game: number, points: Record<string, number>): Promise<void> {
	return knex.transaction(async (trx) => {
		for (const [userId, earned] of Object.entries(points)) {
			await trx("results").insert({ user_id: userId, game, points: earned });
		}
	});
}

export async function lastGame(knex: Knex): Promise<number> {
	const row = await knex("results").max<{ game: number | null }>("game as game").first();
	return row?.game ?? 0;
}

export function standings(knex: Knex): Promise<Standing[]> {
	return knex("players")
		.leftJoin("results", "results.user_id", "players.user_id")
		.groupBy("players.user_id")
		.select("players.name")
		.count<Standing[]>("results.id as games")
		.select(knex.raw("coalesce(sum(points), 0) as points"), knex.raw("max(points) as best"))
		.orderBy([{ column: "points", order: "desc" }, "players.name"]);
}

/** Removes a player, and with it, by the foreign key, its results. */
export async function removePlayer(knex: Knex, userId: string): Promise<void> {
	await knex("players").where({ user_id: userId }).delete();
}

export async function countResults(knex: Knex): Promise<number> {
	const row = await knex("results").count<{ n: number }>("* as n").first();
	return row?.n ?? 0;
}
