import { betterSqlite3Full, betterSqlite3Normal } from "./better-sqlite3.mjs";
import { classicLevel } from "./classic-level.mjs";
import { denoKv } from "./deno-kv.mjs";
import { keyv } from "./keyv.mjs";
import { lmdb } from "./lmdb.mjs";
import { map } from "./map.mjs";
import { rootcellar } from "./rootcellar.mjs";
import { sdk } from "./sdk.mjs";

/**
 * A store as every driver offers it. Values are JavaScript objects on both sides: a driver does its own JSON.
 *
 * Drivers of synchronous peers are synchronous: such a peer is not made slower by a promise that it does not
 * need.
 *
 * @typedef {object} Store
 * @property {(key: string) => any} get
 * @property {(key: string, value: object) => unknown} set
 * @property {(entries: Entry[]) => unknown} setMany - In one transaction where the peer has one.
 * @property {(key: string, change: (value: any) => any) => unknown} update - Atomic within the process at least.
 * @property {(prefix: string) => Entry[] | Promise<Entry[]>} select - Every entry whose key begins with the prefix.
 * @property {() => unknown} close
 *
 * @typedef {{ key: string, value: any }} Entry
 *
 * @typedef {object} Driver
 * @property {string} id
 * @property {string} title
 * @property {string[]} packages - Whose versions the results name.
 * @property {string} durability - What a resolved (or returned) write has survived.
 * @property {boolean} durable - Whether that includes a power loss.
 * @property {number} [arrayMax] - At most as many entries in one call of `setMany`.
 * @property {boolean} [freshKeys] - Whether `set` must be given keys that do not exist yet.
 * @property {() => Promise<unknown>} load - Imports the package, and nothing else.
 * @property {(folder: string, entries: Entry[]) => unknown} [fill] - Puts entries into a new store by another way
 * than `setMany`, because that would take minutes. Not measured.
 * @property {(folder: string, options?: { cacheBytes?: number }) => Promise<Store>} open
 */

/** @type {readonly Driver[]} */
export const drivers = [rootcellar, map, lmdb, betterSqlite3Full, betterSqlite3Normal, classicLevel, keyv, denoKv, sdk];
