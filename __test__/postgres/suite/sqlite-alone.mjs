// The tests of the key-value store that are of SQLite alone, by what they are about.

/**
 * Names of tests with those of the groups that they are in, or of whole groups, by reason. `*` stands for what differs from
 * one of a table of tests to the next.
 */
const SQLITE_ALONE = {
	"how a file looks, and what other programs put into it that PostgreSQL's types do not take": [
		"a store that other processes write to > bytes that are no text in the file are a clear error, and the key can be overwritten",
		"the file",
		"a count needs no index",
		"a count in a community needs no index either",
		"a count * that was made by the index goes on when another program removes that",
		"the file is in WAL mode, and whole for every library that opens it",
		"a closed store > leaves no file beside the database when it was the last on it",
		"rows whose key is no text belong to no key",
		"in a file whose texts are UTF-16 keys have the same order",
		"deleteRange > leaves rows of others whose keys are no text",
		"a file without a write-ahead log is watched, too",
		"ranges of keys in a file whose texts are",
		"it ends > with the error of a file that cannot be opened",
		"while something is watched, backups are made of what others commit, and it comes into the file, as soon as otherwise",
	],
	"keys that PostgreSQL does not store": [
		"keys > one with a NUL inside works as a key in every operation",
		"keys > a NUL alone works as a key in every operation",
		"keys > one of 100,000 characters works as a key in every operation",
		"keys > one of 100,000 emoji works as a key in every operation",
		"wildcards > keys with a NUL match beyond it",
		"wildcards > a pattern of 100,000 characters works, with wildcards and without",
		"long patterns on a long key keep nobody waiting",
		"a cursor > of another range, direction or community",
		"communities differ in case, after a NUL and in normalisation",
		"keys > keys that differ after a NUL, in case or in normalisation are different keys",
	],
	"triggers and foreign keys of SQLite, and its purge; PostgreSQL has the upkeep of `postgres/upkeep`": [
		"* stops the purge of no other rows",
		"writes that never pause do not keep the purge from its turn",
		"a reserved connection that goes on writing does not keep the purge from its turn, but in its transactions",
	],
	"a store that is read-only, or in memory, which there is none of on PostgreSQL": [
		"a store with readOnly and one in memory watch like others",
		"it ends > by itself where it is abandoned, so that the store can be collected",
	],
	"the clock of the process, which decides nothing on PostgreSQL": [
		"with a clock in the past, what is live by it is kept and read",
		"with a clock in the future, what has not expired by the system's is kept",
		"the clock of a store that is closed counts no more, and neither does one of a worker that has ended",
		"setIfAbsent > a cooldown ends when its time has passed",
		"random operations while time passes have the results of a plain model",
	],
	"programs beside it that open a file": [
		"it tells > what another library writes anew in other words, for its text has changed",
		"it tells > values that are longer than a page, also if only their end changes",
		"it tells > the newest of the rows that the SDK leaves of a key",
		"it ends > with the error of a value that is not JSON, without showing it",
		"random operations have the results of a plain model while other processes write, and the SDK",
		"operations that several processes and the SDK issue in turn have the results of a plain model",
		"flows, stores, worker threads, processes and another library on three keys see one order of operations",
		"storms of writes by several processes and libraries end with what there is",
	],
	"the memory that tells of every commit; on PostgreSQL a watch looks once a second": [
		"it notices within 250 ms what is written by",
	],
	"a watch of more keys than are told one by one: on PostgreSQL those are 10,000 at a time": [
		"it tells > many keys of a large store, and nothing else, while it grows and shrinks",
		"it tells > changes all over a large store, in a time that does not grow with their number times that of the keys",
		"it tells > after more than 10,000 changes to read everything anew, and then what follows",
	],
	"the lock for writing that SQLite's BEGIN IMMEDIATE takes; PostgreSQL locks rows when they are written": [
		"atomicity > it runs again when another store changed one of the keys, also one that it leaves",
	],
	"the set of a long array as a whole; on PostgreSQL it is one of many keys, and a read that waits for one of them is told first":
		["a read of one of its keys waits for it, and a read of another does not"],
	"dataStore.backups, which is not there on PostgreSQL": [
		"it tells > a restore of the store as one",
		"one that has begun late and ends during a restore lets no write overtake that",
	],
	"dataStore.sqlite, which is not there on PostgreSQL": [
		"the expiry > an update with null as the expiry removes the one of the row, within a batch and a transaction too",
		"a key with several rows is one, with its newest row",
		"one that cannot be written changes nothing, and what waited for it finds what there was",
		"a count follows every way in which keys change hands after a quick one",
		"the sum > random sums and their texts are those of JavaScript",
		"entries > may be left at any time, which holds up nobody",
		"getMany > sees what was issued before it, and nothing that was issued after it, in any of its keys",
		"in a transaction",
		"atomicity > transfers between ten accounts, by processes, a worker, SQL and increments, keep their sum",
		"a trigger that fails at one key undoes the others, and one that keeps a key is an error",
		"* refuses each bad argument by its name, and writes nothing",
		"it tells > every own write once it is committed, and nothing of what was issued before",
		"it tells > no write that leaves a value as it was, and none that is rolled back",
	],
};

/**
 * Why a test does not run on PostgreSQL; `undefined` if it does.
 *
 * @param {import("vitest").RunnerTestCase} task
 */
export function reasonOf(task) {
	const name = nameOf(task);
	const isIn = (/** @type {string} */ one) => name === one || name.startsWith(`${one} > `) || isLike(name, one);
	return Object.entries(SQLITE_ALONE).find(([, names]) => names.some(isIn))?.[0];
}

/**
 * @param {string} name
 * @param {string} pattern
 */
function isLike(name, pattern) {
	const [begin, end] = pattern.split("*");
	return end !== undefined && name.startsWith(begin) && name.endsWith(end);
}

/** The name of a test or a group, with those of the groups that it is in. */
function nameOf({ name, suite }) {
	return suite === undefined ? name : `${nameOf(suite)} > ${name}`;
}
