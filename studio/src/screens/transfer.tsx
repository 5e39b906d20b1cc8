// The screen that brings keys in and takes them out. An import is tried before it is done.

import { useEffect, useState } from "preact/hooks";
import { call, cancellable, download, upload } from "../api";
import { bytes, number } from "../format";
import { Failure, isAbort, Spinner } from "../parts/basics";
import { at, canWrite, info, moment, notify, report } from "../state";
import { communities, loadCommunities } from "./keys/model";

const SOURCES: {
	from: string | undefined;
	title: string;
	hint: string;
	tables?: boolean;
	split?: boolean;
	communities?: boolean;
}[] = [
	{ from: undefined, title: "Lines of JSON", hint: "As export writes them: one key a line.", communities: true },
	{
		from: "quick.db",
		title: "quick.db",
		hint: "json.sqlite of version 7 or 9, or the file of its JSON driver.",
		tables: true,
	},
	{ from: "enmap", title: "enmap", hint: "data/enmap.sqlite of version 5 or 6.", tables: true },
	{ from: "keyv", title: "Keyv", hint: "The SQLite file of @keyv/sqlite.", tables: true },
	{ from: "json", title: "A JSON document", hint: "lowdb's, or any object: its members become keys.", split: true },
	{ from: "rootcellar", title: "Another store", hint: "A file of Root's SDK or of rootcellar.", communities: true },
];

interface Remark {
	key?: string;
	from: string;
	inexact?: string[];
	refused?: string;
}

interface Outcome {
	keys: number;
	skipped: number;
	expired: number;
	inexact: { keys: number; kinds: Record<string, number>; first: Remark[] };
	refused: { keys: number; first: Remark[] };
	notes: string[];
}

export default function Transfer() {
	useEffect(() => {
		loadCommunities().catch(report);
	}, [at.value]);
	return (
		<div class="page">
			<div class="inner forms">
				<Export />
				{moment.value === undefined && info.value?.file !== undefined && <Import />}
			</div>
		</div>
	);
}

function Export() {
	const [which, setWhich] = useState("all");
	const save = () =>
		download("export", { moment: at.value, ...(which === "all" ? {} : { community: which.slice(1) }) }).catch(report);
	return (
		<section class="panel" aria-label="Export">
			<header>
				<h2>Export</h2>
			</header>
			<div class="body stack">
				<p class="muted">Every key as a line of JSON, with its community and its expiry, to a file of this computer.</p>
				<label class="label">
					Which keys
					<select class="field" value={which} onChange={(event) => setWhich(event.currentTarget.value)}>
						<option value="all">Those of all communities</option>
						<option value="=">Those of the default scope</option>
						{communities.value.communities.map((id) => (
							<option key={id} value={`=${id}`}>
								Those of the community {id}
							</option>
						))}
					</select>
				</label>
				<div>
					<button type="button" class="button primary" onClick={() => void save()}>
						Save as a file
					</button>
				</div>
			</div>
		</section>
	);
}

function Import() {
	const [source, setSource] = useState(0);
	const [file, setFile] = useState<{ name: string; upload: string; bytes: number }>();
	const [options, setOptions] = useState({
		prefix: "",
		community: "",
		table: "",
		split: "1",
		force: false,
		skip: false,
	});
	const [work, setWork] = useState<{ title: string; controller: AbortController }>();
	const [trial, setTrial] = useState<Outcome>();
	const [outcome, setOutcome] = useState<Outcome>();
	const [error, setError] = useState<unknown>();
	const [isOver, setOver] = useState(false);
	const chosen = SOURCES[source] ?? SOURCES[0];
	const set = (part: object) => {
		setOptions({ ...options, ...part });
		// The trial had other options.
		setTrial(undefined);
		setOutcome(undefined);
	};
	const run = async (title: string, use: (signal: AbortSignal) => Promise<void>) => {
		const controller = new AbortController();
		setWork({ title, controller });
		setError(undefined);
		try {
			await use(controller.signal);
		} catch (problem) {
			if (isAbort(problem)) notify("Cancelled. Nothing was changed.");
			else setError(problem);
		} finally {
			setWork(undefined);
		}
	};
	const take = (given: File | undefined) => {
		if (given === undefined) return;
		setTrial(undefined);
		setOutcome(undefined);
		void run("Reading the file", async (signal) => {
			const { upload: id, bytes: size } = await upload("import/upload", given, signal);
			setFile({ name: given.name, upload: id, bytes: size });
		});
	};
	const input = () => ({
		upload: file?.upload,
		from: chosen?.from,
		prefix: options.prefix || undefined,
		community: options.community || undefined,
		table: chosen?.tables ? options.table || undefined : undefined,
		split: chosen?.split ? Number(options.split) : undefined,
		force: options.force,
		skip: options.skip,
	});
	const attempt = () =>
		run("Trying", async (signal) => setTrial(await call("import/run", { ...input(), dryRun: true }, signal)));
	const perform = () =>
		run("Importing", async (signal) => {
			const found = await cancellable(signal, (work) => call<Outcome>("import/run", { ...input(), work }));
			setOutcome(found);
			setTrial(undefined);
			notify(`${number(found.keys)} keys were imported.`);
		});
	const isReady = trial !== undefined && trial.keys > 0 && (trial.refused.keys === 0 || options.skip);
	return (
		<section class="panel" aria-label="Import">
			<header>
				<h2>Import</h2>
			</header>
			<div class="body stack">
				<p class="muted">All keys or none, in one transaction. It is tried first, and nothing is written by that.</p>
				<label class="label">
					From
					<select
						class="field"
						value={source}
						onChange={(event) => {
							setSource(Number(event.currentTarget.value));
							setTrial(undefined);
							setOutcome(undefined);
						}}
					>
						{SOURCES.map(({ title }, index) => (
							<option key={title} value={index}>
								{title}
							</option>
						))}
					</select>
				</label>
				<p class="muted">{chosen?.hint} A folder of node-persist is imported on the command line.</p>
				<label
					class={`drop ${isOver ? "over" : ""}`}
					onDragOver={(event) => {
						event.preventDefault();
						setOver(true);
					}}
					onDragLeave={() => setOver(false)}
					onDrop={(event) => {
						event.preventDefault();
						setOver(false);
						take(event.dataTransfer?.files[0]);
					}}
				>
					<span>{file === undefined ? "Drop the file here, or choose it" : `${file.name}, ${bytes(file.bytes)}`}</span>
					<input type="file" aria-label="The file" onChange={(event) => take(event.currentTarget.files?.[0])} />
				</label>
				<label class="label">
					What every key is to begin with
					<input
						class="field mono"
						value={options.prefix}
						onInput={(event) => set({ prefix: event.currentTarget.value })}
					/>
				</label>
				<label class="label">
					{chosen?.communities ? "Only keys of this community" : "For this community"}
					<input
						class="field mono"
						value={options.community}
						onInput={(event) => set({ community: event.currentTarget.value })}
					/>
				</label>
				{chosen?.tables && (
					<label class="label">
						Only these tables, with commas between them
						<input
							class="field mono"
							value={options.table}
							onInput={(event) => set({ table: event.currentTarget.value })}
						/>
					</label>
				)}
				{chosen?.split && (
					<label class="label">
						Levels of the document whose members are keys
						<input
							class="field"
							type="number"
							min="1"
							max="999"
							value={options.split}
							onInput={(event) => set({ split: event.currentTarget.value })}
						/>
					</label>
				)}
				<label class="check">
					<input
						type="checkbox"
						checked={options.force}
						onChange={(event) => set({ force: event.currentTarget.checked })}
					/>
					Overwrite keys that exist
				</label>
				<label class="check">
					<input
						type="checkbox"
						checked={options.skip}
						onChange={(event) => setOptions({ ...options, skip: event.currentTarget.checked })}
					/>
					Leave out keys that cannot be imported
				</label>
				<div class="row wrap">
					<button
						type="button"
						class="button"
						disabled={file === undefined || work !== undefined}
						onClick={() => void attempt()}
					>
						Try
					</button>
					<button
						type="button"
						class="button primary"
						disabled={!canWrite.value || !isReady || work !== undefined}
						title={canWrite.value ? "Try it first." : "Start the studio with --write to import."}
						onClick={() => void perform()}
					>
						{trial === undefined ? "Import" : `Import ${number(trial.keys)}`}
					</button>
					{!canWrite.value && <span class="muted">Start the studio with --write to import.</span>}
				</div>
				{work && (
					<div class="row">
						<Spinner title={work.title} />
						<button type="button" class="button small" onClick={() => work.controller.abort()}>
							Cancel
						</button>
					</div>
				)}
				{error !== undefined && <Failure error={error} />}
				{trial && <Told outcome={trial} verb="would be" />}
				{outcome && <Told outcome={outcome} verb="were" />}
			</div>
		</section>
	);
}

function Told({ outcome, verb }: { outcome: Outcome; verb: string }) {
	const { keys, skipped, expired, inexact, refused, notes } = outcome;
	return (
		<div class="stack" role="status">
			<p class={`note ${refused.keys > 0 ? "warn" : "ok"}`}>
				{number(keys)} keys {verb} imported.
				{skipped > 0 && ` ${number(skipped)} of other communities are left out.`}
				{expired > 0 && ` ${number(expired)} had expired.`}
			</p>
			{notes.map((text) => (
				<p class="muted" key={text}>
					{text}
				</p>
			))}
			<Remarks title={`${number(refused.keys)} cannot be imported`} count={refused.keys} remarks={refused.first} />
			<Remarks
				title={`${number(inexact.keys)} cannot be carried over exactly`}
				count={inexact.keys}
				remarks={inexact.first}
			/>
		</div>
	);
}

function Remarks({ title, count, remarks }: { title: string; count: number; remarks: Remark[] }) {
	if (count === 0) return null;
	return (
		<details open>
			<summary>{title}</summary>
			<ul class="names">
				{remarks.map(({ key, from, inexact, refused }) => (
					<li key={`${from} ${key}`}>
						{key !== undefined && <code>{key.slice(0, 100)}</code>} <span class="muted">{from}</span>:{" "}
						{refused ?? inexact?.join(", ")}
					</li>
				))}
				{count > remarks.length && <li class="muted">and {number(count - remarks.length)} more</li>}
			</ul>
		</details>
	);
}
