"use strict";

const { performance } = require("node:perf_hooks");
const { POLL_COMMANDS_MAX, POLL_MS, POLL_PAUSE_MAX, POLL_PAUSE_MIN } = require("../../base/limits.js");
const { nextTurn } = require("../../process/event-loop.js");

/**
 * Polls for events in each turn of the event loop, for a moment after a small batch or read was sent: it takes hardly
 * longer than a wake-up does. Where the moment is too short, because the disk is slow or the processors are busy, polling
 * does harm, and stops for a while.
 */
class Poller {
	/**
	 * @param {() => boolean} poll handles the events that there are, and returns whether any are still awaited
	 */
	constructor(poll) {
		this.poll = poll;
		this.isPolling = false;
		this.until = 0;
		/** Number of requests to come without polling. */
		this.pause = 0;
		this.nextPause = POLL_PAUSE_MIN;
		this.turn = () => this.pollOnce();
	}

	/**
	 * Begins after a request was sent.
	 *
	 * @param {number} commands of a batch, or keys of a read
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
