/**
 * A number with about three digits that count, and thousands apart: `1,234,567`, `12.3`, `0.123`.
 *
 * @param {number} number
 */
export function formatNumber(number) {
	if (number >= 100) return Math.round(number).toLocaleString("en-US");
	return String(Number(number.toPrecision(3)));
}

/**
 * Lines of a table with aligned columns: the first one to the left, the others to the right but those of words.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 * @param {readonly number[]} [leftColumns] - Columns that are aligned to the left.
 */
export function formatTable(head, rows, leftColumns = [0]) {
	const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
	const line = (/** @type {readonly string[]} */ cells) =>
		cells
			.map((cell, column) =>
				leftColumns.includes(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
			)
			.join("  ")
			.trimEnd();
	return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}
