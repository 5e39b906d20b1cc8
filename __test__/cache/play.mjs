// Two writers of one file in turn, at random: a store with a warm cache, and somebody else. After each step every key is
// read through the cache, and compared with what a model says.

const KEYS = Array.from({ length: 8 }, (_, n) => `k${n}`);
const COMMUNITIES = [undefined, "c"];

/** Numbers from 0 up to a bound, the same for the same seed (mulberry32). */
export function randomly(seed) {
	let state = seed >>> 0;
	return (bound) => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
	};
}

/** Model of a store's contents. */
class Model {
	entries = new Map();
	static id = (key, communityId) => `${communityId ?? ""}/${key}`;

	set(entries) {
		for (const { key, value, communityId } of entries) this.entries.set(Model.id(key, communityId), value);
	}
	remove(key, communityId) {
		this.entries.delete(Model.id(key, communityId));
	}
	/** Removes keys of the default scope, by a prefix. */
	removeLike(pattern) {
		for (const id of this.entries.keys()) if (id.startsWith(`/${pattern.slice(0, -1)}`)) this.entries.delete(id);
	}
	get(key, communityId) {
		return this.entries.get(Model.id(key, communityId));
	}
}

/**
 * Plays `steps` steps. Resolves with each wrong answer, and how many writes of others were followed by reads.
 */
export async function play(appData, other, { steps, seed }) {
	const random = randomly(seed);
	const pick = (list) => list[random(list.length)];
	const model = new Model();
	const wrong = [];
	let foreignWrites = 0;
	let value = 0;

	const entry = (key = pick(KEYS), communityId = pick(COMMUNITIES)) => ({
		key,
		communityId,
		value: pick([++value, `text ${++value}`, { n: ++value, list: [1, "\u00e9"] }, null, ++value]),
		...(random(4) === 0 && { expiresAt: Date.now() + 3_600_000 }),
	});
	/** Entries of different keys. */
	const entries = () => {
		const from = random(KEYS.length);
		return KEYS.slice(from, from + 1 + random(3)).map((key) => entry(key));
	};
	const foreign = {
		set: async () => {
			const one = [entry()];
			await other.set(one);
			model.set(one);
		},
		array: async () => {
			const several = entries();
			await other.set(several);
			model.set(several);
		},
		remove: async () => {
			const [key, communityId] = [pick(KEYS), pick(COMMUNITIES)];
			await other.remove(key, communityId);
			model.remove(key, communityId);
		},
		removeLike: async () => {
			const pattern = `${pick(KEYS)}%`;
			await other.removeLike(pattern);
			model.removeLike(pattern);
		},
	};
	const own = {
		set: () => {
			const one = entry();
			model.set([one]);
			return appData.set(one);
		},
		array: () => {
			const several = entries();
			model.set(several);
			return appData.set(several);
		},
		update: () => {
			const [key, communityId] = [pick(KEYS), pick(COMMUNITIES)];
			const next = ++value;
			const before = model.get(key, communityId);
			model.set([{ key, communityId, value: next }]);
			const check = (data) => {
				compare(key, communityId, data, before === undefined ? "default" : before, "in update");
				return next;
			};
			return appData.update(key, check, "default", undefined, communityId);
		},
		delete: () => {
			const [key, communityId] = [pick(KEYS), pick(COMMUNITIES)];
			model.remove(key, communityId);
			return appData.delete(key, communityId);
		},
		deleteLike: () => {
			const pattern = `${pick(KEYS)}%`;
			model.removeLike(pattern);
			return appData.deleteLike(pattern);
		},
	};
	function compare(key, communityId, found, expected, when) {
		if (JSON.stringify(found) === JSON.stringify(expected)) return;
		wrong.push({ key, communityId, found, expected, when });
	}

	for (let step = 0; step < steps; step++) {
		// A write of our own to a key that nobody else writes is under way meanwhile, or some to the same keys are done.
		const inFlight = random(3) === 0 ? appData.set({ key: "own", value: step }) : undefined;
		if (random(3) === 0) await Promise.all([pick(Object.values(own))(), random(2) && pick(Object.values(own))()]);
		if (random(4) > 0) {
			await pick(Object.values(foreign))();
			foreignWrites++;
		}
		const addresses = KEYS.flatMap((key) => COMMUNITIES.map((communityId) => [key, communityId]));
		const some = random(2) ? addresses : addresses.filter(() => random(2));
		const found = await Promise.all(some.map(([key, communityId]) => appData.get(key, communityId)));
		for (const [index, [key, communityId]] of some.entries()) {
			compare(key, communityId, found[index], model.get(key, communityId), `step ${step}`);
		}
		await inFlight;
		if (inFlight && (await appData.get("own")) !== step) wrong.push({ key: "own", when: `step ${step}` });
	}
	return { wrong, foreignWrites };
}
