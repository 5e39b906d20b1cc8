// A task list, kept with Knex. It knows nothing of how Knex reaches the file.

import type { Knex } from "knex";

export type Task = { id: number; text: string; done: boolean };

/** How SQLite keeps a task: it has no booleans. */
type TaskRow = { id: number; text: string; done: 0 | 1 };

export async function createTaskTable(knex: Knex): Promise<void> {
	if (await knex.schema.hasTable("tasks")) return;
	await knex.schema.createTable("tasks", (table) => {
		table.increments("id");
		table.string("text").notNullable();
		table.boolean("done").notNullable().defaultTo(false);
		table.index(["done"]);
	});
}

export async function addTask(knex: Knex, text: string): Promise<Task> {
	const [row] = await knex<TaskRow>("tasks").insert({ text }).returning("*");
	return toTask(row);
}

/** Adds several tasks, or none of them if one cannot be added. */
export function addTasks(knex: Knex, texts: (string | null)[]): Promise<void> {
	return knex.transaction(async (trx) => {
		for (const text of texts) await trx("tasks").insert({ text });
	});
}

export async function listTasks(knex: Knex): Promise<Task[]> {
	const rows = await knex<TaskRow>("tasks").select("*").orderBy("id");
	return rows.map(toTask);
}

export async function completeTask(knex: Knex, id: number): Promise<boolean> {
	return (await knex<TaskRow>("tasks").where({ id, done: 0 }).update({ done: 1 })) > 0;
}

export async function removeCompleted(knex: Knex): Promise<number> {
	return knex<TaskRow>("tasks").where({ done: 1 }).delete();
}

function toTask({ id, text, done }: TaskRow): Task {
	return { id, text, done: done === 1 };
}
