// The screen of tables: which there are, what they hold, and how they were made.

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api";
import { number } from "../../format";
import { Failure, Spinner, useAnswer, useSettled } from "../../parts/basics";
import type { Cell } from "../../parts/cell";
import { Result } from "../../parts/result";
import { at, canWrite } from "../../state";
import { RowDetail } from "./row";
import { loadTables, type Table, tables } from "./schema";

const chosen = signal<string | undefined>(undefined);

export default function Tables() {
	const [error, setError] = useState<unknown>();
	const [isListOpen, setListOpen] = useState(false);
	const load = () => {
		setError(undefined);
		loadTables().catch(setError);
	};
	useEffect(load, [at.value]);
	const list = tables.value;
	const table = list?.find(({ name }) => name === chosen.value) ?? list?.find(({ isOwn }) => !isOwn) ?? list?.[0];
	if (error !== undefined) {
		return (
			<div class="page">
				<Failure error={error} retry={load} />
			</div>
		);
	}
	if (list === undefined) {
		return (
			<div class="page">
				<Spinner />
			</div>
		);
	}
	return (
		<Browser
			key={`${table?.name}\0${at.value}`}
			list={list}
			table={table}
			isListOpen={isListOpen}
			setListOpen={setListOpen}
		/>
	);
}

interface BrowserProps {
	list: Table[];
	table: Table | undefined;
	isListOpen: boolean;
	setListOpen: (isOpen: boolean) => void;
}

interface Page {
	rows: Cell[][];
	keys: Cell[][];
	after?: Cell[];
	offset?: number;
}

/** Row that is open, as it was when it was opened. */
interface Opened {
	key: Cell[];
	row: Cell[];
}

const isSame = (one: Cell[], other: Cell[]) => JSON.stringify(one) === JSON.stringify(other);

/** Rows that are kept in the page. */
const ROWS_MAX = 1_000;

function Browser({ list, table, isListOpen, setListOpen }: BrowserProps) {
	const [typed, setTyped] = useState("");
	const [opened, setOpened] = useState<Opened>();
	const [isSchemaOpen, setSchemaOpen] = useState(false);
	const [isNew, setNew] = useState(false);
	const where = useSettled(typed, 350);
	const [more, setMore] = useState<{ page: Page; isCut: boolean }>();
	const [moreError, setMoreError] = useState<unknown>();
	const first = useAnswer<Page | undefined>(
		async (signal) => {
			setMore(undefined);
			if (table === undefined) return undefined;
			return call<Page>("table/rows", { moment: at.value, table: table.name, where }, signal);
		},
		[where],
	);
	const page = more?.page ?? first.value;
	const isOpen = table !== undefined && (isNew || opened !== undefined);
	const selected = opened && page?.keys.findIndex((key) => key.length > 0 && isSame(key, opened.key));
	const next = async () => {
		if (table === undefined || page === undefined) return;
		setMoreError(undefined);
		try {
			const { after, offset } = page;
			const found = await call<Page>("table/rows", { moment: at.value, table: table.name, where, after, offset });
			const rows = [...page.rows, ...found.rows];
			const keys = [...page.keys, ...found.keys];
			const isCut = rows.length > ROWS_MAX || more?.isCut === true;
			setMore({ page: { ...found, rows: rows.slice(-ROWS_MAX), keys: keys.slice(-ROWS_MAX) }, isCut });
		} catch (error) {
			setMoreError(error);
		}
	};
	return (
		<div class={`panes ${isOpen ? "open" : ""} ${isListOpen ? "side-open" : ""}`}>
			<aside class="pane side">
				<div class="head">
					<button type="button" class="button small only-phone" onClick={() => setListOpen(false)}>
						Back
					</button>
					<h2>Tables</h2>
				</div>
				<nav class="scroll tree" aria-label="Tables">
					{list.map(({ name, kind, isOwn }) => (
						<button
							type="button"
							class="node"
							key={name}
							aria-current={name === table?.name}
							onClick={() => {
								chosen.value = name;
								setListOpen(false);
							}}
						>
							<span class={`cut grow ${isOwn ? "muted" : ""}`}>{name}</span>
							{kind !== "table" && <span class="badge">{kind}</span>}
							{isOwn && <span class="badge">store</span>}
						</button>
					))}
				</nav>
			</aside>
			<section class="pane list" aria-label="Rows">
				<div class="head">
					<button type="button" class="button only-phone" onClick={() => setListOpen(true)}>
						Tables
					</button>
					<h2 class="cut not-phone">{table?.name}</h2>
					<input
						class="field grow mono"
						id="filter"
						type="search"
						aria-label="Condition"
						placeholder="Condition, such as level > 10"
						value={typed}
						spellcheck={false}
						onInput={(event) => setTyped(event.currentTarget.value)}
					/>
					<button type="button" class="button" aria-pressed={isSchemaOpen} onClick={() => setSchemaOpen(!isSchemaOpen)}>
						Schema
					</button>
					{canWrite.value && table?.kind === "table" && !table.isOwn && (
						<button
							type="button"
							class="button primary"
							onClick={() => {
								setOpened(undefined);
								setNew(true);
							}}
						>
							New <span class="not-phone">row</span>
						</button>
					)}
				</div>
				<div class="scroll">
					{isSchemaOpen && table && <Schema table={table} />}
					{first.error !== undefined && <Failure error={first.error} retry={first.reload} />}
					{more?.isCut && (
						<div class="note">
							<span class="grow">Earlier rows are not shown.</span>
							<button type="button" class="button small" onClick={first.reload}>
								Back to the first
							</button>
						</div>
					)}
					{page && table && (
						<Result
							label={`Rows of ${table.name}`}
							columns={table.columns.map(({ name, type }) => ({ name, note: type.toLowerCase() }))}
							rows={page.rows}
							selected={selected}
							open={(index) => {
								const [key, row] = [page.keys[index], page.rows[index]];
								setNew(false);
								if (key && row) setOpened({ key, row });
							}}
						/>
					)}
					{table === undefined && <p class="empty">There is no table yet.</p>}
					{page?.rows.length === 0 && (
						<p class="empty">{where ? "No row meets the condition." : "There is no row yet."}</p>
					)}
					{moreError !== undefined && <Failure error={moreError} />}
					{page && (page.after !== undefined || page.offset !== undefined) && (
						<div style={{ padding: "8px 12px" }}>
							<button type="button" class="button" onClick={() => void next()}>
								Show more rows
							</button>
						</div>
					)}
				</div>
				<div class="foot">
					{first.isLoading ? (
						<>
							<Spinner title="Reading" />
							<button type="button" class="button plain small" onClick={first.cancel}>
								Cancel
							</button>
						</>
					) : (
						table && <RowCount table={table} where={where} version={first.value} />
					)}
				</div>
			</section>
			{isOpen && table && (
				<section class="pane detail" aria-label="Row">
					<RowDetail
						key={isNew ? "new" : JSON.stringify(opened)}
						table={table}
						rowKey={isNew ? undefined : opened?.key}
						row={isNew ? undefined : opened?.row}
						changed={first.reload}
						close={() => {
							setNew(false);
							setOpened(undefined);
						}}
					/>
				</section>
			)}
		</div>
	);
}

function RowCount({ table, where, version }: { table: Table; where: string; version: unknown }) {
	const [isAll, setAll] = useState(false);
	const { value, error, isLoading, cancel } = useAnswer<{ count: number; isMore: boolean }>(
		(signal) => call("table/count", { moment: at.value, table: table.name, where, all: isAll }, signal),
		[where, isAll, version],
	);
	if (isLoading) {
		return (
			<>
				<Spinner title="Counting" />
				<button type="button" class="button plain small" onClick={cancel}>
					Cancel
				</button>
			</>
		);
	}
	if (error !== undefined || value === undefined) return <span>not counted</span>;
	return (
		<>
			<span>
				{number(value.count)}
				{value.isMore ? "+" : ""} {value.count === 1 ? "row" : "rows"}
			</span>
			{value.isMore && (
				<button type="button" class="button plain small" onClick={() => setAll(true)}>
					Count all
				</button>
			)}
		</>
	);
}

function Schema({ table }: { table: Table }) {
	return (
		<div class="stack" style={{ padding: "12px", borderBottom: "1px solid var(--line)" }}>
			<pre class="diff-json">{table.sql}</pre>
			{table.indexes.length > 0 && (
				<>
					<h3>Indexes</h3>
					<ul style={{ margin: 0, paddingLeft: "18px" }}>
						{table.indexes.map(({ name, isUnique, columns }) => (
							<li key={name}>
								<code>{name}</code> on {columns.map((column) => column ?? "an expression").join(", ")}
								{isUnique && " (unique)"}
							</li>
						))}
					</ul>
				</>
			)}
		</div>
	);
}
