// Operations as data, so that the test, the SDK's process and ours all mean the same by them.

export const set = (...entries) => ({ method: "set", entries });
export const update = (key, suffix, expiresAt, communityId) => ({
	method: "update",
	key,
	suffix,
	expiresAt,
	communityId,
});
export const remove = (key, communityId) => ({ method: "delete", key, communityId });
export const removeLike = (pattern, communityId) => ({ method: "deleteLike", key: pattern, communityId });

/** The function of `update`; a missing value counts as "". */
export const appended = (value, suffix) => `${value}${suffix}`;

const calls = {
	set: (store, { entries }) => store.set(entries.length === 1 ? entries[0] : entries),
	update: (store, { key, suffix, expiresAt, communityId }) =>
		store.update(key, (value) => appended(value, suffix), "", expiresAt, communityId),
	delete: (store, { key, communityId }) => store.delete(key, communityId),
	deleteLike: (store, { key, communityId }) => store.deleteLike(key, communityId),
};

/** Carries out `operations`, then reads `reads` with `get` and every scope of `scopes` with `select`. */
export async function carryOut(store, operations, reads, scopes) {
	for (const operation of operations) await calls[operation.method](store, operation);
	return readAll(store, reads, scopes);
}

/** Reads `reads` with `get` and every scope of `scopes` with `select`. */
export async function readAll(store, reads, scopes) {
	const values = [];
	for (const { key, communityId } of reads) values.push(await store.get(key, communityId));
	const selected = [];
	for (const scope of scopes) selected.push(await store.select("%", scope));
	return { values, selected };
}
