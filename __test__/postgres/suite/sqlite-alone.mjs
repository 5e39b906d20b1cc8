// The tests of the key-value store that are of SQLite alone, each with what it is about.

/** By the test's name, with those of the groups that it is in. */
const SQLITE_ALONE = {};

/**
 * Why a test does not run on PostgreSQL; `undefined` if it does.
 *
 * @param {import("vitest").RunnerTestCase} task
 */
export function reasonOf(task) {
	return SQLITE_ALONE[nameOf(task)];
}

/** The name of a test or a group, with those of the groups that it is in. */
function nameOf({ name, suite }) {
	return suite === undefined ? name : `${nameOf(suite)} > ${name}`;
}
