// The rules: what a message is worth, when a level is reached, and who earns nothing for now.

import { addProgress, beginCooldown, saveProfile } from "./storage";

/** A message of the community: the fields of the SDK's event that the bot needs, with the names looked up. */
export type Message = {
	id: string;
	createdAt: string;
	channelId: string;
	channel: string;
	userId: string;
	nickname: string;
	messageContent: string;
};

export type Outcome = { message: Message; earned: number; levelBefore: number; levelAfter: number };

/** Ten points for speaking up, and one for each word, up to ten. */
export function experienceFor(messageContent: string): number {
	const words = messageContent.split(/\s+/).filter(Boolean).length;
	return 10 + Math.min(words, 10);
}

/** Level 2 is reached with 20 points; each level takes 20 points more than the one before it. */
export function experienceToReach(level: number): number {
	return 10 * level * (level - 1);
}

export function levelOf(experience: number): number {
	let level = 1;
	while (experienceToReach(level + 1) <= experience) level += 1;
	return level;
}

/**
 * Makes the bot's message handler.
 *
 * A rewarded member earns nothing more for `cooldownMs`, so that a flood of messages is worth no more than the
 * first of them; each message still counts as a message.
 */
export function createLeveling(cooldownMs: number): (message: Message) => Promise<Outcome> {
	return async function onMessage(message) {
		const { userId, nickname, channel, createdAt, messageContent } = message;
		const rewarded = await beginCooldown(userId, cooldownMs);
		const earned = rewarded ? experienceFor(messageContent) : 0;

		// Issued together, these writes share one commit, also with those of other members.
		const [progress] = await Promise.all([
			addProgress(userId, { experience: earned, messages: 1 }),
			saveProfile(userId, { nickname, lastChannel: channel, lastMessageAt: createdAt }),
		]);
		return {
			message,
			earned,
			levelBefore: levelOf(progress.experience - earned),
			levelAfter: levelOf(progress.experience),
		};
	};
}
