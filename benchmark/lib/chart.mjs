import { formatNumber } from "./format.mjs";
import { medianOf } from "./statistics.mjs";

/**
 * What the chart shows of a run: a panel for each workload, a bar for each driver, on a logarithmic scale.
 *
 * @typedef {Pick<import("./results.mjs").Report, "drivers" | "results" | "machine" | "versions" | "date">} Charted
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

const COLUMNS = 2;
const WIDTH = 960;
const MARGIN = 24;
const HEADER_HEIGHT = 84;
const FOOTER_HEIGHT = 34;
const PANEL_WIDTH = (WIDTH - MARGIN * (COLUMNS + 1)) / COLUMNS;
const LABEL_WIDTH = 150;
const VALUE_WIDTH = 72;
const BAR_HEIGHT = 13;
const BAR_STEP = 19;
const TITLE_HEIGHT = 30;
const PANEL_GAP = 22;

/** Its own ground, so that it can be read on any page; darker where the reader prefers that. */
const STYLE = `
	.ground { fill: #ffffff; stroke: #d0d7de; }
	text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #1f2328; }
	.heading { font-size: 18px; font-weight: 600; }
	.title { font-size: 13px; font-weight: 600; }
	.muted { fill: #59636e; }
	.ours { font-weight: 600; }
	.bar { fill: #8c959f; }
	.bar.ours { fill: #1a7f37; }
	.bar.volatile { fill: #ffffff; stroke: #8c959f; stroke-dasharray: 3 2; }
	.grid { stroke: #e4e8ec; }
	@media (prefers-color-scheme: dark) {
		.ground { fill: #0d1117; stroke: #3d444d; }
		text { fill: #f0f6fc; }
		.muted { fill: #9198a1; }
		.bar { fill: #656c76; }
		.bar.ours { fill: #2ea043; }
		.bar.volatile { fill: #0d1117; stroke: #9198a1; }
		.grid { stroke: #21262d; }
	}`;

/**
 * Draws the chart as SVG.
 *
 * @param {Charted} report
 * @returns {string}
 */
export function drawChart(report) {
	const panels = WORKLOADS.map((workload) => panelOf(report, workload)).filter(({ bars }) => bars.length > 0);
	const panelHeight = TITLE_HEIGHT + BAR_STEP * Math.max(0, ...panels.map(({ bars }) => bars.length)) + PANEL_GAP;
	const height = HEADER_HEIGHT + Math.ceil(panels.length / COLUMNS) * panelHeight + FOOTER_HEIGHT;
	const drawn = panels.map((panel, index) => {
		const x = MARGIN + (index % COLUMNS) * (PANEL_WIDTH + MARGIN);
		const y = HEADER_HEIGHT + Math.floor(index / COLUMNS) * panelHeight;
		return `<g transform="translate(${x} ${y})">\n${drawPanel(panel)}\n</g>`;
	});
	const heading = "rootcellar and its peers: operations per second";
	const { machine, versions, date } = report;
	const ground = `${machine.cores} cores of ${machine.cpu}, Node ${machine.node.slice(1)}, ${date.slice(0, 10)}`;
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
		`<title>${heading}</title>`,
		`<desc>${escapeXml(describe(panels))}</desc>`,
		`<style>${STYLE}\n</style>`,
		`<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
		`<text class="heading" x="${MARGIN}" y="38">${heading}</text>`,
		text(
			"muted",
			MARGIN,
			60,
			"Medians of one run; longer is faster. The scale is logarithmic: each line is ten times the one before.",
		),
		...drawn,
		text(
			"muted",
			MARGIN,
			height - 16,
			`Dashed: does not survive a power loss. ${ground}. rootcellar ${versions.rootcellar}.`,
		),
		"</svg>\n",
	].join("\n");
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
	const lines = [`<text class="title" x="0" y="14">${escapeXml(title)}</text>`];
	for (let exponent = lowest; exponent <= highest; exponent++) {
		const x = round(LABEL_WIDTH + position(exponent));
		lines.push(`<line class="grid" x1="${x}" x2="${x}" y1="${TITLE_HEIGHT - 6}" y2="${bottom}"/>`);
	}
	for (const [index, { name, kind, number }] of bars.entries()) {
		const y = TITLE_HEIGHT + index * BAR_STEP;
		const length = round(position(Math.log10(number)));
		const own = kind === " ours" ? "ours" : "";
		lines.push(
			`<text class="${own}" x="${LABEL_WIDTH - 8}" y="${y + 8}" text-anchor="end">${escapeXml(name)}</text>`,
			`<rect class="bar${kind}" x="${LABEL_WIDTH}" y="${y - 3}" width="${length}" height="${BAR_HEIGHT}" rx="2"/>`,
			text(own || "muted", round(LABEL_WIDTH + length + 6), y + 8, formatNumber(number)),
		);
	}
	return lines.join("\n");
}

/**
 * What the chart says, for those who cannot see it.
 *
 * @param {Panel[]} panels
 */
function describe(panels) {
	const said = panels.map(({ title, bars }) => {
		return `${title}: ${bars.map(({ name, number }) => `${name} ${formatNumber(number)}`).join("; ")}.`;
	});
	return said.join(" ");
}

/**
 * @param {string} kind
 * @param {number} x
 * @param {number} y
 * @param {string} words
 */
const text = (kind, x, y, words) => `<text class="${kind}" x="${x}" y="${y}">${escapeXml(words)}</text>`;

/** @param {number} number */
const round = (number) => Math.round(number * 10) / 10;

/** @param {string} words */
function escapeXml(words) {
	return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
