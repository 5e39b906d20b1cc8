// Stands in for a live community: plays an hour of recorded messages in a few seconds.

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Message, Outcome } from "./leveling";

export function readRecording(path: string): Message[] {
	const lines = readFileSync(path, "utf8").trimEnd().split("\n");
	return lines.map((line) => JSON.parse(line) as Message);
}

/** What came of a replay, how long it took, and how many messages were in the works at its busiest moment. */
export type Replay = { outcomes: Outcome[]; elapsedMs: number; busiest: number };

/**
 * Hands every message to `onMessage` when its turn has come, `speed` times as fast as it was recorded, without
 * waiting for the messages before it; resolves when all of them have been handled.
 *
 * In a bot, the SDK does this:
 * `rootServer.community.channelMessages.on(ChannelMessageEvent.ChannelMessageCreated, onMessage)`.
 */
export async function replay(
	messages: Message[],
	speed: number,
	onMessage: (message: Message) => Promise<Outcome>,
): Promise<Replay> {
	const startedAt = Date.now();
	const recordedFrom = Date.parse(messages[0].createdAt);
	const handled: Promise<Outcome>[] = [];
	let inFlight = 0;
	let busiest = 0;

	for (const message of messages) {
		const dueAt = startedAt + (Date.parse(message.createdAt) - recordedFrom) / speed;
		if (dueAt > Date.now()) await sleep(dueAt - Date.now());
		inFlight += 1;
		busiest = Math.max(busiest, inFlight);
		const outcome = onMessage(message).finally(() => {
			inFlight -= 1;
		});
		outcome.catch(() => {}); // Reported by Promise.all below, once the recording has ended.
		handled.push(outcome);
	}
	const outcomes = await Promise.all(handled);
	return { outcomes, elapsedMs: Date.now() - startedAt, busiest };
}
