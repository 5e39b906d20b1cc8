// The keys that the screen shows: a window of pages into the order of all keys, kept as they are in the file.

import { computed, effect, signal } from "@preact/signals";
import { ApiError, call, lines } from "../../api";
import { at, moment } from "../../state";

export interface KeyRow {
	key: string;
	preview: string | null | { text: string; length: number } | { blob: string; bytes: number } | number;
	bytes: number | null;
	isText: boolean;
	expiresAt?: number;
	rows: number;
}

interface PageOfKeys {
	/** The key behind which the page begins. */
	from: string | undefined;
	keys: KeyRow[];
	after: string | undefined;
}

/** Pages that are kept at a time, of 200 keys each. */
const PAGES_MAX = 5;
const REFRESH_MS = 1_000;
const RETRY_MS = 2_000;

export const communities = signal<{ communities: string[]; isComplete: boolean }>({
	communities: [],
	isComplete: true,
});
export const community = signal("");
export const filter = signal("");
export const selected = signal<string | undefined>(undefined);
export const isNew = signal(false);

const pages = signal<PageOfKeys[]>([]);
export const isLoading = signal(false);
export const problem = signal<unknown>(undefined);
export const count = signal<{ count: number; isMore: boolean } | undefined>(undefined);
export const isCounting = signal(false);

/** Keys whose rows have just changed, so that the page can show it. */
export const changed = signal<ReadonlySet<string>>(new Set());
/** Number of the changes of the key that is open. */
export const changesOfSelected = signal(0);

export const rows = computed(() => pages.value.flatMap(({ keys }) => keys));
export const hasMore = computed(() => pages.value.at(-1)?.after !== undefined);
export const hasEarlier = computed(() => pages.value[0]?.from !== undefined);

let listing: AbortController | undefined;
let counting: AbortController | undefined;

function place() {
	return { moment: at.value, community: community.value, filter: filter.value };
}

async function pageBehind(after: string | undefined, signal: AbortSignal): Promise<PageOfKeys> {
	const found = await call("keys/list", { ...place(), after }, signal);
	return { from: after, keys: found.keys, after: found.after };
}

async function listed(make: (signal: AbortSignal) => Promise<PageOfKeys[]>): Promise<void> {
	listing?.abort();
	const mine = new AbortController();
	listing = mine;
	isLoading.value = true;
	problem.value = undefined;
	try {
		const made = await make(mine.signal);
		if (!mine.signal.aborted) pages.value = made;
	} catch (error) {
		if (listing === mine && !(mine.signal.aborted && (error as ApiError).code === "ABORT_ERR")) problem.value = error;
	} finally {
		if (listing === mine) isLoading.value = false;
	}
}

/** Ends what is being read or counted. */
export function cancel(): void {
	listing?.abort();
	counting?.abort();
	isLoading.value = false;
	problem.value = new ApiError("ERR_CANCELLED", "Cancelled. What is shown may be incomplete.");
}

/** Reads the list from its begin. */
export function reload(): Promise<void> {
	void recount(false);
	return listed(async (signal) => [await pageBehind(undefined, signal)]);
}

export function loadMore(): Promise<void> {
	const { after } = pages.value.at(-1) ?? {};
	if (after === undefined || isLoading.value) return Promise.resolve();
	return listed(async (signal) => [...pages.value, await pageBehind(after, signal)].slice(-PAGES_MAX));
}

/** Reads the pages that are shown anew. Keys that were added show where they belong. */
async function refresh(): Promise<void> {
	if (isLoading.value) return;
	const before = pages.value;
	const made: PageOfKeys[] = [];
	const mine = new AbortController();
	listing = mine;
	try {
		let after = before[0]?.from;
		for (let page = 0; page < Math.max(1, before.length); page++) {
			const found = await pageBehind(after, mine.signal);
			made.push(found);
			after = found.after;
			if (after === undefined) break;
		}
		if (!mine.signal.aborted && pages.value === before) pages.value = made;
	} catch {
		// The list stays as it is; the next look or the person tries again.
	}
}

export async function recount(all: boolean): Promise<void> {
	counting?.abort();
	const mine = new AbortController();
	counting = mine;
	isCounting.value = true;
	try {
		const found = await call("keys/count", { ...place(), all }, mine.signal);
		if (counting === mine) count.value = found;
	} catch {
		if (counting === mine) count.value = undefined;
	} finally {
		if (counting === mine) isCounting.value = false;
	}
}

export async function loadCommunities(): Promise<void> {
	communities.value = await call("communities", { moment: at.value });
}

function merge(changedRows: KeyRow[], gone: string[]): void {
	const byKey = new Map(changedRows.map((row) => [row.key, row]));
	const left = new Set(gone);
	pages.value = pages.value.map((page) => ({
		...page,
		keys: page.keys.filter(({ key }) => !left.has(key)).map((row) => byKey.get(row.key) ?? row),
	}));
	changed.value = new Set(byKey.keys());
	const open = selected.value;
	if (open !== undefined && (byKey.has(open) || left.has(open))) changesOfSelected.value++;
}

/** Keys that are watched: those that are shown, and the one that is open. */
const watched = computed(() => {
	const keys = rows.value.map(({ key }) => key).slice(0, 999);
	if (selected.value !== undefined && !keys.includes(selected.value)) keys.push(selected.value);
	return JSON.stringify({ community: community.value, keys });
});

/** Follows the file while the screen is open and somebody may see it. Returns what ends that. */
export function follow(): () => void {
	let controller = new AbortController();
	let timer: ReturnType<typeof setTimeout> | undefined;
	let refreshing: ReturnType<typeof setTimeout> | undefined;
	const start = () => {
		controller.abort();
		controller = new AbortController();
		clearTimeout(timer);
		if (document.hidden || moment.value !== undefined) return;
		const { signal } = controller;
		timer = setTimeout(() => void run(signal), 250);
	};
	const run = async (signal: AbortSignal) => {
		try {
			for await (const line of lines("watch", JSON.parse(watched.peek()), signal)) {
				if (line.rows) merge(line.rows, line.gone);
				if (line.changed && refreshing === undefined) {
					refreshing = setTimeout(() => {
						refreshing = undefined;
						if (!document.hidden) void refresh();
					}, REFRESH_MS);
				}
			}
		} catch {
			// The banner says that the server is gone.
		}
		if (!signal.aborted) timer = setTimeout(start, RETRY_MS);
	};
	const ends = effect(() => {
		watched.value;
		moment.value;
		start();
	});
	const seen = () => {
		start();
		if (!document.hidden) void refresh();
	};
	document.addEventListener("visibilitychange", seen);
	return () => {
		ends();
		controller.abort();
		clearTimeout(timer);
		clearTimeout(refreshing);
		document.removeEventListener("visibilitychange", seen);
	};
}
