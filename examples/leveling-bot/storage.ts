// What the bot keeps, and under which keys. Only this file knows the store: `appData` has the SDK's own methods, and `kv`
// what they lack, on the same keys.

import { rootServer } from "rootcellar";

const { dataStore } = rootServer;
const { appData, kv } = dataStore;

/** Who a member is, and where the member was seen last. */
export type Profile = { nickname: string; lastChannel: string; lastMessageAt: string };

/** What a member has collected over all runs. */
export type Progress = { experience: number; messages: number };

/** How often the bot ran to its end, and when that was the last time. */
export type History = { runs: number; endedAt: string };

export type Member = Profile & Progress & { userId: string };

const profileKey = (userId: string) => `profile:${userId}`;
const progressKey = (userId: string) => `progress:${userId}`;
const cooldownKey = (userId: string) => `cooldown:${userId}`;
const HISTORY_KEY = "bot:history";

/** `set` overwrites: the profile is always the newest one. */
export function saveProfile(userId: string, profile: Profile): Promise<void> {
	return appData.set<Profile>({ key: profileKey(userId), value: profile });
}

/** `update` is atomic: however many are in flight, none is lost. */
export function addProgress(userId: string, gained: Progress): Promise<Progress> {
	return appData.update<Progress>(
		progressKey(userId),
		(progress) => ({
			experience: progress.experience + gained.experience,
			messages: progress.messages + gained.messages,
		}),
		{ experience: 0, messages: 0 },
	);
}

/**
 * Begins a member's cooldown, unless it goes on; returns whether it did. Of any number of messages at once, one begins it.
 * The key expires by itself: nobody has to remove it.
 */
export function beginCooldown(userId: string, cooldownMs: number): Promise<boolean> {
	return kv.setIfAbsent<true>({ key: cooldownKey(userId), value: true, ttlMs: cooldownMs });
}

/** Every member the bot has ever seen, a page at a time however many there are. */
export async function readMembers(): Promise<Member[]> {
	const members: Member[] = [];
	let cursor: string | undefined;
	do {
		const page = await kv.list<Profile>({ prefix: profileKey(""), limit: 1_000, cursor });
		const userIds = page.entries.map(({ key }) => key.slice(profileKey("").length));
		const progresses = await kv.getMany<Progress>(userIds.map(progressKey));
		for (const [index, { value: profile }] of page.entries.entries()) {
			const progress = progresses[index] ?? { experience: 0, messages: 0 };
			members.push({ userId: userIds[index], ...profile, ...progress });
		}
		cursor = page.cursor;
	} while (cursor !== undefined);
	return members;
}

export function readHistory(): Promise<History | undefined> {
	return appData.get<History>(HISTORY_KEY);
}

export function recordRun(): Promise<History> {
	const endedAt = new Date().toISOString();
	return appData.update<History>(HISTORY_KEY, ({ runs }) => ({ runs: runs + 1, endedAt }), {
		runs: 0,
		endedAt,
	});
}

/** The file that all of this lies in: `./rootsdk.sqlite3`, unless `DATABASE_CONFIG` names another. */
export function databaseFile(): string {
	return dataStore.config.sqlite3.filename;
}

export function closeStorage(): Promise<void> {
	return dataStore.close();
}
