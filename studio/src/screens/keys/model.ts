// The keys that the screen shows: a window of pages into the order of all keys, kept as they are in the file.

import { computed, effect, signal } from "@preact/signals";
import { ApiError, call, lines } from "../../api";
import { at, info, moment } from "../../state";

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
	/** Version of the file before it was read. */
	fileVersion: string;
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
export const count = signal<{ count: number; isMore: boolean; isAll: boolean } | undefined>(undefined);
export const isCounting = signal(false);

/** Keys whose rows have just changed, so that the page can show it. */
export const changed = signal<ReadonlySet<string>>(new Set());
/** Number of the changes of the key that is open. */
export const changesOfSelected = signal(0);

export const rows = computed(() => pages.value.flatMap(({ keys }) => keys));
export const hasMore = computed(() => pages.value.at(-1)?.after !== undefined);
export const hasEarlier = computed(() => pages.value[0]?.from !== undefined);

/** Versions of the file: the last that the server has told, and that of what is shown of the open key. */
const versions: { told: string | undefined; open: string | undefined } = { told: undefined, open: undefined };

/** Notes from which version of the file the open key was read; `undefined` while it is read. */
export function noteOpen(fileVersion: string | undefined): void {
	versions.open = fileVersion;
}

let listing: AbortController | undefined;

/** Changes that were told while pages are read, which may be newer than those pages. */
let toldMeanwhile: { rows: KeyRow[]; gone: string[] }[] | undefined;

let counting: AbortController | undefined;

function place() {
	return { moment: at.value, community: community.value, filter: filter.value };
}

async function pageBehind(after: string | undefined, signal: AbortSignal): Promise<PageOfKeys> {
	const found = await call("keys/list", { ...place(), after }, signal);
	return { from: after, keys: found.keys, after: found.after, fileVersion: found.fileVersion };
}

async function listed(make: (signal: AbortSignal) => Promise<PageOfKeys[]>): Promise<void> {
	listing?.abort();
	const mine = new AbortController();
	listing = mine;
	toldMeanwhile = [];
	isLoading.value = true;
	problem.value = undefined;
	try {
		const made = await make(mine.signal);
		if (mine.signal.aborted) return;
		show(made);
		refreshIfOld();
	} catch (error) {
		if (listing === mine && !(mine.signal.aborted && (error as ApiError).code === "ABORT_ERR")) problem.value = error;
	} finally {
		if (listing === mine) {
			isLoading.value = false;
			toldMeanwhile = undefined;
		}
	}
}

/** Ends what is being read or counted. */
export function cancel(): void {
	listing?.abort();
	counting?.abort();
	isLoading.value = false;
	problem.value = new ApiError("ERR_CANCELLED", "Cancelled. What is shown may be incomplete.");
}

/** Shows pages, with what was told while they were read. */
function show(made: PageOfKeys[]): void {
	pages.value = (toldMeanwhile ?? []).reduce((shown, { rows, gone }) => withChanges(shown, rows, gone), made);
}

function withChanges(shown: PageOfKeys[], changedRows: KeyRow[], gone: string[]): PageOfKeys[] {
	const byKey = new Map(changedRows.map((row) => [row.key, row]));
	const left = new Set(gone);
	return shown.map((page) => ({
		...page,
		keys: page.keys.filter(({ key }) => !left.has(key)).map((row) => byKey.get(row.key) ?? row),
	}));
}

/** Reads the list from its beginning. */
export function reload(): Promise<void> {
	void recount(false);
	return listed(async (signal) => [await pageBehind(undefined, signal)]);
}

export function loadMore(): Promise<void> {
	const { after } = pages.value.at(-1) ?? {};
	if (after === undefined || isLoading.value) return Promise.resolve();
	return listed(async (signal) => {
		const page = await pageBehind(after, signal);
		// The pages of now: rows in them may have changed meanwhile.
		return [...pages.value, page].slice(-PAGES_MAX);
	});
}

let refreshing: ReturnType<typeof setTimeout> | undefined;
let refreshedAt = 0;

/** Refreshes at once, or a while after the last time. */
function refreshSoon(): void {
	const pauseMs = Math.max(0, refreshedAt + REFRESH_MS - Date.now());
	refreshing ??= setTimeout(() => {
		refreshing = undefined;
		if (!document.hidden) void refresh();
	}, pauseMs);
}

/** Refreshes if a page was read before the file came to what the server has told. */
function refreshIfOld(): void {
	const { told } = versions;
	if (told !== undefined && pages.value.some(({ fileVersion }) => fileVersion !== told)) refreshSoon();
}

/** Reads the shown pages again. Keys that were added show where they belong. */
async function refresh(): Promise<void> {
	// The end of the reading that is under way looks whether it is old.
	if (isLoading.value) return;
	refreshedAt = Date.now();
	toldMeanwhile = [];
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
		if (mine.signal.aborted) return;
		show(made);
		// The index counts these; a pattern is searched for.
		if (count.value?.isAll === false && !filter.value.includes("%")) void recount(false, true);
	} catch {
		if (!mine.signal.aborted) refreshSoon();
	} finally {
		if (listing === mine) toldMeanwhile = undefined;
	}
}

/** Counts the keys: all of them, or up to a bound. */
export async function recount(all: boolean, isQuiet = false): Promise<void> {
	counting?.abort();
	const mine = new AbortController();
	counting = mine;
	isCounting.value = !isQuiet;
	try {
		const found = await call("keys/count", { ...place(), all }, mine.signal);
		if (counting === mine) count.value = { ...found, isAll: all };
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
	toldMeanwhile?.push({ rows: changedRows, gone });
	pages.value = withChanges(pages.value, changedRows, gone);
	changed.value = new Set(changedRows.map(({ key }) => key));
	const open = selected.value;
	if (open !== undefined && (changed.value.has(open) || gone.includes(open))) openChanged();
}

let isDeleting = false;

/** Deletes the open key. That it is gone is no news then. */
export async function deletingOpen(use: () => Promise<void>): Promise<void> {
	isDeleting = true;
	try {
		await use();
		selected.value = undefined;
	} finally {
		isDeleting = false;
		if (selected.value !== undefined) openChanged();
	}
}

function openChanged(): void {
	if (!isDeleting) changesOfSelected.value++;
}

/**
 * Takes a line of what the server tells of the file. A stream that has just begun tells the version of then: what was read
 * of an earlier one may have missed a change.
 */
// biome-ignore lint/suspicious/noExplicitAny: a line is what its route says.
function take(line: any): void {
	if (line.rows) merge(line.rows, line.gone);
	const version: string | undefined = line.watching ?? line.changed;
	if (version === undefined) return;
	versions.told = version;
	if (line.watching !== undefined && versions.open !== version) openChanged();
	refreshIfOld();
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
	const start = () => {
		controller.abort();
		controller = new AbortController();
		clearTimeout(timer);
		if (document.hidden || moment.value !== undefined || info.value?.file === undefined) return;
		const { signal } = controller;
		timer = setTimeout(() => void run(signal), 250);
	};
	const run = async (signal: AbortSignal) => {
		try {
			for await (const line of lines("watch", JSON.parse(watched.peek()), signal)) {
				if (signal.aborted) return;
				take(line);
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
	document.addEventListener("visibilitychange", start);
	return () => {
		ends();
		controller.abort();
		clearTimeout(timer);
		clearTimeout(refreshing);
		refreshing = undefined;
		versions.told = undefined;
		document.removeEventListener("visibilitychange", start);
	};
}
