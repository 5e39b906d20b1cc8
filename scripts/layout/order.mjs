/**
 * The order of what lies in a folder, from the top: each may import what is named on a line below its own. What is not
 * named is every other file of the folder, and stands where the `*` is. `mod.rs` and `lib.rs` only declare and name
 * again; an item counts as imported from where it is. A file may have a place apart from its folder's.
 *
 * @type {Record<string, string>}
 */
export const ORDER = {
	lib: `
		cli/program.js
		studio
		adapters  cli
		data-store.js
		open-store.js
		api
		queue
		cache
		native
		config  process
		base
		native/addon.d.ts
	`,
	"lib/api": `
		transaction.js
		backup  migrations  postgres-transaction.js
		kv
		*
	`,
	"lib/native": `
		lazy-connection.js
		postgres
		connection.js  lease-connection.js  destination.js  signals.js
		events
		*
	`,
	"lib/queue": `
		*
		encoding  reads
		writes.js  change.js
	`,
	"lib/config": `
		location.js
		postgres
		*
	`,
	"lib/cli": `
		program.js
		import  migrate  states
		backup-commands.js  export.js
		server
		*
	`,
	"lib/studio": `
		command.js
		server.js
		routes
		*
		downloads.js  moments.js
		guard.js  exchange.js
		values
		limits.js
	`,
	"lib/cli/import": `
		*
		sources
		values
	`,
	"lib/adapters": `
		drizzle  knex  kysely
		*
	`,
	src: `
		node
		backup
		engine
		batch.rs  reads.rs
		kv  sql
		ltx
		reply.rs  threads.rs
		error
		*
	`,
	"src/node": `
		postgres
		*
		state
		convert
	`,
	"src/engine": `
		postgres  sqlite
	`,
	"src/engine/postgres": `
		engine.rs
		write
		maintenance.rs  watch.rs
		read
		query.rs  admin.rs
		table
		sql.rs
		net
		failure.rs  guard.rs  time.rs
	`,
	"src/engine/sqlite": `
		engine.rs  registry.rs
		stray_log.rs
		write
		read  sql  watch
		checkpoint
		connection.rs
		table
		guard  wal
		locks
		*
	`,
	"src/backup/service": `
		*
		signals
	`,
	"src/backup": `
		service
		recover
		publish
		events.rs
		difference
		restore
		local
		capture
		destination
		catalog
		fs
	`,
};
