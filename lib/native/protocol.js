"use strict";

// Every number that crosses to the addon. `src/node/protocol.rs` has the same under the same names, and says what
// each code takes; `__test__/native/protocol.test.mjs` compares the two.

module.exports = {
	// Kinds of commands, in the low bits of a command's code.
	SET: 0,
	SET_MANY: 1,
	SWAP: 2,
	DELETE: 3,
	DELETE_LIKE: 4,
	SQL: 5,
	SQL_MANY: 6,
	SQL_SCRIPT: 7,
	INCREMENT: 8,
	SET_IF_ABSENT: 9,
	GET_AND_DELETE: 10,
	EXPIRE: 11,
	DELETE_RANGE: 12,
	SWAP_MANY: 13,
	KEEP: 14,
	SWAP_PERMANENT: 15,

	// Flags of commands, in the high bits.
	HAS_COMMUNITY: 1 << 4,
	HAS_EXPIRY: 1 << 5,
	HAS_EXPECTED: 1 << 6,
	EXPECTS_PREVIOUS: 1 << 7,

	// Flags of statements.
	WANTS_ROWS: 1,
	ROWS_ARE_ARRAYS: 1 << 1,
	WANTS_BIGINTS: 1 << 2,
	FIRST_ONLY: 1 << 3,
	IS_NAMED: 1 << 4,
	MAY_LACK_ROWS: 1 << 5,
	IS_INTERNAL: 1 << 6,
	WANTS_LARGE_BIGINTS: 1 << 7,

	// Kinds of values.
	NULL: 0,
	INTEGER: 1,
	REAL: 2,
	TEXT: 3,
	BLOB: 4,
	BIG_INTEGER: 5,

	// Kinds of leases.
	LEASE_RESERVED: 0,
	LEASE_DEFERRED: 1,
	LEASE_IMMEDIATE: 2,
	LEASE_EXCLUSIVE: 3,

	// Actions on a savepoint.
	SAVEPOINT_BEGIN: 0,
	SAVEPOINT_RELEASE: 1,
	SAVEPOINT_ROLLBACK: 2,

	// Numbers that stand for nothing: no lease, nothing that cancels, no request that an event answers.
	NO_LEASE: 0,
	NO_CANCEL: 0,
	NO_REQUEST: 0,

	// 32-bit words of the WAL-index header (sqlite.org/walformat.html), which tell one version of the file from another.
	VERSION_WORDS: 12,
};
