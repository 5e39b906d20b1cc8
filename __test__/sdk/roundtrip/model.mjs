// Model of the documented methods on a Map per scope, with the keys that the SDK stored twice on the way.

import { appended } from "./steps.mjs";

export const SCOPES = [undefined, "north", "7"];

const scopeOf = ({ communityId }) => (communityId === undefined ? undefined : String(communityId));

export function createModel() {
	const scopes = new Map(SCOPES.map((scope) => [scope, new Map()]));
	/** Keys with a row of the SDK's that is older than their value: `get` of the SDK may return that one. */
	const duplicates = new Set();
	const touched = new Map();

	const name = (key, scope) => JSON.stringify([key, scope]);
	const live = (entry) => entry !== undefined && !(entry.expires_at <= Date.now());

	function store(side, key, scope, entry) {
		touched.set(name(key, scope), { key, communityId: scope });
		const entries = scopes.get(scope);
		// The unique index stops duplicates in a community; in the default scope it does not, for it is NULL there.
		if (side === "sdk" && scope === undefined && entries.has(key)) duplicates.add(name(key, scope));
		if (side === "rootcellar") duplicates.delete(name(key, scope));
		entries.set(key, entry);
	}

	function removeKey(key, scope) {
		touched.set(name(key, scope), { key, communityId: scope });
		duplicates.delete(name(key, scope));
		scopes.get(scope).delete(key);
	}

	const apply = {
		set(side, { entries }) {
			for (const { key, value, expires_at, ...rest } of entries) {
				store(side, String(key), scopeOf(rest), { value, expires_at });
			}
		},
		update(side, operation) {
			const { key, suffix, expiresAt } = operation;
			const scope = scopeOf(operation);
			const entry = scopes.get(scope).get(key);
			const next = live(entry)
				? { value: appended(entry.value, suffix), expires_at: expiresAt ?? entry.expires_at }
				: { value: appended("", suffix), expires_at: expiresAt };
			const before = duplicates.has(name(key, scope));
			store(side, key, scope, next);
			// The SDK's update writes every row of a live key, and so leaves no older value behind.
			if (side === "sdk" && live(entry) && !before) duplicates.delete(name(key, scope));
		},
		delete: (_side, operation) => removeKey(operation.key, scopeOf(operation)),
		// The patterns here are a prefix and a percent sign.
		deleteLike(_side, operation) {
			const prefix = operation.key.slice(0, -1);
			for (const key of [...scopes.get(scopeOf(operation)).keys()]) {
				if (key.startsWith(prefix)) removeKey(key, scopeOf(operation));
			}
		},
	};

	return {
		apply(side, operations) {
			for (const operation of operations) apply[operation.method](side, operation);
		},
		/** Every key that was ever stored, deleted and expired ones included. */
		reads: () => [...touched.values()],
		value(read) {
			const entry = scopes.get(read.communityId).get(read.key);
			return live(entry) ? entry.value : undefined;
		},
		isDuplicate: ({ key, communityId }) => duplicates.has(name(key, communityId)),
		/** The live entries of a scope, as `select` returns them, sorted by key. */
		entries: (scope) =>
			[...scopes.get(scope)]
				.filter(([, entry]) => live(entry))
				.map(([key, { value, expires_at }]) =>
					expires_at === undefined
						? { key, value }
						: { key, value, expiresAt: new Date(expires_at), expires_at: new Date(expires_at) },
				)
				.sort(byKey),
	};
}

export const byKey = (a, b) => (a.key < b.key ? -1 : 1);
