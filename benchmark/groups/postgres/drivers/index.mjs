import { keyvPostgres } from "./keyv.mjs";
import { pg } from "./pg.mjs";
import { postgresJs } from "./postgres-js.mjs";
import { rootcellar } from "./rootcellar.mjs";
import { sdk } from "./sdk.mjs";

/**
 * A store on PostgreSQL as every driver offers it. Values are JavaScript objects on both sides.
 *
 * @typedef {object} Store
 * @property {(key: string) => Promise<any>} get
 * @property {(key: string, value: any) => Promise<unknown>} set
 * @property {(key: string, change: (value: any) => any) => Promise<unknown>} update - Of a key that exists; atomic, but for
 * keyv's and the SDK's.
 * @property {() => Promise<unknown>} close
 *
 * @typedef {object} Driver
 * @property {string} id
 * @property {string} title
 * @property {string[]} packages - Whose versions the results name.
 * @property {boolean} [freshKeys] - Whether `set` must be given keys that do not exist yet.
 * @property {(database: string) => Promise<Store>} open - Opens an empty database, and makes what it needs there.
 */

/** Connections of a pool: the default of `pg` and of postgres.js. */
export const POOL_SIZE = 10;

/** @type {readonly Driver[]} */
export const drivers = [rootcellar, postgresJs, pg, keyvPostgres, sdk];
