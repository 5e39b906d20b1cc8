import { sizesOf, subjectOf } from "../groups/scale/index.mjs";
import { formatNumber } from "../lib/report/format.mjs";
import { medianOf } from "../lib/report/statistics.mjs";
import { describeRun, drawPicture, PANEL_WIDTH, round, text } from "./svg.mjs";

/** @typedef {import("./peers.mjs").Charted & Pick<import("../lib/report/results.mjs").Report, "profile">} Charted */

const GROUP = "scale";

/** The panels, in reading order. */
const WORKLOADS = ["get-small-cache-100", "set-1000", "select-1000", "load"];

const SCALE_WIDTH = 46;
const LABEL_WIDTH = 180;
const TITLE_HEIGHT = 30;
const PLOT_HEIGHT = 150;
const PANEL_HEIGHT = TITLE_HEIGHT + PLOT_HEIGHT + 44;

/** Labels of lines that end closer to each other are moved apart. */
const LABEL_STEP = 16;

/** Margin above the fastest and below the slowest, as a factor. */
const ROOM = 1.3;

/**
 * Draws how the stores behave as they grow, as SVG: a panel for each workload, a line for each driver, on logarithmic
 * scales.
 *
 * @param {Charted} report
 * @returns {string}
 */
export function drawGrowth(report) {
	const panels = WORKLOADS.map((workload) => panelOf(report, workload)).filter(({ lines }) => lines.length > 0);
	const sizes = Object.values(sizesOf(report.profile)).map(inWords);
	return drawPicture({
		heading: `From ${sizes[0]} to ${sizes.at(-1)} keys: operations per second`,
		explanation: "Medians of one run; higher is faster, and level is a store that does not slow down as it grows.",
		description: describe(panels),
		note: "Keys were stored in a random order. Scales are logarithmic.",
		ground: describeRun(report),
		panels: panels.map(drawPanel),
		panelHeight: PANEL_HEIGHT,
	});
}

/**
 * @typedef {{ keys: number, number: number }} Point
 * @typedef {{ name: string, kind: string, points: Point[] }} Line
 * @typedef {{ title: string, lines: Line[] }} Panel
 */

/**
 * @param {Charted} report
 * @param {string} workload
 * @returns {Panel}
 */
function panelOf({ drivers, results, profile }, workload) {
	const place = { group: GROUP, workload };
	const sizes = Object.entries(sizesOf(profile));
	const lines = drivers.map(({ id, title }) => ({
		name: title,
		kind: id === "rootcellar" ? " ours" : "",
		points: sizes.flatMap(([size, keys]) => {
			const number = medianOf(results, place, subjectOf(id, size));
			return number === undefined ? [] : [{ keys, number }];
		}),
	}));
	const { title = workload, unit = "" } =
		results.find((result) => result.group === GROUP && result.workload === workload) ?? {};
	return {
		title: unit === "ops/s" ? title : `${title} (${unit})`,
		lines: lines.filter(({ points }) => points.length > 0),
	};
}

/** @param {Panel} panel */
function drawPanel({ title, lines }) {
	const points = lines.flatMap((line) => line.points);
	const across = scaleOf(
		points.map(({ keys }) => keys),
		1,
		PANEL_WIDTH - SCALE_WIDTH - LABEL_WIDTH,
	);
	const up = scaleOf(
		points.map(({ number }) => number),
		ROOM,
		PLOT_HEIGHT,
	);
	const bottom = TITLE_HEIGHT + PLOT_HEIGHT;
	const right = PANEL_WIDTH - LABEL_WIDTH;
	const drawn = [text("title", 0, 14, title)];
	for (const number of up.ticks) {
		const y = round(bottom - up.at(number));
		drawn.push(`<line class="grid" x1="${SCALE_WIDTH}" x2="${right}" y1="${y}" y2="${y}"/>`);
		drawn.push(text("muted", SCALE_WIDTH - 6, y + 4, inWords(number), "end"));
	}
	for (const keys of new Set(points.map((point) => point.keys))) {
		drawn.push(text("muted", SCALE_WIDTH + across.at(keys), bottom + 20, inWords(keys), "middle"));
	}
	const places = lines.map((line) => ({
		...line,
		at: line.points.map(({ keys, number }) => [round(SCALE_WIDTH + across.at(keys)), round(bottom - up.at(number))]),
	}));
	// The line of this package is drawn last, over the others.
	for (const { kind, at } of places.toReversed()) {
		drawn.push(`<polyline class="line${kind}" points="${at.map((pair) => pair.join(",")).join(" ")}"/>`);
		for (const [x, y] of at) drawn.push(`<circle class="point${kind}" cx="${x}" cy="${y}" r="3.5"/>`);
	}
	const ends = places.map(({ name, kind, points: own, at }) => ({
		words: `${name} ${inWords(own[own.length - 1].number)}`,
		kind: kind.trim() || "muted",
		y: at[at.length - 1][1],
	}));
	for (const { words, kind, y } of movedApart(ends)) drawn.push(text(kind, right + 8, y + 4, words));
	return drawn.join("\n");
}

/**
 * A logarithmic scale over some numbers, and the powers of ten (or halves of them, where those are few) in it.
 *
 * @param {readonly number[]} numbers
 * @param {number} room
 * @param {number} length
 */
function scaleOf(numbers, room, length) {
	const [low, high] = [Math.min(...numbers) / room, Math.max(...numbers) * room].map(Math.log10);
	const ticks = [];
	for (let exponent = Math.floor(low); exponent <= high; exponent++) {
		for (const number of [10 ** exponent, 3 * 10 ** exponent]) {
			if (Math.log10(number) >= low && Math.log10(number) <= high) ticks.push(number);
		}
	}
	const range = high - low || 1;
	return { ticks, at: (/** @type {number} */ number) => ((Math.log10(number) - low) / range) * length };
}

/**
 * Labels with no two of them closer than a line of text, from the top down.
 *
 * @template {{ y: number }} Label
 * @param {readonly Label[]} labels
 * @returns {Label[]}
 */
function movedApart(labels) {
	/** @type {Label[]} */
	const moved = [];
	for (const label of labels.toSorted((a, b) => a.y - b.y)) {
		const free = (moved.at(-1)?.y ?? Number.NEGATIVE_INFINITY) + LABEL_STEP;
		moved.push({ ...label, y: Math.max(label.y, free) });
	}
	return moved;
}

/**
 * A number in a few characters: `1.2 M`, `340 k`.
 *
 * @param {number} number
 */
function inWords(number) {
	if (number >= 1e6) return `${formatNumber(number / 1e6)} M`;
	if (number >= 1000) return `${formatNumber(number / 1000)} k`;
	return formatNumber(number);
}

/** @param {Panel[]} panels */
function describe(panels) {
	const said = panels.map(({ title, lines }) => {
		const grown = lines.map(({ name, points }) => {
			return `${name} ${points.map(({ keys, number }) => `${formatNumber(number)} at ${inWords(keys)}`).join(", ")}`;
		});
		return `${title}: ${grown.join("; ")}.`;
	});
	return said.join(" ");
}
