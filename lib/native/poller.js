"use strict";

const { performance } = require("node:perf_hooks");
const { LOOK_OUT_COMMANDS_MAX, LOOK_OUT_MS, LOOK_OUT_PAUSE_MAX, LOOK_OUT_PAUSE_MIN } = require("../base/limits.js");
const { nextTurn } = require("../process/event-loop.js");

/**
 * Looks for events in each turn of the event loop, for a moment after a small batch was sent: that takes little longer
 * than it takes to be woken up. Where the moment is too short, because the disk is slow or the processors are busy,
 * looking does harm, and is given up for a while.
 */
class LookOut {
	/**
	 * @param {() => boolean} look handles what has happened, and returns whether anything is still awaited
	 */
	constructor(look) {
		this.look = look;
		this.isLooking = false;
		this.until = 0;
		/** For how many batches there is no looking out. */
		this.pause = 0;
		this.nextPause = LOOK_OUT_PAUSE_MIN;
		this.turn = () => this.lookOnce();
	}

	/**
	 * A batch was sent.
	 *
	 * @param {number} commands how many it has
	 */
	sent(commands) {
		if (this.pause > 0) {
			this.pause--;
		} else if (commands <= LOOK_OUT_COMMANDS_MAX) {
			this.until = performance.now() + LOOK_OUT_MS;
			if (!this.isLooking) {
				this.isLooking = true;
				nextTurn(this.turn);
			}
		}
	}

	lookOnce() {
		const isLate = performance.now() >= this.until;
		const isAwaiting = this.look();
		if (isAwaiting && !isLate) {
			nextTurn(this.turn);
			return;
		}
		this.pause = isLate ? this.nextPause : 0;
		this.nextPause = isLate ? Math.min(2 * this.pause, LOOK_OUT_PAUSE_MAX) : LOOK_OUT_PAUSE_MIN;
		this.isLooking = false;
	}
}

module.exports = { LookOut };
