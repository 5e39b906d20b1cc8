// The screen of SQL. What reads runs at once; what writes waits in its transaction until somebody decides.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call, download } from "../../api";
import { number } from "../../format";
import { Failure, Spinner, useClock } from "../../parts/basics";
import type { Cell } from "../../parts/cell";
import type { Code } from "../../parts/code";
import { Editor } from "../../parts/editor";
import { Result } from "../../parts/result";
import { at, canWrite, notify, report } from "../../state";
import { loadTables, tables } from "../tables/schema";
import { history } from "./history";

interface Answer {
	columns: string[];
	rows: Cell[][];
	isMore: boolean;
	tookMs: number;
	changes?: number;
	transaction?: string;
	until?: number;
}

interface Step {
	id: number;
	parent: number;
	detail: string;
}

const TEXT = "rootcellar-sql";
const typed = signal(sessionStorage.getItem(TEXT) ?? "");
const shown = signal<{ sql: string; answer: Answer } | undefined>(undefined);
const open = signal<Answer | undefined>(undefined);

export default function Sql() {
	const code = useRef<Code | undefined>(undefined);
	const [error, setError] = useState<unknown>();
	const [plan, setPlan] = useState<Step[]>();
	const [isHistoryOpen, setHistoryOpen] = useState(false);
	const [running, setRunning] = useState<AbortController>();

	useEffect(() => {
		loadTables().catch(report);
	}, [at.value]);
	useEffect(() => {
		const schema = Object.fromEntries(
			(tables.value ?? []).map(({ name, columns }) => [name, columns.map((column) => column.name)]),
		);
		code.current?.setSchema(schema);
	}, [tables.value]);

	const fail = (problem: unknown, offset: number) => {
		if (problem instanceof ApiError && problem.position !== undefined) {
			code.current?.markError(problem.position + offset, problem.message);
		}
		setError(problem);
	};
	/** Runs what is selected, or all. */
	const run = async (name: "sql/run" | "sql/plan") => {
		if (running !== undefined) return;
		const text = code.current?.text() ?? typed.value;
		const selected = code.current?.selected() ?? "";
		const sql = selected.trim() === "" ? text : selected;
		const offset = selected.trim() === "" ? 0 : text.indexOf(selected);
		if (sql.trim() === "") return;
		const controller = new AbortController();
		setRunning(controller);
		setError(undefined);
		setPlan(undefined);
		try {
			const answer = await call(name, { sql, moment: at.value }, controller.signal);
			if (name === "sql/plan") setPlan(answer.steps);
			else {
				shown.value = { sql, answer };
				history.add(sql);
				if (answer.transaction !== undefined) open.value = answer;
			}
		} catch (problem) {
			fail(problem, offset);
		} finally {
			setRunning(undefined);
		}
	};
	const more = async () => {
		if (shown.value === undefined) return;
		const { sql, answer } = shown.value;
		const controller = new AbortController();
		setRunning(controller);
		try {
			const next = await call<Answer>(
				"sql/run",
				{ sql, moment: at.value, offset: answer.rows.length },
				controller.signal,
			);
			shown.value = { sql, answer: { ...next, rows: [...answer.rows, ...next.rows] } };
		} catch (problem) {
			setError(problem);
		} finally {
			setRunning(undefined);
		}
	};
	const answer = shown.value?.answer;
	return (
		<div class="sql">
			<div class="sql-editor">
				<Editor
					text={typed.value}
					language="sql"
					label="SQL"
					hint="SELECT ... (Ctrl+Enter runs it, or what is selected)"
					change={(text) => {
						typed.value = text;
						sessionStorage.setItem(TEXT, text.slice(0, 500_000));
					}}
					submit={() => void run("sql/run")}
					ready={(made) => {
						code.current = made;
						if (tables.value)
							made?.setSchema(
								Object.fromEntries(
									tables.value.map(({ name, columns }) => [name, columns.map((column) => column.name)]),
								),
							);
					}}
				/>
			</div>
			<div class="actions" style={{ background: "var(--panel)" }}>
				{running === undefined ? (
					<button
						type="button"
						class="button primary"
						onClick={() => void run("sql/run")}
						disabled={open.value !== undefined}
					>
						Run
					</button>
				) : (
					<button type="button" class="button danger" onClick={() => running.abort()}>
						<span class="spinner" /> Cancel
					</button>
				)}
				<button type="button" class="button" onClick={() => void run("sql/plan")}>
					Plan
				</button>
				<button
					type="button"
					class="button"
					aria-expanded={isHistoryOpen}
					onClick={() => setHistoryOpen(!isHistoryOpen)}
				>
					History
				</button>
				<span class="grow" />
				{answer && answer.transaction === undefined && answer.columns.length > 0 && (
					<>
						<button
							type="button"
							class="button"
							onClick={() =>
								void download("sql/download", { sql: shown.value?.sql, moment: at.value, format: "csv" }).catch(report)
							}
						>
							CSV
						</button>
						<button
							type="button"
							class="button"
							onClick={() =>
								void download("sql/download", { sql: shown.value?.sql, moment: at.value, format: "json" }).catch(report)
							}
						>
							JSON
						</button>
					</>
				)}
				{answer && (
					<span class="muted">
						{answer.changes !== undefined && `${number(answer.changes)} changed, `}
						{answer.columns.length > 0 && `${number(answer.rows.length)}${answer.isMore ? "+" : ""} rows, `}
						{answer.tookMs} ms
					</span>
				)}
			</div>
			{open.value !== undefined && <Decision answer={open.value} />}
			{error !== undefined && <Failure error={error} />}
			{isHistoryOpen && (
				<History
					choose={(sql) => {
						code.current?.setText(sql);
						setHistoryOpen(false);
						code.current?.focus();
					}}
				/>
			)}
			{plan && <Plan steps={plan} />}
			<section class="sql-result" aria-label="Result" tabIndex={0}>
				{answer && answer.columns.length > 0 && (
					<Result label="Result" columns={answer.columns.map((name) => ({ name }))} rows={answer.rows} />
				)}
				{answer && answer.columns.length > 0 && answer.rows.length === 0 && <p class="empty">No rows.</p>}
				{answer?.isMore && (
					<div style={{ padding: "8px 12px" }}>
						<button type="button" class="button" onClick={() => void more()}>
							Show 1,000 more
						</button>
					</div>
				)}
				{answer === undefined && error === undefined && running === undefined && (
					<div class="empty">
						<p>
							{canWrite.value
								? "What writes runs in a transaction that you commit or roll back."
								: "The data is open to read only: what writes is refused."}
						</p>
						<p>A query is ended after 10 seconds.</p>
					</div>
				)}
				{running !== undefined && answer === undefined && (
					<div class="empty">
						<Spinner title="Running" />
					</div>
				)}
			</section>
		</div>
	);
}

function Decision({ answer }: { answer: Answer }) {
	const now = useClock();
	const [isBusy, setBusy] = useState(false);
	const left = Math.max(0, Math.ceil(((answer.until ?? 0) - now) / 1_000));
	const decide = async (commits: boolean) => {
		setBusy(true);
		try {
			await call("sql/decide", { transaction: answer.transaction, commits });
			notify(commits ? "Committed." : "Rolled back.");
		} catch (error) {
			report(error);
		} finally {
			open.value = undefined;
		}
	};
	useEffect(() => {
		if (left > 0 || isBusy) return;
		open.value = undefined;
		notify("Nobody decided in time, so it was rolled back.", "error");
	}, [left === 0]);
	return (
		<div class="note warn" role="alert">
			<span class="grow">
				{number(answer.changes ?? 0)} {answer.changes === 1 ? "row" : "rows"} would change. Nothing is stored yet, and
				other writers wait. It is rolled back by itself in {left} s.
			</span>
			<button type="button" class="button primary" disabled={isBusy} onClick={() => void decide(true)}>
				Commit
			</button>
			<button type="button" class="button" disabled={isBusy} onClick={() => void decide(false)}>
				Roll back
			</button>
		</div>
	);
}

function Plan({ steps }: { steps: Step[] }) {
	const depthOf = (step: Step): number => {
		const parent = steps.find(({ id }) => id === step.parent);
		return parent === undefined ? 0 : 1 + depthOf(parent);
	};
	return (
		<section class="panel" aria-label="Query plan" style={{ margin: "12px" }}>
			<header>
				<h2>Query plan</h2>
			</header>
			<div class="body mono">
				{steps.map((step) => (
					<div key={step.id} style={{ paddingLeft: `${depthOf(step) * 18}px` }}>
						{/^SCAN/.test(step.detail) && !/USING/.test(step.detail) ? <span class="badge warn">all rows</span> : null}{" "}
						{step.detail}
					</div>
				))}
			</div>
		</section>
	);
}

function History({ choose }: { choose: (sql: string) => void }) {
	const list = history.list();
	return (
		<section class="panel" aria-label="History" style={{ margin: "12px", maxHeight: "40%", overflow: "auto" }}>
			{list.length === 0 && <p class="empty">Nothing has run yet.</p>}
			{list.map((sql) => (
				<button type="button" class="node mono" key={sql} onClick={() => choose(sql)}>
					<span class="cut">{sql.replace(/\s+/g, " ").slice(0, 200)}</span>
				</button>
			))}
			{list.length > 0 && (
				<button type="button" class="button small" style={{ margin: "8px" }} onClick={() => history.clear()}>
					Forget all
				</button>
			)}
		</section>
	);
}
