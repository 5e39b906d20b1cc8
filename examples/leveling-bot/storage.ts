// What the bot keeps, and under which keys. Only this file knows the store; in a bot that was written for the
// SDK, the import below is the one line to change.

import { rootServer } from "rootcellar";

const { dataStore } = rootServer;
const { appData } = dataStore;

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

/** A key that expires: it is there for as long as the cooldown lasts, and nobody has to remove it. */
export function startCooldown(userId: string, cooldownMs: number): Promise<void> {
	return appData.set<true>({
		key: cooldownKey(userId),
		value: true,
		expiresAt: new Date(Date.now() + cooldownMs),
	});
}

export async function isCoolingDown(userId: string): Promise<boolean> {
	return (await appData.get<true>(cooldownKey(userId))) !== undefined;
}

/** Every member the bot has ever seen. Both reads are issued together. */
export async function readMembers(): Promise<Member[]> {
	const [profiles, progresses] = await Promise.all([
		appData.select<Profile>(profileKey("%")),
		appData.select<Progress>(progressKey("%")),
	]);
	const progressByKey = new Map(progresses.map(({ key, value }) => [key, value]));
	return profiles.map(({ key, value: profile }) => {
		const userId = key.slice(profileKey("").length);
		const progress = progressByKey.get(progressKey(userId)) ?? { experience: 0, messages: 0 };
		return { userId, ...profile, ...progress };
	});
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
