// Randomness, waiting, and taking turns.

import { setTimeout as sleep } from "node:timers/promises";

export { sleep };

/** An integer from `least` to `most`. */
export function between(least, most) {
	return least + Math.floor(Math.random() * (most - least + 1));
}

export function oneOf(choices) {
	return choices[between(0, choices.length - 1)];
}

/** A text whose length varies: mostly short, sometimes longer than a page of the file. */
export function someText() {
	return "x".repeat(Math.random() < 0.02 ? between(4_000, 20_000) : between(0, 300));
}

/** Length and interval of the breaks in which everybody stays away from the file, in every process at the same time. */
const BREAK_MS = 200;
const BREAK_INTERVAL_MS = 600;

/** Shuts the door for the time of each break. Calls `whenEmpty` when everybody has left, `whenOpen` after the break. */
export async function takeBreaks(run, { whenEmpty, whenOpen } = {}) {
	while (!run.isOver()) {
		await sleep(BREAK_INTERVAL_MS - (Date.now() % BREAK_INTERVAL_MS));
		const end = Date.now() + BREAK_MS;
		await run.door.shut();
		await whenEmpty?.();
		await sleep(Math.max(0, end - Date.now()));
		run.door.open();
		await whenOpen?.();
	}
}

/** A door that can be shut: who is inside leaves at the next opportunity, and nobody comes in until it opens. */
export class Door {
	isShut = false;
	#inside = 0;

	async enter() {
		while (this.isShut) await sleep(2);
		this.#inside++;
	}

	leave() {
		this.#inside--;
	}

	/** Resolves when everybody has left. */
	async shut() {
		this.isShut = true;
		while (this.#inside > 0) await sleep(1);
	}

	open() {
		this.isShut = false;
	}
}
