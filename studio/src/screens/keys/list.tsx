// The list of keys: a grid, of which one row is in the order of the keyboard.

import { useEffect, useRef, useState } from "preact/hooks";
import { bytes, countdown } from "../../format";
import { Failure, Spinner, useClock } from "../../parts/basics";
import { canWrite } from "../../state";
import * as model from "./model";
import { filter, rows, selected } from "./model";

export function KeyList() {
	const [focused, setFocused] = useState(0);
	const scroller = useRef<HTMLDivElement>(null);
	const end = useRef<HTMLDivElement>(null);
	const list = rows.value;
	const at = Math.min(focused, Math.max(0, list.length - 1));

	useEffect(() => {
		if (end.current === null) return undefined;
		const observer = new IntersectionObserver(
			(entries) => entries.some(({ isIntersecting }) => isIntersecting) && void model.loadMore(),
			{ root: scroller.current, rootMargin: "600px" },
		);
		observer.observe(end.current);
		return () => observer.disconnect();
	}, [list]);

	const focus = (index: number) => {
		const to = Math.max(0, Math.min(list.length - 1, index));
		setFocused(to);
		scroller.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus();
	};
	const open = (key: string) => {
		model.isNew.value = false;
		selected.value = key;
	};
	const press = (event: KeyboardEvent) => {
		const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
		if (step !== undefined) focus(at + step);
		else if (event.key === "Home") focus(0);
		else if (event.key === "End") focus(list.length - 1);
		else if ((event.key === "Enter" || event.key === " ") && list[at]) open(list[at].key);
		else return;
		event.preventDefault();
	};

	return (
		<div class="scroll" ref={scroller}>
			{model.problem.value !== undefined && <Failure error={model.problem.value} retry={() => void model.reload()} />}
			{model.hasEarlier.value && (
				<div class="note">
					<span class="grow">Earlier keys are not shown.</span>
					<button type="button" class="button small" onClick={() => void model.reload()}>
						Back to the first
					</button>
				</div>
			)}
			<div class="grid" role="grid" aria-label="Keys" aria-rowcount={-1} onKeyDown={press}>
				<div role="row" class="head keys-row">
					<span role="columnheader">Key</span>
					<span role="columnheader" class="preview">
						Value
					</span>
					<span role="columnheader" class="num size">
						Size
					</span>
					<span role="columnheader" class="num">
						Expires in
					</span>
				</div>
				{list.map((row, index) => (
					<Row
						key={row.key}
						row={row}
						index={index}
						isFocused={index === at}
						isChanged={model.changed.value.has(row.key)}
						open={open}
					/>
				))}
			</div>
			<div ref={end} />
			{model.isLoading.value && (
				<div class="row" style={{ padding: "8px 12px" }}>
					<Spinner title="Reading" />
					<button type="button" class="button small" onClick={model.cancel}>
						Cancel
					</button>
				</div>
			)}
			{!model.isLoading.value && list.length === 0 && model.problem.value === undefined && <Nothing />}
		</div>
	);
}

function Nothing() {
	if (filter.value !== "") {
		return (
			<div class="empty">
				<p>
					No key {filter.value.includes("%") ? "matches" : "begins with"} <code>{filter.value}</code>.
				</p>
				{!filter.value.includes("%") && (
					<button
						type="button"
						class="button"
						onClick={() => (filter.value = `%${filter.value.replace(/[\\_]/g, "\\$&")}%`)}
					>
						Search within keys
					</button>
				)}
			</div>
		);
	}
	return (
		<div class="empty">
			<p>There is no key here yet.</p>
			{canWrite.value && (
				<button type="button" class="button" onClick={() => (model.isNew.value = true)}>
					New key
				</button>
			)}
		</div>
	);
}

interface RowProps {
	row: model.KeyRow;
	index: number;
	isFocused: boolean;
	isChanged: boolean;
	open: (key: string) => void;
}

function Row({ row, index, isFocused, isChanged, open }: RowProps) {
	return (
		<div
			role="row"
			class={`keys-row ${isChanged ? "changed" : ""}`}
			data-index={index}
			tabIndex={isFocused ? 0 : -1}
			aria-selected={selected.value === row.key}
			onClick={() => open(row.key)}
		>
			<span role="gridcell" class="cut mono" title={row.key.slice(0, 500)}>
				{row.key === "" ? <span class="value-empty">(empty key)</span> : row.key.slice(0, 300)}
				{row.rows > 1 && (
					<span class="badge warn" title="The SDK has left several rows of this key. The newest counts.">
						{row.rows} rows
					</span>
				)}
			</span>
			<span role="gridcell" class="cut preview">
				{preview(row)}
			</span>
			<span role="gridcell" class="num muted size">
				{bytes(row.bytes)}
			</span>
			<span role="gridcell" class="num">
				{row.expiresAt === undefined ? <span class="muted">never</span> : <Countdown expiresAt={row.expiresAt} />}
			</span>
		</div>
	);
}

function preview({ preview, isText }: model.KeyRow) {
	if (!isText) return <span class="badge warn">not JSON</span>;
	if (typeof preview === "object" && preview !== null) return "text" in preview ? preview.text : "";
	return String(preview);
}

export function Countdown({ expiresAt }: { expiresAt: number }) {
	return <span title={new Date(expiresAt).toISOString()}>{countdown(expiresAt, useClock())}</span>;
}
