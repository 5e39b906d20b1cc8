"use strict";

const { performance } = require("node:perf_hooks");
const { POLL_COMMANDS_MAX, POLL_MS, POLL_PAUSE_MAX, POLL_PAUSE_MIN } = require("../base/limits.js");
const { nextTurn } = require("../process/event-loop.js");

/**
 * Looks for events in each turn of the event loop, for a moment after a small batch was sent: that takes little longer
 * than it takes to be woken up. Where the moment is too short, because the disk is slow or the processors are busy,
 * looking does harm, and is given up for a while.
 */
class Poller {
	/**
	 * @param {() => boolean} poll handles what has happened, and returns whether anything is still awaited
	 */
	constructor(poll) {
		this.poll = poll;
		this.isPolling = false;
		this.until = 0;
		/** For how many batches there is no looking out. */
		this.pause = 0;
		this.nextPause = POLL_PAUSE_MIN;
		this.turn = () => this.pollOnce();
	}

	/**
	 * A batch was sent.
	 *
	 * @param {number} commands how many it has
	 */
	sent(commands) {
		if (this.pause > 0) {
			this.pause--;
		} else if (commands <= POLL_COMMANDS_MAX) {
			this.until = performance.now() + POLL_MS;
			if (!this.isPolling) {
				this.isPolling = true;
				nextTurn(this.turn);
			}
		}
	}

	pollOnce() {
		const isLate = performance.now() >= this.until;
		const isAwaiting = this.poll();
		if (isAwaiting && !isLate) {
			nextTurn(this.turn);
			return;
		}
		this.pause = isLate ? this.nextPause : 0;
		this.nextPause = isLate ? Math.min(2 * this.pause, POLL_PAUSE_MAX) : POLL_PAUSE_MIN;
		this.isPolling = false;
	}
}

module.exports = { Poller };
