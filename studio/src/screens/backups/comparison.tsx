// The difference of a moment to now: which keys are others, and which of them are to be put back.

import { useEffect, useState } from "preact/hooks";
import { call, cancellable } from "../../api";
import { number, time } from "../../format";
import { Confirm, Failure, isAbort } from "../../parts/basics";
import { canWrite, notify } from "../../state";
import { type Backup, look, progressed } from "./model";

interface Side {
	json: string;
	length: number;
	expiresAt?: number;
}

interface Change {
	key: string;
	community?: string;
	before?: Side;
	after?: Side;
}

interface Summary {
	keys: { added: number; removed: number; changed: number };
	tables: {
		name: string;
		rowsBefore?: number;
		rowsAfter?: number;
		added: number;
		removed: number;
		changed: number;
		isSchemaChanged: boolean;
	}[];
	isCut: boolean;
}

const idOf = ({ community, key }: Change) => JSON.stringify([community ?? "", key]);

/** Kind of change of a key since the moment. */
function kindOf({ before, after }: Change): { title: string; kind: string } {
	if (before === undefined) return { title: "added", kind: "ok" };
	if (after === undefined) return { title: "deleted", kind: "danger" };
	return before.json === after.json ? { title: "expiry", kind: "info" } : { title: "changed", kind: "warn" };
}

export function Comparison({ backup }: { backup: Backup }) {
	const [changes, setChanges] = useState<Change[]>([]);
	const [summary, setSummary] = useState<Summary>();
	const [error, setError] = useState<unknown>();
	const [part, setPart] = useState<number>();
	const [turn, setTurn] = useState(0);
	const [controller, setController] = useState<AbortController>();
	const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
	const [open, setOpen] = useState<string>();
	const [filter, setFilter] = useState("");
	const [isAsking, setAsking] = useState(false);

	useEffect(() => {
		const mine = new AbortController();
		setController(mine);
		setChanges([]);
		setSummary(undefined);
		setError(undefined);
		setPart(0);
		const found: Change[] = [];
		let drawn = 0;
		progressed<Summary>("backups/diff", { at: backup.id }, mine.signal, setPart, (line) => {
			found.push(line.key);
			if (performance.now() - drawn > 100) {
				drawn = performance.now();
				setChanges([...found]);
			}
		})
			.then(setSummary)
			.catch((problem) => {
				if (!mine.signal.aborted && !isAbort(problem)) setError(problem);
			})
			.finally(() => {
				if (!mine.signal.aborted) setChanges(found);
				setPart(undefined);
			});
		return () => mine.abort();
	}, [backup.id, turn]);

	const shown = changes.filter(({ key, community = "" }) => `${community} ${key}`.includes(filter));
	const chosen = changes.filter((change) => picked.has(idOf(change)));
	const toggle = (change: Change) => {
		const next = new Set(picked);
		if (!next.delete(idOf(change))) next.add(idOf(change));
		setPicked(next);
	};
	const areAllPicked = shown.length > 0 && shown.every((change) => picked.has(idOf(change)));
	const toggleAll = () => setPicked(new Set(areAllPicked ? [] : shown.map(idOf)));
	return (
		<div class="stack">
			{part !== undefined && (
				<div class="row">
					<progress class="grow" value={part} max={1} aria-label="Comparing" />
					<button
						type="button"
						class="button small"
						onClick={() => {
							controller?.abort();
							setPart(undefined);
						}}
					>
						Cancel
					</button>
				</div>
			)}
			{error !== undefined && <Failure error={error} retry={() => setTurn(turn + 1)} />}
			{summary && <Told summary={summary} shown={changes.length} />}
			{changes.length > 0 && (
				<>
					<div class="row wrap">
						<input
							class="field grow"
							type="search"
							aria-label="Filter the difference"
							placeholder="Keys that contain..."
							value={filter}
							onInput={(event) => setFilter(event.currentTarget.value)}
						/>
						<button
							type="button"
							class="button primary"
							disabled={!canWrite.value || chosen.length === 0}
							title={canWrite.value ? "" : "Start the studio with --write to put keys back."}
							onClick={() => setAsking(true)}
						>
							Put back {chosen.length > 0 ? number(chosen.length) : ""} chosen
						</button>
					</div>
					<div class="scroll-x changes">
						<table class="data" aria-label="Keys that differ">
							<thead>
								<tr>
									<th scope="col">
										<input type="checkbox" aria-label="Choose all" checked={areAllPicked} onChange={toggleAll} />
									</th>
									<th scope="col">Since then</th>
									<th scope="col">Key</th>
									<th scope="col" class="not-phone">
										Then
									</th>
									<th scope="col" class="not-phone">
										Now
									</th>
								</tr>
							</thead>
							<tbody>
								{shown.map((change) => {
									const { title, kind } = kindOf(change);
									const id = idOf(change);
									return (
										<>
											<tr key={id} aria-selected={picked.has(id)}>
												<td>
													<input
														type="checkbox"
														aria-label={`Choose ${change.key.slice(0, 100)}`}
														checked={picked.has(id)}
														onChange={() => toggle(change)}
													/>
												</td>
												<td>
													<span class={`badge ${kind}`}>{title}</span>
												</td>
												<td>
													<button
														type="button"
														class="button plain small mono key-button"
														aria-expanded={open === id}
														onClick={() => setOpen(open === id ? undefined : id)}
													>
														{change.community && <span class="badge">{change.community}</span>}
														<span class="cut">{change.key.slice(0, 200) || "(empty key)"}</span>
													</button>
												</td>
												<td class="not-phone mono muted">{change.before?.json.slice(0, 80)}</td>
												<td class="not-phone mono">{change.after?.json.slice(0, 80)}</td>
											</tr>
											{open === id && (
												<tr key={`${id} open`}>
													<td colSpan={5} class="both">
														<div class="split">
															<SideView title={`At ${time(backup.at)}`} side={change.before} />
															<SideView title="Now" side={change.after} />
														</div>
													</td>
												</tr>
											)}
										</>
									);
								})}
							</tbody>
						</table>
					</div>
				</>
			)}
			{isAsking && (
				<Confirm
					title={chosen.length === 1 ? "Put this key back?" : `Put ${number(chosen.length)} keys back?`}
					action="Put back"
					close={() => setAsking(false)}
					run={async (signal) => {
						const keys = chosen.map(({ key, community }) => ({ key, community }));
						await cancellable(signal, (work) => call("backups/restore-keys", { at: backup.id, keys, work }));
						await look();
						notify(
							`Put back: ${keys.length === 1 ? "1 key" : `${number(keys.length)} keys`} as of ${time(backup.at)}.`,
						);
						setPicked(new Set());
						setTurn(turn + 1);
					}}
				>
					<p>
						They become what they were at <strong>{time(backup.at)}</strong>, all or none. Keys that were not there then
						are deleted. Everything else stays.
					</p>
					<ul class="mono names">
						{chosen.slice(0, 8).map((change) => (
							<li key={idOf(change)}>{change.key.slice(0, 100)}</li>
						))}
						{chosen.length > 8 && <li>and {number(chosen.length - 8)} more</li>}
					</ul>
				</Confirm>
			)}
		</div>
	);
}

function Told({ summary, shown }: { summary: Summary; shown: number }) {
	const { added, removed, changed } = summary.keys;
	const isSame = added + removed + changed === 0;
	return (
		<div class="stack">
			<p>
				{isSame ? (
					"All keys are as they were then."
				) : (
					<>
						Since then <strong>{number(added)}</strong> keys were added, <strong>{number(removed)}</strong> deleted and{" "}
						<strong>{number(changed)}</strong> changed.
						{summary.isCut && ` The first ${number(shown)} are listed.`}
					</>
				)}
			</p>
			{summary.tables.length > 0 && (
				<div class="scroll-x">
					<table class="data" aria-label="Tables that differ">
						<thead>
							<tr>
								<th scope="col">Table</th>
								<th scope="col" class="num">
									Rows then
								</th>
								<th scope="col" class="num">
									Rows now
								</th>
								<th scope="col">Since then</th>
							</tr>
						</thead>
						<tbody>
							{summary.tables.map((table) => (
								<tr key={table.name}>
									<td>{table.name}</td>
									<td class="num">{table.rowsBefore === undefined ? "no table" : number(table.rowsBefore)}</td>
									<td class="num">{table.rowsAfter === undefined ? "no table" : number(table.rowsAfter)}</td>
									<td>
										{number(table.added)} added, {number(table.removed)} deleted, {number(table.changed)} changed
										{table.isSchemaChanged && ", another schema"}
									</td>
								</tr>
							))}
						</tbody>
					</table>
				</div>
			)}
		</div>
	);
}

function SideView({ title, side }: { title: string; side: Side | undefined }) {
	return (
		<div>
			<h3>
				{title}
				{side?.expiresAt !== undefined && `, expires ${time(side.expiresAt)}`}
			</h3>
			{side === undefined ? (
				<p class="muted">not there</p>
			) : (
				<pre class="diff-json">
					{side.json}
					{side.length > side.json.length && `... (${number(side.length)} characters)`}
				</pre>
			)}
		</div>
	);
}
