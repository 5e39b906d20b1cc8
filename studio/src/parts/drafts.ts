// Drafts: texts that were typed and not saved. They outlive another key or row being opened, and the page being loaded again.

/** Characters up to which a draft outlives that the page is loaded again: browsers keep some 5 MB. */
const STORED_MAX = 1_000_000;
const STORE_MS = 300;

/** Drafts of all kinds that are in memory, and those of them that are not in the browser's store yet. */
const kept = new Map<string, unknown>();
const unstored = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Drafts of a kind, each by an id. */
export function draftsOf<T>(kind: string) {
	const nameOf = (id: string) => `rootcellar-draft:${kind}:${id}`;
	return {
		/** Keeps a draft. It is in memory at once, and in the browser's store when the typing pauses or the page is left. */
		keep(id: string, draft: T): void {
			kept.set(nameOf(id), draft);
			unstored.add(nameOf(id));
			timer ??= setTimeout(store, STORE_MS);
		},

		take(id: string): T | undefined {
			const name = nameOf(id);
			const stored = sessionStorage.getItem(name);
			return (kept.get(name) as T | undefined) ?? (stored === null ? undefined : JSON.parse(stored));
		},

		drop(id: string): void {
			kept.delete(nameOf(id));
			unstored.delete(nameOf(id));
			sessionStorage.removeItem(nameOf(id));
		},
	};
}

function store(): void {
	clearTimeout(timer);
	timer = undefined;
	for (const name of unstored) {
		const text = JSON.stringify(kept.get(name));
		try {
			if (text.length < STORED_MAX) sessionStorage.setItem(name, text);
			else sessionStorage.removeItem(name);
		} catch {
			// There is no room; it is still in memory.
		}
	}
	unstored.clear();
}

addEventListener("pagehide", store);
addEventListener("beforeunload", (event) => {
	store();
	if (kept.size > 0) event.preventDefault();
});
