// What a member does with the task list in one sitting, and what the bot answers.

import type { Knex } from "knex";
import { addTask, addTasks, completeTask, createTaskTable, listTasks, removeCompleted } from "./tasks";

export async function playSession(knex: Knex): Promise<void> {
	await createTaskTable(knex);
	console.log(`Left from before: ${(await listTasks(knex)).map(({ text }) => text).join(", ") || "nothing"}`);

	const water = await addTask(knex, "water the plants");
	await addTasks(knex, ["sow the beans", "turn the compost"]);
	await addTasks(knex, ["not this", null]).catch(() =>
		console.log("Refused: a task without a text, and those with it"),
	);

	console.log(
		`Done: ${water.text}, ${await completeTask(knex, water.id)}; again, ${await completeTask(knex, water.id)}`,
	);
	for (const { text, done } of await listTasks(knex)) console.log(`[${done ? "x" : " "}] ${text}`);
	console.log(`Removed: ${await removeCompleted(knex)}`);
}
