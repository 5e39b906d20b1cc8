// A value of SQLite as it is shown: NULL looks unlike an empty text, and no digit of an integer is lost.

import { possibleTime } from "../format";

export type Cell =
	| null
	| string
	| number
	| { int: string }
	| { real: string }
	| { text: string; length: number }
	| { blob: string; bytes: number };

export function isNumeric(cell: Cell): boolean {
	return typeof cell === "number" || (typeof cell === "object" && cell !== null && ("int" in cell || "real" in cell));
}

export function CellView({ cell }: { cell: Cell }) {
	if (cell === null) return <span class="value-null">NULL</span>;
	if (cell === "") return <span class="value-empty">""</span>;
	if (typeof cell === "string") return <>{cell}</>;
	if (typeof cell === "number") {
		const time = possibleTime(cell);
		return (
			<span class="value-int">
				{String(cell)}
				{time && <span class="value-time">{time}</span>}
			</span>
		);
	}
	if ("int" in cell) return <span class="value-int">{cell.int}</span>;
	if ("real" in cell) return <span class="value-real">{cell.real}</span>;
	if ("blob" in cell) {
		return (
			<span class="value-blob" title={`${cell.bytes} bytes`}>
				x'{cell.blob.slice(0, 40)}
				{cell.blob.length > 40 ? "..." : "'"} <span class="muted">{cell.bytes} B</span>
			</span>
		);
	}
	return <>{cell.text}...</>;
}

/** The text of a cell in full, as an editor shows it. */
export function cellText(cell: Cell): string {
	if (cell === null) return "";
	if (typeof cell !== "object") return String(cell);
	if ("int" in cell) return cell.int;
	if ("real" in cell) return cell.real;
	return "blob" in cell ? cell.blob : cell.text;
}
