// Rows of a query.

import { type Cell, CellView, isNumeric } from "./cell";

interface ResultProps {
	label: string;
	columns: { name: string; note?: string }[];
	rows: Cell[][];
	selected?: number | undefined;
	open?: (index: number) => void;
}

/** A table of rows. Where they can be opened, one of them is in the order of the keyboard. */
export function Result({ label, columns, rows, selected, open }: ResultProps) {
	const numeric = columns.map(
		(_, at) => rows.length > 0 && rows.every((row) => row[at] === null || isNumeric(row[at] ?? null)),
	);
	const press = (event: KeyboardEvent, index: number) => {
		const row = event.currentTarget as HTMLElement;
		if (event.key === "Enter" || event.key === " ") open?.(index);
		else if (event.key === "ArrowDown") (row.nextElementSibling as HTMLElement | null)?.focus();
		else if (event.key === "ArrowUp") (row.previousElementSibling as HTMLElement | null)?.focus();
		else return;
		event.preventDefault();
	};
	return (
		<table class="data" aria-label={label}>
			<thead>
				<tr>
					{columns.map(({ name, note }, at) => (
						<th key={at} scope="col" class={numeric[at] ? "num" : ""}>
							{name}
							{note && <span class="type">{note}</span>}
						</th>
					))}
				</tr>
			</thead>
			<tbody>
				{rows.map((row, index) => (
					<tr
						key={index}
						tabIndex={open ? 0 : undefined}
						aria-selected={open ? index === selected : undefined}
						onClick={() => open?.(index)}
						onKeyDown={open && ((event) => press(event, index))}
					>
						{row.map((cell, at) => (
							<td key={at} class={numeric[at] ? "num" : ""}>
								<CellView cell={cell} />
							</td>
						))}
					</tr>
				))}
			</tbody>
		</table>
	);
}
