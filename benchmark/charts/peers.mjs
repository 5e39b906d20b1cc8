import { formatNumber } from "../lib/report/format.mjs";
import { medianOf } from "../lib/report/statistics.mjs";
import { describeRun, drawPicture, PANEL_WIDTH, round, text } from "./svg.mjs";

/**
 * Data of a run that the charts show.
 *
 * @typedef {Pick<import("../lib/report/results.mjs").Report, "drivers" | "results" | "machine" | "versions" | "date">} Charted
 */

const GROUP = "key-value";

/** The panels, in reading order. */
const WORKLOADS = [
	"get-100",
	"get-small-cache-100",
	"set-1000",
	"set-1",
	"update-1000",
	"mixed-100",
	"select-1000",
	"set-array",
];

const LABEL_WIDTH = 162;
const VALUE_WIDTH = 72;
const BAR_HEIGHT = 13;
const BAR_STEP = 19;
const TITLE_HEIGHT = 30;
const PANEL_GAP = 22;

/**
 * Draws reads and writes of every driver as SVG: a panel for each workload, a bar for each driver, on a logarithmic
 * scale.
 *
 * @param {Charted} report
 * @returns {string}
 */
export function drawPeers(report) {
	const panels = WORKLOADS.map((workload) => panelOf(report, workload)).filter(({ bars }) => bars.length > 0);
	return drawPicture({
		heading: "rootcellar and its peers: operations per second",
		explanation:
			"Medians of one run; longer is faster. The scale is logarithmic: each line is ten times the one before.",
		description: describe(panels),
		note: "Dashed: does not survive a power loss.",
		ground: describeRun(report),
		panels: panels.map(drawPanel),
		panelHeight: TITLE_HEIGHT + BAR_STEP * Math.max(0, ...panels.map(({ bars }) => bars.length)) + PANEL_GAP,
	});
}

/** @typedef {{ title: string, bars: { name: string, kind: string, number: number }[] }} Panel */

/**
 * @param {Charted} report
 * @param {string} workload
 * @returns {Panel}
 */
function panelOf({ drivers, results }, workload) {
	const place = { group: GROUP, workload };
	const bars = drivers.flatMap(({ id, title, durable }) => {
		const number = medianOf(results, place, id);
		const kind = id === "rootcellar" ? " ours" : durable ? "" : " volatile";
		return number === undefined ? [] : [{ name: title, kind, number }];
	});
	const { title = workload, unit = "" } = results.find((result) => result.workload === workload) ?? {};
	return { title: unit === "ops/s" ? title : `${title} (${unit})`, bars: bars.sort((a, b) => b.number - a.number) };
}

/** @param {Panel} panel */
function drawPanel({ title, bars }) {
	const numbers = bars.map(({ number }) => number);
	const lowest = Math.floor(Math.log10(Math.min(...numbers)) - 0.3);
	const highest = Math.log10(Math.max(...numbers));
	const width = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;
	const position = (/** @type {number} */ exponent) => ((exponent - lowest) / (highest - lowest)) * width;
	const bottom = TITLE_HEIGHT + bars.length * BAR_STEP - 4;
	const lines = [text("title", 0, 14, title)];
	for (let exponent = lowest; exponent <= highest; exponent++) {
		const x = round(LABEL_WIDTH + position(exponent));
		lines.push(`<line class="grid" x1="${x}" x2="${x}" y1="${TITLE_HEIGHT - 6}" y2="${bottom}"/>`);
	}
	for (const [index, { name, kind, number }] of bars.entries()) {
		const y = TITLE_HEIGHT + index * BAR_STEP;
		const length = round(position(Math.log10(number)));
		const own = kind === " ours" ? "ours" : "";
		lines.push(
			text(own, LABEL_WIDTH - 8, y + 8, name, "end"),
			`<rect class="bar${kind}" x="${LABEL_WIDTH}" y="${y - 3}" width="${length}" height="${BAR_HEIGHT}" rx="2"/>`,
			text(own || "muted", LABEL_WIDTH + length + 6, y + 8, formatNumber(number)),
		);
	}
	return lines.join("\n");
}

/** @param {Panel[]} panels */
function describe(panels) {
	const said = panels.map(({ title, bars }) => {
		return `${title}: ${bars.map(({ name, number }) => `${name} ${formatNumber(number)}`).join("; ")}.`;
	});
	return said.join(" ");
}
