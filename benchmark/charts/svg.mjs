// Shared parts of the charts: size, look, and text.

/** About the width of a page on which a README is shown, so that text keeps its size there. */
export const WIDTH = 820;
export const MARGIN = 20;
export const COLUMNS = 2;
export const PANEL_WIDTH = (WIDTH - MARGIN * (COLUMNS + 1)) / COLUMNS;

const HEADER_HEIGHT = 82;
const FOOTER_HEIGHT = 52;

/** Its own ground, so that it can be read on any page; darker where the reader prefers that. */
const STYLE = `
	.ground { fill: #ffffff; stroke: #d0d7de; }
	text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; fill: #1f2328; }
	.heading { font-size: 19px; font-weight: 600; }
	.title { font-size: 14px; font-weight: 600; }
	.muted { fill: #59636e; }
	text.ours { font-weight: 600; fill: #1a7f37; }
	.bar { fill: #8c959f; }
	.bar.ours { fill: #1a7f37; }
	.bar.volatile { fill: #ffffff; stroke: #8c959f; stroke-dasharray: 3 2; }
	.grid { stroke: #e4e8ec; }
	.line { fill: none; stroke: #8c959f; stroke-width: 2; }
	.line.ours { stroke: #1a7f37; stroke-width: 3; }
	.point { fill: #8c959f; }
	.point.ours { fill: #1a7f37; }
	@media (prefers-color-scheme: dark) {
		.ground { fill: #0d1117; stroke: #3d444d; }
		text { fill: #f0f6fc; }
		.muted { fill: #9198a1; }
		text.ours { fill: #3fb950; }
		.bar { fill: #656c76; }
		.bar.ours { fill: #2ea043; }
		.bar.volatile { fill: #0d1117; stroke: #9198a1; }
		.grid { stroke: #21262d; }
		.line { stroke: #656c76; }
		.line.ours { stroke: #3fb950; }
		.point { fill: #656c76; }
		.point.ours { fill: #3fb950; }
	}`;

/**
 * A picture of panels, in reading order.
 *
 * @param {object} picture
 * @param {string} picture.heading
 * @param {string} picture.explanation - How it is to be read.
 * @param {string} picture.description - What it says, for those who cannot see it.
 * @param {string} picture.note - Stands below, above what it was measured on.
 * @param {string} picture.ground
 * @param {readonly string[]} picture.panels - Drawn with their own origin.
 * @param {number} picture.panelHeight
 * @returns {string}
 */
export function drawPicture({ heading, explanation, description, note, ground, panels, panelHeight }) {
	const height = HEADER_HEIGHT + Math.ceil(panels.length / COLUMNS) * panelHeight + FOOTER_HEIGHT;
	const placed = panels.map((panel, index) => {
		const x = MARGIN + (index % COLUMNS) * (PANEL_WIDTH + MARGIN);
		const y = HEADER_HEIGHT + Math.floor(index / COLUMNS) * panelHeight;
		return `<g transform="translate(${x} ${y})">\n${panel}\n</g>`;
	});
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
		`<title>${escapeXml(heading)}</title>`,
		`<desc>${escapeXml(description)}</desc>`,
		`<style>${STYLE}\n</style>`,
		`<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
		text("heading", MARGIN, 36, heading),
		text("muted", MARGIN, 58, explanation),
		...placed,
		text("muted", MARGIN, height - 34, note),
		text("muted", MARGIN, height - 16, ground),
		"</svg>\n",
	].join("\n");
}

/**
 * Machine on which the numbers were measured.
 *
 * @param {Pick<import("../lib/report/results.mjs").Report, "machine" | "versions" | "date">} report
 */
export function describeRun({ machine, versions, date }) {
	const { cores, cpu, node } = machine;
	return `${cores} cores of ${cpu}, Node ${node.slice(1)}, ${date.slice(0, 10)}, rootcellar ${versions.rootcellar}.`;
}

/**
 * @param {string} kind
 * @param {number} x
 * @param {number} y
 * @param {string} words
 * @param {"start" | "middle" | "end"} [anchor]
 */
export function text(kind, x, y, words, anchor = "start") {
	return `<text class="${kind}" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeXml(words)}</text>`;
}

/** @param {number} number */
export const round = (number) => Math.round(number * 10) / 10;

/** @param {string} words */
export function escapeXml(words) {
	return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
