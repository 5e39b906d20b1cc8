// A row: its values in full, each of which can be changed where something tells the row.

import { useState } from "preact/hooks";
import { type ApiError, call, download } from "../../api";
import { possibleTime } from "../../format";
import { Confirm, Failure, Spinner, useAnswer } from "../../parts/basics";
import { type Cell, CellView, cellText } from "../../parts/cell";
import { draftsOf } from "../../parts/drafts";
import { at, canWrite, notify } from "../../state";
import type { Column, Table } from "./schema";

interface RowProps {
	table: Table;
	/** `undefined` for a new row. */
	rowKey: Cell[] | undefined;
	row: Cell[] | undefined;
	changed: () => void;
	close: () => void;
}

export function RowDetail({ table, rowKey, row, changed, close }: RowProps) {
	const [isDeleting, setDeleting] = useState(false);
	const isKnown = rowKey !== undefined && rowKey.length > 0;
	const isEditable = canWrite.value && !table.isOwn && isKnown && table.kind === "table";
	return (
		<>
			<div class="head">
				<button type="button" class="button small only-phone" onClick={close}>
					Back
				</button>
				<h2 class="grow cut">
					{rowKey === undefined
						? `New row of ${table.name}`
						: isKnown
							? `Row ${rowKey.map(cellText).join(", ")}`
							: "Row"}
				</h2>
				<button type="button" class="button plain small not-phone" aria-label="Close" onClick={close}>
					✕
				</button>
			</div>
			{rowKey === undefined ? (
				<NewRow table={table} changed={changed} close={close} />
			) : (
				<div class="scroll stack" style={{ padding: "12px" }}>
					{!isKnown && <p class="note">Nothing tells this row from others, so it cannot be changed here.</p>}
					{table.columns.map((column, index) =>
						isKnown ? (
							<Value
								key={column.name}
								table={table}
								column={column}
								rowKey={rowKey}
								isEditable={isEditable && !column.isGenerated}
								changed={changed}
							/>
						) : (
							<div class="label" key={column.name}>
								{column.name}
								<span>
									<CellView cell={row?.[index] ?? null} />
								</span>
							</div>
						),
					)}
				</div>
			)}
			{isEditable && (
				<div class="actions">
					<span class="grow" />
					<button type="button" class="button danger" onClick={() => setDeleting(true)}>
						Delete row
					</button>
				</div>
			)}
			{isDeleting && (
				<Confirm
					title="Delete this row?"
					action="Delete"
					isDangerous
					close={() => setDeleting(false)}
					run={async () => {
						await call("table/delete", { table: table.name, key: rowKey });
						notify("Deleted.");
						close();
						changed();
					}}
				>
					<p>
						Row {rowKey?.map(cellText).join(", ")} of {table.name}
					</p>
				</Confirm>
			)}
		</>
	);
}

type Kind = "null" | "text" | "integer" | "real" | "blob";

const KINDS: Kind[] = ["null", "text", "integer", "real", "blob"];

/** The value of a typed text, as requests have it. */
function toValue(kind: Kind, text: string): Cell {
	if (kind === "null") return null;
	if (kind === "text") return text;
	if (kind === "blob") return { blob: text.replace(/\s/g, ""), bytes: 0 };
	const trimmed = text.trim();
	if (kind === "integer") {
		if (!/^-?\d{1,19}$/.test(trimmed)) throw new Error("An integer has digits alone, up to 19 of them.");
		return { int: trimmed };
	}
	if (trimmed === "" || Number.isNaN(Number(trimmed))) throw new Error("This is not a number.");
	return Number.isInteger(Number(trimmed)) ? { real: trimmed } : Number(trimmed);
}

/** Text as it was typed, and the value that it changes. */
interface CellDraft {
	kind: Kind;
	text: string;
	base: { value: Cell; type: Kind };
}

/** True if the typed text is what was there. */
function isSame({ kind, text, base }: CellDraft): boolean {
	return kind === base.type && (kind === "null" || text === cellText(base.value));
}

const cellDrafts = draftsOf<CellDraft>("cell");

interface ValueProps {
	table: Table;
	column: Column;
	rowKey: Cell[];
	isEditable: boolean;
	changed: () => void;
}

function Value({ table, column, rowKey, isEditable, changed }: ValueProps) {
	const place = { moment: at.value, table: table.name, column: column.name, key: rowKey };
	const { value, error, reload } = useAnswer<{ value: Cell; type: Kind }>(
		(signal) => call("table/cell", place, signal),
		[],
	);
	const draftId = JSON.stringify([table.name, column.name, rowKey]);
	const [draft, setDraft] = useState(() => (isEditable ? cellDrafts.take(draftId) : undefined));
	const [problem, setProblem] = useState<unknown>();
	const put = (next: CellDraft | undefined) => {
		if (next === undefined || isSame(next)) cellDrafts.drop(draftId);
		else cellDrafts.keep(draftId, next);
		setDraft(next);
	};
	if (value === undefined) {
		return error === undefined ? <Spinner title={column.name} /> : <Failure error={error} retry={reload} />;
	}
	const { kind, text, base } = draft ?? { kind: value.type, text: cellText(value.value), base: value };
	const setKind = (next: Kind) => put({ kind: next, text, base });
	const setText = (next: string) => put({ kind, text: next, base });
	const isDirty = !isSame({ kind, text, base });
	const isStale = base.type !== value.type || cellText(base.value) !== cellText(value.value);
	const isCut = typeof value.value === "object" && value.value !== null && "length" in value.value;
	const isBlob = value.type === "blob";
	const time = kind === "integer" ? possibleTime(Number(text)) : undefined;
	const mayEdit = isEditable && !isCut && !(isBlob && (value.value as { bytes: number }).bytes > 4_096);
	const save = async () => {
		setProblem(undefined);
		try {
			const was = isStale ? value : base;
			const before = was.type === "real" ? { real: cellText(was.value) } : was.value;
			await call("table/update", { ...place, before, type: was.type, value: toValue(kind, text) });
			notify("Saved.");
			put(undefined);
			reload();
			changed();
		} catch (failure) {
			setProblem(failure);
			// The value that it has by now is shown; the typed text stays.
			if ((failure as ApiError).code === "ERR_CHANGED_MEANWHILE") reload();
		}
	};
	const discard = () => {
		put(undefined);
		setProblem(undefined);
	};
	const id = `value-${column.name}`;
	return (
		<div class="stack" style={{ gap: "4px" }}>
			<div class="row">
				<label class="grow cut" for={id}>
					<strong>{column.name}</strong> <span class="muted mono">{column.type.toLowerCase()}</span>
					{column.pk > 0 && (
						<>
							{" "}
							<span class="badge">key</span>
						</>
					)}
				</label>
				{time && <span class="muted">{time}</span>}
				{mayEdit ? (
					<select
						class="button small"
						aria-label={`Type of ${column.name}`}
						value={kind}
						onChange={(event) => setKind(event.currentTarget.value as Kind)}
					>
						{KINDS.map((one) => (
							<option key={one} value={one} disabled={one === "null" && column.notNull}>
								{one === "null" ? "NULL" : one}
							</option>
						))}
					</select>
				) : (
					<span class="badge">{value.type}</span>
				)}
			</div>
			{kind === "null" ? (
				<span class="value-null" id={id}>
					NULL
				</span>
			) : kind === "text" || kind === "blob" ? (
				<textarea
					class="field"
					id={id}
					readOnly={!mayEdit}
					spellcheck={false}
					rows={Math.min(8, Math.max(1, text.split("\n").length))}
					style={{ minHeight: "34px" }}
					value={text}
					onInput={(event) => setText(event.currentTarget.value)}
				/>
			) : (
				<input
					class="field mono"
					id={id}
					readOnly={!mayEdit}
					value={text}
					onInput={(event) => setText(event.currentTarget.value)}
				/>
			)}
			{(isCut || isBlob) && (
				<button
					type="button"
					class="button small"
					style={{ alignSelf: "start" }}
					onClick={() => void download("table/download", place)}
				>
					Download
				</button>
			)}
			{problem !== undefined && <Failure error={problem} />}
			{error !== undefined && <Failure error={error} retry={reload} />}
			{isDirty && isStale && (
				<p class="note warn" role="alert">
					<span>
						By now it is <CellView cell={value.value} />. Saving overwrites that.
					</span>
				</p>
			)}
			{mayEdit && isDirty && (
				<div class="row">
					<button type="button" class="button small primary" onClick={() => void save()}>
						{isStale ? "Overwrite" : "Save"}
					</button>
					<button type="button" class="button small" onClick={discard}>
						Discard
					</button>
				</div>
			)}
		</div>
	);
}

type NewValues = Record<string, { kind: Kind | "default"; text: string }>;

const rowDrafts = draftsOf<NewValues>("row");

function NewRow({ table, changed, close }: { table: Table; changed: () => void; close: () => void }) {
	const [values, setValues] = useState<NewValues>(() => rowDrafts.take(table.name) ?? {});
	const [problem, setProblem] = useState<unknown>();
	const columns = table.columns.filter(({ isGenerated }) => !isGenerated);
	const save = async (event: Event) => {
		event.preventDefault();
		setProblem(undefined);
		try {
			const given = Object.entries(values).filter(([, { kind }]) => kind !== "default");
			const made = Object.fromEntries(given.map(([name, { kind, text }]) => [name, toValue(kind as Kind, text)]));
			await call("table/insert", { table: table.name, values: made });
			notify("Saved.");
			rowDrafts.drop(table.name);
			close();
			changed();
		} catch (failure) {
			setProblem(failure);
		}
	};
	const set = (name: string, part: object) => {
		const next = { ...values, [name]: { ...(values[name] ?? { kind: "default" as const, text: "" }), ...part } };
		rowDrafts.keep(table.name, next);
		setValues(next);
	};
	return (
		<form class="pane" style={{ flex: 1, minHeight: 0 }} onSubmit={save}>
			<div class="scroll stack" style={{ padding: "12px" }}>
				{problem !== undefined && <Failure error={problem} />}
				{columns.map(({ name, type, notNull, default: fallback }) => {
					const { kind, text } = values[name] ?? { kind: "default", text: "" };
					return (
						<div key={name} class="stack" style={{ gap: "4px" }}>
							<div class="row">
								<label class="grow" for={`new-${name}`}>
									<strong>{name}</strong> <span class="muted mono">{type.toLowerCase()}</span>
								</label>
								<select
									class="button small"
									aria-label={`Type of ${name}`}
									value={kind}
									onChange={(event) => set(name, { kind: event.currentTarget.value })}
								>
									<option value="default">{fallback === null ? "default" : `default ${fallback}`}</option>
									{KINDS.filter((one) => !(one === "null" && notNull)).map((one) => (
										<option key={one} value={one}>
											{one === "null" ? "NULL" : one}
										</option>
									))}
								</select>
							</div>
							<input
								class="field mono"
								id={`new-${name}`}
								value={text}
								disabled={kind === "null"}
								onInput={(event) => {
									const typed = event.currentTarget.value;
									const guess = /INT/i.test(type) ? "integer" : /REAL|FLOA|DOUB|NUM/i.test(type) ? "real" : "text";
									set(name, { text: typed, ...(kind === "default" ? { kind: guess } : {}) });
								}}
							/>
						</div>
					);
				})}
			</div>
			<div class="actions">
				<button type="submit" class="button primary">
					Save
				</button>
			</div>
		</form>
	);
}
