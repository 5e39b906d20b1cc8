/** The native addon, as `src/node` defines it. */

export interface Failure {
	code: string;
	message: string;
	position?: number;
	argument?: string;
	/** Index of the statement that failed, of several that run together. */
	statement?: number;
	/** SQLSTATE of what PostgreSQL refused. */
	sqlState?: string;
	/** Part of the configuration of PostgreSQL that is to blame: a property of its `sources`. */
	field?: string;
}

export interface Event {
	id: number;
	kind:
		| "opened"
		| "batch"
		| "values"
		| "started"
		| "rows"
		| "described"
		| "leased"
		| "done"
		| "ended"
		| "closed"
		| "failed"
		| "backedUp"
		| "restored"
		| "progress"
		| "changed"
		| "hook";
	committed?: number;
	stop?: "conflict" | "command" | "deferred" | "alone" | "transaction";
	error?: Failure;
	last?: boolean;
	values?: ReadValues;
	backup?: BackupInfo;
	restored?: RestoredInfo;
	hook?: HookName;
	hookNumber?: number;
	doneBytes?: number;
	totalBytes?: number;
	/** JSON array: for each statement of a batch the number of rows that it changed, and the last row id inserted. */
	changes?: string;
	/** Rows of the statements of a batch whose rows were wanted. */
	results?: { columns: string[]; slices: RowSlice[] }[];
	/** Results of the commands of a batch on keys, as `src/node/convert/outcomes.rs` writes them. */
	numbers?: Float64Array;
	texts?: string[];
	rows?: RowSlice;
	tookUs?: number;
	description?: { columns: string[]; isReadonly: boolean; parameters: number };
}

/** Rows as `src/sql/rows.rs` writes them. */
export interface RowSlice {
	json: string;
	patches?: string;
	bytes?: Uint8Array;
}

/** Kind of a store: see `StoreKind` in `src/node/store.rs`. */
export type StoreKind = "file" | "memory" | "readOnly" | "foreign";

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
	files: number;
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

/** State to restore: the newest, unless one of these is given. */
export interface RestoreTarget {
	id?: string;
	atMs?: number;
}

/** Changes of a file that its newest backup lacks. */
export interface LagInfo {
	kind: "none" | "pages" | "oldCopy" | "unknown";
	pages: number;
	bytes: number;
	sinceMs?: number;
	reason?: string;
}

export interface Answer {
	backups?: BackupInfo[];
	restored?: RestoredInfo;
	lag?: LagInfo;
	isServed?: boolean;
	logBytes?: number;
	replacesOpenFile?: boolean;
	isStore?: boolean;
	hasRemoteBackups?: boolean;
	moved?: { from: string; to: string }[];
	error?: Failure;
}

export declare function catchSignals(names: ("SIGHUP" | "SIGINT" | "SIGTERM")[], afterRemoval: boolean): void;
/** Does nothing but on Windows. */
export declare function catchConsoleEvents(): void;
/** Without names it is not known any more. */
export declare function setUnhandledConsoleEvents(names?: ("SIGBREAK" | "SIGHUP" | "SIGINT")[]): void;

/** Asks the destination that `url` names; or that of `store`, a file, if the file is open in this process. */
export declare function listBackups(url: string, store?: string): Promise<Answer>;
/** Cancels requests that it is given to. */
export declare class NativeCancel {
	cancel(): void;
}

export declare function restoreBackup(
	url: string,
	target: RestoreTarget,
	output: string,
	overwrites: boolean,
	cancel: NativeCancel,
	progress?: (doneBytes: number, totalBytes: number) => void,
	store?: string,
): Promise<Answer>;
export declare function verifyBackups(
	url: string,
	folder: string,
	cancel: NativeCancel,
	progress?: (doneBytes: number, totalBytes: number) => void,
	store?: string,
): Promise<Answer>;

export declare function reportBackups(url: string, path: string): Promise<Answer>;
export declare function reportLog(path: string): Promise<Answer>;
export declare function wouldReplaceOpenFile(url: string, path: string): Promise<Answer>;
export declare function lookForKeys(path: string): Promise<Answer>;
export declare function checkOutputPath(url: string | undefined, output: string): Failure | null;
export declare function isBackedUp(path: string): boolean;
export declare function forgetBackupState(path: string): Promise<Answer>;
export declare function setAside(path: string, url?: string): Promise<Answer>;

/** Moment of a backup. */
export interface MomentInfo {
	id: string;
	createdMs: number;
}

export interface DifferenceOptions {
	url: string;
	store?: string;
	at: RestoreTarget;
	to?: RestoreTarget;
	file: string;
	folders: string[];
	community?: string;
	prefix?: string;
}

export interface DifferenceSummaryInfo {
	at?: MomentInfo;
	to?: MomentInfo;
	added: number;
	removed: number;
	changed: number;
	tables: {
		name: string;
		rowsBefore?: number;
		rowsAfter?: number;
		added: number;
		removed: number;
		changed: number;
		isSchemaChanged: boolean;
	}[];
}

export interface DifferenceAnswer {
	summary?: DifferenceSummaryInfo;
	json?: string;
	isLast?: boolean;
	moment?: MomentInfo;
	texts?: (string | null)[];
	expiries?: (number | null)[];
	error?: Failure;
}

export declare class NativeDifference {
	compare(
		options: DifferenceOptions,
		progress?: (compares: boolean, done: number, total: number) => void,
	): Promise<DifferenceAnswer>;
	next(): Promise<DifferenceAnswer>;
	close(): void;
}

/** Looks up what keys held at a moment: `keys[i]` is one of the community `communities[i]`, empty for the default scope. */
export declare function keysAt(
	url: string,
	target: RestoreTarget,
	folders: string[],
	keys: string[],
	communities: string[],
	cancel: NativeCancel,
	store?: string,
): Promise<DifferenceAnswer>;

export interface ReadValues {
	texts: (string | null)[];
	expiries: { index: number; at: number }[];
	failures: { index: number; error: Failure }[];
}

export interface ReadNow {
	values?: ReadValues;
	error?: Failure;
}

/** Keys of a scope, from one on up to another. */
export interface KeySpan {
	community?: string;
	from: string;
	to?: string;
}

export interface PageOptions {
	isReverse: boolean;
	limit: number;
	bytesMax?: number;
	keysOnly: boolean;
}

/** Commands or statements in the encoding of `src/node/protocol.rs`. */
export interface EncodedSql {
	codes: Uint8Array;
	texts: string[];
	numbers: Float64Array;
	blobs: Uint8Array[];
}

/** See `src/node/postgres/settings.rs`. */
export interface PostgresOptions {
	hosts: string[];
	ports: number[];
	user: string;
	password?: string;
	database: string;
	tlsMode: "disable" | "prefer" | "require" | "verify-ca" | "verify-full";
	rootCert?: string;
	timeoutMs: number;
	applicationName: string;
}

/** Store on PostgreSQL. What else it has is as `NativeStore` has it: reads, and leases. */
export declare class NativePostgres {
	constructor(wake: () => void);
	hold(held: boolean): void;
	open(id: number, options: PostgresOptions, makesTables: boolean): void;
	submit: NativeStore["submit"];
	submitSql(id: number, lease: number, epoch: number, encoded: EncodedSql, now: number): void;
	status(id: number): void;
	adopt(id: number): void;
	exportRows(id: number, isFirst: boolean): void;
	importRows(id: number, rows: string, overwrites: boolean): void;
	holdKeys(id: number, keys: string[], communities: (string | undefined)[]): void;
	leaseQuery(id: number, lease: number, text: string, parameters: (string | null)[]): void;
	close(id: number): void;
	end(): void;
	nextEvent(waitMs: number): Event | null;
}

export declare class NativeStore {
	constructor(path: string, wake: () => void);
	hold(held: boolean): void;
	reportClock(now: number): void;
	watch(
		id: number,
		keys: readonly string[] | undefined,
		start: string,
		end: string | undefined,
		community: string | undefined,
		now: number,
	): boolean;
	watchNext(id: number, now: number): void;
	unwatch(id: number): void;
	open(id: number, kind: StoreKind, backup?: BackupOptions): void;
	backUp(id: number): void;
	restore(id: number, target: RestoreTarget, cancel: NativeCancel): void;
	backupStatus(): StatusInfo | null;
	end(): StatusInfo | null;
	logBytes(): number | null;
	strayLog(): string | null;
	hookEnded(number: number, problem?: string): void;
	submit(
		id: number,
		epoch: number,
		codes: Uint8Array,
		texts: string,
		lengths: Uint32Array,
		numbers: Float64Array,
		now: number,
	): void;
	readNow(keys: string[], communities: (string | undefined)[], now: number, fileSeen: boolean): ReadNow;
	readOneNow(
		key: string,
		community: string | undefined,
		now: number,
		fileSeen: boolean,
		keeps: boolean,
	): string | null | ReadNow;
	releaseSnapshot(): void;
	readLater(id: number, lease: number, keys: string[], communities: (string | undefined)[], now: number): void;
	version(): Uint32Array | null;
	catchUp(knows: Uint32Array): "current" | "changed" | "unknown";
	select(
		id: number,
		lease: number,
		pattern: string,
		community: string | undefined,
		valuesOnly: boolean,
		now: number,
	): boolean;
	page(id: number, lease: number, span: KeySpan, options: PageOptions, now: number): boolean;
	count(id: number, lease: number, span: KeySpan, now: number): boolean;
	values(id: number, lease: number, community: string | undefined, keys: string[], now: number): boolean;
	foreignCopies(also: string[]): { names: string[]; unprotected: boolean } | null;
	submitSql(id: number, lease: number, epoch: number, encoded: EncodedSql, now: number, alone: boolean): void;
	readSql(ids: number[], lease: number, encoded: EncodedSql): boolean;
	readSqlNow(
		texts: string[],
		numbers: Float64Array,
		blobs: Uint8Array[],
		fileSeen: boolean,
		keeps: boolean,
	): string | RowSlice | null;
	describeSql(id: number, lease: number, sql: string): boolean;
	openCursor(id: number, lease: number, encoded: EncodedSql): boolean;
	fetch(id: number, cursor: number): void;
	closeCursor(cursor: number): void;
	lease(id: number, kind: number, idleLimitMs: number): void;
	leaseSavepoint(id: number, lease: number, action: number, depth: number): void;
	leaseLimit(lease: number, idleLimitMs: number): void;
	leaseEnd(id: number, lease: number, commit: boolean): void;
	leaseAbort(lease: number, timedOut: boolean): void;
	cancel(number: number, timedOut: boolean): boolean;
	forgetCancel(number: number): void;
	close(id: number): void;
	nextEvent(waitMs: number): Event | null;
}
