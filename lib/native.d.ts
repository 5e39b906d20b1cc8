/** The native addon, as `src/node` defines it. */

export interface Failure {
	code: string;
	message: string;
}

export interface Event {
	id: number;
	kind:
		| "opened"
		| "batch"
		| "values"
		| "started"
		| "slice"
		| "closed"
		| "failed"
		| "backedUp"
		| "restored"
		| "progress"
		| "hook";
	committed?: number;
	stop?: "conflict" | "command" | "deferred" | "transaction";
	error?: Failure;
	text?: string;
	last?: boolean;
	values?: ReadValues;
	backup?: BackupInfo;
	restored?: RestoredInfo;
	hook?: HookName;
	hookNumber?: number;
	doneBytes?: number;
	totalBytes?: number;
}

export type HookName = "beforeBackup" | "afterBackup" | "beforeRestore" | "afterRestore";

export interface BackupOptions {
	url: string;
	intervalMs?: number;
	retentionMs?: number;
	shutdownTimeoutMs?: number;
	hooks: HookName[];
}

export interface BackupInfo {
	id: string;
	createdMs: number;
	bytes: number;
	isSnapshot: boolean;
}

export interface RestoredInfo {
	id: string;
	createdMs: number;
	bytes: number;
	files?: number;
	isComplete: boolean;
	skipped: { name: string; reason: string }[];
	undoId?: string;
	reason?: string;
	setAside?: string;
}

export interface StatusInfo {
	destination: string;
	phase: "starting" | "active" | "elsewhere" | "failing" | "conflict";
	lagMs: number;
	lastBackupMs?: number;
	lastError?: Failure;
	lastErrorMs?: number;
	position?: string;
}

/** The newest state, unless one of these is given. */
export interface RestoreTarget {
	id?: string;
	atMs?: number;
}

export interface Answer {
	backups?: BackupInfo[];
	restored?: RestoredInfo;
	error?: Failure;
}

export declare function listBackups(url: string): Promise<Answer>;
export declare function restoreBackup(
	url: string,
	target: RestoreTarget,
	output: string,
	overwrites: boolean,
	progress?: (doneBytes: number, totalBytes: number) => void,
): Promise<Answer>;
export declare function verifyBackups(
	url: string,
	folder: string,
	progress?: (doneBytes: number, totalBytes: number) => void,
): Promise<Answer>;

export interface ReadValues {
	texts: (string | null)[];
	expiries: { index: number; at: number }[];
	failures: { index: number; error: Failure }[];
}

export interface ReadNow {
	values?: ReadValues;
	error?: Failure;
}

/** Commands in the encoding of `src/node/batch.rs`. */
export interface Batch {
	codes: number[];
	texts: string[];
	numbers: number[];
	/** UTF-16 units of all texts. */
	length: number;
}

export declare class NativeStore {
	constructor(path: string, wake: () => void);
	hold(held: boolean): void;
	open(id: number, backup?: BackupOptions): void;
	backUp(id: number): void;
	restore(id: number, target: RestoreTarget): void;
	backupStatus(): StatusInfo | null;
	finishBackups(): void;
	hookEnded(number: number, problem?: string): void;
	submit(id: number, attempt: number, codes: Uint8Array, texts: string[], numbers: Float64Array, now: number): void;
	readNow(keys: string[], communities: (string | undefined)[], now: number, fileSeen: boolean): ReadNow;
	readOneNow(key: string, community: string | undefined, now: number, fileSeen: boolean): string | null | ReadNow;
	readLater(id: number, keys: string[], communities: (string | undefined)[], now: number): void;
	version(): Uint32Array | null;
	catchUp(knows: Uint32Array): "current" | "changed" | "unknown";
	select(id: number, pattern: string, community: string | undefined, valuesOnly: boolean, now: number): boolean;
	foreignCopies(also: string[]): { names: string[]; unprotected: boolean } | null;
	close(id: number): void;
	nextEvent(waitMs: number): Event | null;
}
