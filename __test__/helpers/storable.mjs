// Keys that the engine can store on which the tests run.

/** True for a key that it stores: PostgreSQL has no NUL in a text. */
export const isStorable = (key) => process.env.ROOTCELLAR_TEST_POSTGRES === undefined || !key.includes("\0");
