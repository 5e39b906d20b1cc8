// The table of operations that parity.test.mjs runs over the SDK's store and over ours. A case has `both`,
// the outcome that the two share, or `sdk` and `rootcellar`, the outcomes measured on SDK 0.17.0 and required
// of us. Every case begins with an empty store.

import communities from "./cases/communities.mjs";
import expiry from "./cases/expiry.mjs";
import getDelete from "./cases/get-delete.mjs";
import keys from "./cases/keys.mjs";
import select from "./cases/select.mjs";
import set from "./cases/set.mjs";
import update from "./cases/update.mjs";
import values from "./cases/values.mjs";
import { TOO_SLOW } from "./outcomes.mjs";

const COMMUNITIES = ["north", "south", "7"];

export const groups = {
	set,
	values,
	keys,
	"get and delete": getDelete,
	update,
	"select, patterns and deleteLike": select,
	expiry,
	communities,
};

/** The outcome of a case on an empty store. */
async function outcomeOf(run, store) {
	await store.deleteLike("%");
	for (const community of COMMUNITIES) await store.deleteLike("%", community);
	try {
		return { value: await run(store) };
	} catch (error) {
		return error === TOO_SLOW ? error : { failed: `${error.name} ${String(error.message).slice(0, 200)}` };
	}
}

/** Runs the whole table over a store: group, name, outcome. */
export async function runTable(store) {
	const outcomes = {};
	for (const [group, cases] of Object.entries(groups)) {
		outcomes[group] = {};
		for (const { name, run } of cases) {
			do outcomes[group][name] = await outcomeOf(run, store);
			while (outcomes[group][name] === TOO_SLOW);
		}
	}
	return outcomes;
}
