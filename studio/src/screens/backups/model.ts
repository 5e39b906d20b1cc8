// State of the backups, as the screen shows it.

import { signal } from "@preact/signals";
import { ApiError, call, cancellable, lines } from "../../api";

export interface Backup {
	id: string;
	at: number;
	bytes: number;
	isSnapshot: boolean;
}

interface Status {
	isOff?: boolean;
	total: number;
	backups: [string, number, number, number][];
	isServed?: boolean;
	logBytes?: number;
	lag?: { state: string; changedBytes: number; since?: number; reason?: string };
	own?: { state: string; lastError?: { code: string; message: string; at: number } };
	restores?: Restored[];
}

/** A restore of this session, which can be undone. */
export interface Restored {
	id: string;
	at: number;
	/** The time of the state that was restored. */
	moment?: number;
	/** The number of keys that have changed, if it was not everything. */
	keys?: number;
	undoes?: string;
	isUndone: boolean;
}

export const status = signal<Status | undefined>(undefined);
/** The states, the newest first. */
export const backups = signal<Backup[]>([]);
export const chosen = signal<Backup | undefined>(undefined);
export const problem = signal<unknown>(undefined);

/** Lag of the backups each time that it was read, while this screen is open. */
export const lags = signal<{ at: number; lagMs: number }[]>([]);
const LAGS_MAX = 720;

export async function look(signal?: AbortSignal): Promise<void> {
	try {
		const found = await call<Status>("backups/status", {}, signal);
		status.value = found;
		problem.value = undefined;
		if (found.isOff) return;
		backups.value = found.backups.map(([id, at, bytes, kind]) => ({ id, at, bytes, isSnapshot: kind === 1 }));
		if (found.lag !== undefined) {
			const lagMs = found.lag.since === undefined ? 0 : Math.max(0, Date.now() - found.lag.since);
			lags.value = [...lags.value, { at: Date.now(), lagMs }].slice(-LAGS_MAX);
		}
	} catch (error) {
		if (!signal?.aborted) problem.value = error;
	}
}

/** Calls a route that changes data: if it is cancelled, its answer tells what has become of it. */
export async function change<T>(
	name: string,
	input: object,
	signal: AbortSignal,
	tell: (part: number) => void,
): Promise<T> {
	try {
		const never = new AbortController();
		return await cancellable(signal, (work) => progressed<T>(name, { ...input, work }, never.signal, tell));
	} finally {
		await look();
	}
}

/** The result of a request that tells of its progress. */
export async function progressed<T>(
	name: string,
	input: object,
	signal: AbortSignal,
	tell: (part: number) => void,
	// biome-ignore lint/suspicious/noExplicitAny: a line is what its route says.
	take?: (line: any) => void,
): Promise<T> {
	for await (const line of lines(name, input, signal)) {
		if (line.progress) tell(line.progress.total > 0 ? line.progress.done / line.progress.total : 0);
		else if ("result" in line) return line.result as T;
		else take?.(line);
	}
	throw signal.aborted ? new ApiError("ABORT_ERR", "cancelled") : new Error("It was ended before its end.");
}
