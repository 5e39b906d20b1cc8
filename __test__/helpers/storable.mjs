// What the engine stores that the tests run on.

/** True for a key that it stores: PostgreSQL has no NUL in a text. */
export const isStorable = (key) => process.env.ROOTCELLAR_TEST_POSTGRES === undefined || !key.includes("\0");
