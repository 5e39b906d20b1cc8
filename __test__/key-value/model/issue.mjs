// Operations of a model as calls of a store, in whichever process.

const boom = new Error("boom");

/** Functions for `update`, each with a result that shows the value it was given. */
export const updaters = {
	wrap: (data) => ({ was: typeof data === "object" && data !== null ? Object.keys(data).length : data }),
	count: (data) => (Number.isInteger(data) ? data + 1 : 0),
	keep: (data) => data,
	fail: () => {
		throw boom;
	},
};

/** Functions for `updateMany`. */
export const changers = {
	rotate: (keys) => (values) => Object.fromEntries(keys.map((key, i) => [key, values[keys[(i + 1) % keys.length]]])),
	count: (keys) => (values) => ({ [keys[0]]: Object.keys(values).length }),
	nothing: () => () => undefined,
	fail: () => () => {
		throw boom;
	},
};

/** A range that says which keys, as `deleteRange` wants it. */
const given = (range) => (Object.values(range).every((bound) => bound === undefined) ? { prefix: "" } : range);

const asDate = (ms) => (ms === undefined || ms % 2 ? ms : new Date(ms));

/** A page with whether there are more, in place of the cursor. */
const withoutCursor = ({ entries, cursor }) => ({ entries, hasMore: cursor !== undefined });

/** All that an iterator gives, its first page read as of the call. */
async function gather(iterator) {
	const found = [];
	for await (const entry of iterator) found.push(entry);
	return found;
}

/** Calls the store; with `i` alternates what a caller may choose: the spelling of the expiry. */
export function issue({ appData, kv }, o, i) {
	const scope = kv.community(o.community);
	const stored = (entries) =>
		entries.map(({ expiresAt: at, communityId, ...rest }) => ({
			...rest,
			...(at === undefined ? {} : { [i % 2 ? "expiresAt" : "expires_at"]: asDate(at) }),
			...(communityId === undefined ? {} : { communityId }),
		}));
	switch (o.method) {
		case "get":
			return appData.get(o.key, o.community);
		case "set":
			return appData.set(stored(o.entries)[0]);
		case "setMany":
			return appData.set(stored(o.entries));
		case "update":
			return appData.update(o.key, updaters[o.updater], o.value, asDate(o.expiresAt), o.community);
		case "delete":
			return appData.delete(o.key, o.community);
		case "has":
			return scope.has(o.key);
		case "getMany":
			return scope.getMany(o.keys);
		case "list":
		case "listKeys":
			return scope[o.method]({ ...o.range, reverse: o.reverse, limit: o.limit }).then(withoutCursor);
		case "count":
			return scope.count(o.range);
		case "increment":
			return scope.increment(o.key, o.by, { ...o.bounds, expiresAt: asDate(o.expiresAt) });
		case "setIfAbsent":
			return scope.setIfAbsent({ key: o.key, value: o.value, expiresAt: asDate(o.expiresAt) });
		case "getAndDelete":
			return scope.getAndDelete(o.key);
		case "expire":
			return scope.expire(o.key, o.expiresAt === undefined ? null : { expiresAt: asDate(o.expiresAt) });
		case "deleteRange":
			return scope.deleteRange(given(o.range));
		case "updateMany":
			return scope.updateMany(o.keys, changers[o.changer](o.keys));
		case "entries":
			return gather(scope.entries({ ...o.range, reverse: o.reverse }));
		default:
			return appData[o.method](o.pattern, o.community);
	}
}
