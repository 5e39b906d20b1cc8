// What was typed and not saved. It outlives another key being opened, and the page being loaded again.

export interface Draft {
	text: string;
	base: { value: string; version: string };
}

/** Characters up to which a draft outlives a reload: browsers keep some 5 MB. */
const STORED_MAX = 1_000_000;
const NAME = "rootcellar-draft:";

const kept = new Map<string, Draft>();

export const drafts = {
	id: (community: string, key: string) => JSON.stringify([community, key]),

	keep(id: string, draft: Draft): void {
		kept.set(id, draft);
		try {
			if (draft.text.length + draft.base.value.length < STORED_MAX) {
				sessionStorage.setItem(NAME + id, JSON.stringify(draft));
			}
		} catch {
			// There is no room; it is still in memory.
		}
	},

	take(id: string): Draft | undefined {
		const stored = sessionStorage.getItem(NAME + id);
		return kept.get(id) ?? (stored === null ? undefined : JSON.parse(stored));
	},

	drop(id: string): void {
		kept.delete(id);
		sessionStorage.removeItem(NAME + id);
	},

	get isEmpty(): boolean {
		return kept.size === 0;
	},
};

window.addEventListener("beforeunload", (event) => {
	if (!drafts.isEmpty) event.preventDefault();
});
