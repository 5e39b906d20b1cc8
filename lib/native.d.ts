/** The native addon, as `src/node` defines it. */

export interface Failure {
	code: string;
	message: string;
}

export interface Event {
	id: number;
	kind: "opened" | "batch" | "values" | "started" | "slice" | "closed" | "failed";
	committed?: number;
	stop?: "conflict" | "command" | "deferred" | "transaction";
	error?: Failure;
	text?: string;
	last?: boolean;
	values?: ReadValues;
}

export interface ReadValues {
	texts: (string | null)[];
	expiries: { index: number; at: number }[];
	failures: { index: number; error: Failure }[];
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
	open(id: number): void;
	submit(id: number, attempt: number, codes: Uint8Array, texts: string[], numbers: Float64Array, now: number): void;
	readNow(keys: string[], communities: (string | undefined)[], now: number): { values?: ReadValues; error?: Failure };
	readLater(id: number, keys: string[], communities: (string | undefined)[], now: number): void;
	version(): Uint32Array | null;
	catchUp(knows: Uint32Array): "current" | "changed" | "unknown";
	select(id: number, pattern: string, community: string | undefined, valuesOnly: boolean, now: number): boolean;
	foreignCopies(also: string[]): { names: string[]; unprotected: boolean } | null;
	close(id: number): void;
	nextEvent(waitMs: number): Event | null;
}
