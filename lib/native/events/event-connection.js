"use strict";

const { ROWS_LENGTH_MAX } = require("../../base/limits.js");
const { nextTurn } = require("../../process/event-loop.js");
const { NO_LEASE, NO_REQUEST } = require("../protocol.js");
const { Requests } = require("../requests.js");
const { Poller } = require("./poller.js");

/**
 * @typedef {import("../addon").Event} Event
 * @typedef {import("../requests.js").EventHandler} EventHandler
 */

/**
 * Scope of a watch: some keys, or those of a range.
 *
 * @typedef {{ keys: string[] | undefined, range: { from: string, to: string | undefined }, community: string | undefined }} WatchScope
 */

/** Connections with a request under way. The set keeps them, and the process, alive until it is answered. */
const busy = new Set();

/** Answer that is awaited, with its handler until it has come: see `LatestChanges`. */
class AwaitedAnswer {
	/**
	 * @param {EventHandler} handler
	 */
	constructor(handler) {
		this.handler = handler;
	}
}

/** @type {EventHandler} */
const isAnswered = () => true;

/**
 * Boundary to a store of the addon: numbers requests, and takes each event to the request that it answers.
 *
 * @abstract
 */
class EventConnection extends Requests {
	/**
	 * @param {(wake: () => void) => any} makeNative which must hold nothing of the connection
	 */
	constructor(makeNative) {
		/** @type {WeakRef<EventConnection> | undefined} */
		let weak;
		// A store that was dropped without being closed must not be kept by its own callback. So no other function here may
		// use `this`: the functions of a scope share what they hold.
		super(
			makeNative(() => weak?.deref()?.dispatch()),
			NO_LEASE,
		);
		weak = new WeakRef(this);
		/** @type {Map<number, AwaitedAnswer>} */
		this.handlers = new Map();
		/** @type {Map<number, (event: Event) => void>} handlers of watches, which keep neither the process nor a closing store */
		this.watches = new Map();
		this.lastId = 0;
		this.poller = pollerFor(this);
		/** True if it keeps the process alive. */
		this.isHeld = false;
		/** True if that will end in the next turn of the event loop, if it can. */
		this.isReleasing = false;
		/** True if the events that there are will be handled in the next turn of the event loop. */
		this.isResting = false;
		/** @type {(() => void) | undefined} */
		this.whenIdle = undefined;
		/** @type {(() => void)[]} called when it is closed */
		this.ends = [];
		/** @type {(() => void) | undefined} called when it is closed although it is in use, because the process ends */
		this.whenLost = undefined;
	}

	/**
	 * Takes an event that answers no request.
	 *
	 * @param {Event} _event
	 */
	notice(_event) {}

	/**
	 * Releases the store, once every request under way has been answered.
	 *
	 * @param {() => void} callback
	 */
	close(callback) {
		if (this.handlers.size > 0) {
			this.whenIdle = () => this.close(callback);
			return;
		}
		const closed = () => {
			this.forget();
			callback();
		};
		this.native.close(this.expectOne(closed));
	}

	/** Has nothing done for it at the end of the process any more. */
	forget() {
		for (const end of this.ends.splice(0)) {
			end();
		}
	}

	/**
	 * Waits for an event without returning to the event loop, and handles it.
	 *
	 * @param {number} waitMs
	 * @returns {boolean} whether there was one
	 */
	waitForEvent(waitMs) {
		const event = this.native.nextEvent(waitMs);
		if (event) {
			this.handle(event);
		}
		return event !== null;
	}

	/**
	 * Handles the events that there are. Many rows are handled in several turns of the event loop, also if more of them
	 * arrive meanwhile: Node calls back for what arrives while it calls back.
	 */
	dispatch() {
		if (this.isResting) {
			return;
		}
		let length = 0;
		for (let event = this.native.nextEvent(0); event; event = this.native.nextEvent(0)) {
			this.handle(event);
			length += event.rows?.json.length ?? 0;
			if (length > ROWS_LENGTH_MAX) {
				this.isResting = true;
				nextTurn(() => {
					this.isResting = false;
					this.dispatch();
				});
				return;
			}
		}
	}

	/**
	 * @param {Event} event
	 */
	handle(event) {
		if (event.id === NO_REQUEST) {
			this.notice(event);
			return;
		}
		const awaited = this.handlers.get(event.id);
		if (awaited === undefined) {
			this.watches.get(event.id)?.(event);
		} else if (awaited.handler(event)) {
			this.handlers.delete(event.id);
			awaited.handler = isAnswered;
			if (this.handlers.size === 0) {
				this.releaseSoon();
				const { whenIdle } = this;
				this.whenIdle = undefined;
				whenIdle?.();
			}
		}
	}

	/**
	 * Numbers a request.
	 *
	 * @override
	 * @param {EventHandler} handler
	 * @returns {number}
	 */
	expect(handler) {
		if (!this.isHeld) {
			this.isHeld = true;
			busy.add(this);
			this.native.hold(true);
		}
		const id = this.nextId();
		this.handlers.set(id, new AwaitedAnswer(handler));
		return id;
	}

	/**
	 * Lets the process end, unless there is another request by the next turn: of writes one after another, each would else
	 * wait for the thread that wakes this one.
	 */
	releaseSoon() {
		if (!this.isReleasing) {
			this.isReleasing = true;
			nextTurn(() => {
				this.isReleasing = false;
				if (this.handlers.size === 0) {
					this.isHeld = false;
					busy.delete(this);
					this.native.hold(false);
				}
			});
		}
	}

	nextId() {
		this.lastId = (this.lastId + 1) >>> 0;
		if (this.lastId === NO_REQUEST) {
			this.lastId++;
		}
		return this.lastId;
	}

	/**
	 * Watches keys. The events are `started` if the snapshot was taken later, `done` when all is known of the keys, one
	 * `changed` for each call of `nextChanges`, and `failed`.
	 *
	 * @param {WatchScope} scope
	 * @param {(event: Event) => void} handler
	 * @returns {{ id: number, isStarted: boolean }}
	 */
	watch({ keys, range, community }, handler) {
		const id = this.nextId();
		this.watches.set(id, handler);
		const isStarted = this.native.watch(id, keys, range.from, range.to, community, Date.now());
		return { id, isStarted };
	}

	/**
	 * Asks a watch for what has changed, as soon as something has.
	 *
	 * @param {number} id
	 */
	nextChanges(id) {
		this.native.watchNext(id, Date.now());
	}

	/**
	 * Ends a watch.
	 *
	 * @param {number} id
	 */
	unwatch(id) {
		if (this.watches.delete(id)) {
			this.native.unwatch(id);
		}
	}
}

/**
 * @param {EventConnection} connection
 */
function pollerFor(connection) {
	return new Poller(() => {
		connection.dispatch();
		return connection.handlers.size > 0;
	});
}

module.exports = { EventConnection };
