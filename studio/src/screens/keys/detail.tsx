// The key that is open: its value as it is stored, to be edited, compared and saved.

import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, call, download } from "../../api";
import { bytes, time } from "../../format";
import { Confirm, Failure, Spinner } from "../../parts/basics";
import type { Code } from "../../parts/code";
import { Editor } from "../../parts/editor";
import { at, canWrite, moment, notify } from "../../state";
import { drafts } from "./drafts";
import { ExpiryDialog } from "./expiry";
import { Countdown } from "./list";
import * as model from "./model";
import { pretty } from "./pretty";

interface Stored {
	key: string;
	value: string | undefined;
	begin?: { text?: string; blob?: string } | string;
	type: string;
	bytes: number;
	expiresAt?: number;
	version: string;
	rows: number;
}

export function Detail({ name }: { name: string }) {
	const [stored, setStored] = useState<Stored>();
	const [error, setError] = useState<unknown>();
	const place = { community: model.community.value, key: name };
	const id = drafts.id(place.community, name);

	const load = async (signal?: AbortSignal) => {
		try {
			const found = await call<Stored>("key/read", { ...place, moment: at.value }, signal);
			setStored(found);
			setError(undefined);
		} catch (problem) {
			if (!signal?.aborted) setError(problem);
		}
	};
	useEffect(() => {
		const controller = new AbortController();
		setStored(undefined);
		void load(controller.signal);
		return () => controller.abort();
	}, [id, at.value]);

	if (error !== undefined && stored === undefined) {
		return (
			<>
				<Head name={name} />
				<div style={{ padding: "12px" }}>
					<Failure error={error} retry={() => void load()} />
				</div>
			</>
		);
	}
	if (stored === undefined) {
		return (
			<>
				<Head name={name} />
				<div style={{ padding: "12px" }}>
					<Spinner />
				</div>
			</>
		);
	}
	// A new version makes a new editor, unless there is something typed in this one.
	return <Loaded key={id} stored={stored} reload={load} id={id} place={place} />;
}

function Head({ name }: { name: string }) {
	return (
		<div class="head">
			<button type="button" class="button small only-phone" onClick={() => (model.selected.value = undefined)}>
				Back
			</button>
			<h2 class="key-name grow">{name === "" ? "(empty key)" : name.slice(0, 2_000)}</h2>
			<button
				type="button"
				class="button plain small not-phone"
				aria-label="Close"
				title="Close"
				onClick={() => (model.selected.value = undefined)}
			>
				✕
			</button>
		</div>
	);
}

interface LoadedProps {
	stored: Stored;
	reload: () => Promise<void>;
	id: string;
	place: { community: string; key: string };
}

type Asked = "delete" | "expiry" | undefined;

function Loaded({ stored, reload, id, place }: LoadedProps) {
	const code = useRef<Code | undefined>(undefined);
	const draft = useRef(drafts.take(id));
	// What the editor began with: all that is saved is compared with this state.
	const [base, setBase] = useState(draft.current?.base ?? { value: stored.value ?? "", version: stored.version });
	const [text, setText] = useState(draft.current?.text ?? base.value);
	const [editor, setEditor] = useState(0);
	const [isComparing, setComparing] = useState(false);
	const [isSaving, setSaving] = useState(false);
	const [error, setError] = useState<unknown>();
	const [asked, setAsked] = useState<Asked>();
	const isDirty = text !== base.value;
	const isStale = stored.version !== base.version;
	const isEditable = stored.value !== undefined;

	useEffect(() => {
		if (isDirty) drafts.keep(id, { text, base });
		else drafts.drop(id);
	}, [text, base]);

	const changes = model.changesOfSelected.value;
	const seen = useRef(changes);
	useEffect(() => {
		if (changes !== seen.current) void reload();
		seen.current = changes;
	}, [changes]);

	// What has changed in the file shows at once where nothing was typed.
	useEffect(() => {
		if (isStale && !isDirty && stored.value !== undefined) takeTheirs();
	}, [stored.version]);

	const takeTheirs = () => {
		const value = stored.value ?? "";
		setBase({ value, version: stored.version });
		setText(value);
		setError(undefined);
		setComparing(false);
		if (code.current?.text() !== value) setEditor((number) => number + 1);
	};

	const save = async (version: string) => {
		if (isSaving || !canWrite.value) return;
		const saved = text;
		setSaving(true);
		setError(undefined);
		try {
			const { expiresAt } = stored;
			const found = await call("key/save", { ...place, value: saved, version, expiresAt });
			setBase({ value: saved, version: found.version });
			code.current?.compare(undefined);
			setComparing(false);
			await reload();
			notify("Saved.");
		} catch (problem) {
			const { code: kind, position, message } = problem as ApiError;
			if (position !== undefined) code.current?.markError(position, message);
			if (kind === "ERR_CHANGED_MEANWHILE") await reload();
			setError(problem);
		} finally {
			setSaving(false);
		}
	};
	const compare = (original: string | undefined) => {
		code.current?.compare(original);
		setComparing(original !== undefined);
	};
	const format = () => {
		const formatted = pretty(text);
		if (formatted === undefined) notify("This is not JSON, so it is left as it is.", "error");
		else code.current?.setText(formatted);
	};

	return (
		<>
			<Head name={stored.key} />
			<div class="facts">
				<span>{bytes(stored.bytes)}</span>
				{stored.expiresAt === undefined ? (
					<span>never expires</span>
				) : (
					<span>
						expires in <Countdown expiresAt={stored.expiresAt} />{" "}
						<span class="not-phone">({time(stored.expiresAt)})</span>
					</span>
				)}
				{stored.rows > 1 && (
					<span
						class="badge warn"
						title="The SDK has left several rows of this key. The newest counts. Saving leaves one."
					>
						{stored.rows} rows, newest shown
					</span>
				)}
				{canWrite.value && (
					<button type="button" class="button plain small" onClick={() => setAsked("expiry")}>
						Change expiry
					</button>
				)}
				<button
					type="button"
					class="button plain small"
					onClick={() => void download("key/download", { ...place, moment: at.value })}
				>
					Download
				</button>
			</div>
			{isStale && isDirty && (
				<div class="note warn" role="alert">
					<span class="grow">Changed meanwhile by somebody else. What you typed is kept.</span>
					<button type="button" class="button small" onClick={() => compare(stored.value)}>
						Compare
					</button>
					<button type="button" class="button small" onClick={takeTheirs}>
						Take theirs
					</button>
					{canWrite.value && (
						<button type="button" class="button small" onClick={() => void save(stored.version)}>
							Overwrite with mine
						</button>
					)}
				</div>
			)}
			{error !== undefined && <Failure error={error} />}
			{draft.current !== undefined && isDirty && !isStale && error === undefined && (
				<div class="note">What you had typed before is here again.</div>
			)}
			{isEditable ? (
				<Editor
					key={editor}
					text={text}
					language="json"
					label="Value as JSON"
					isReadOnly={!canWrite.value}
					change={setText}
					submit={() => isDirty && void save(base.version)}
					ready={(made) => {
						code.current = made;
					}}
				/>
			) : (
				<Unreadable stored={stored} />
			)}
			<div class="actions">
				{canWrite.value && (
					<>
						<button
							type="button"
							class="button primary"
							disabled={!isDirty || isSaving}
							onClick={() => void save(base.version)}
						>
							{isSaving && <span class="spinner" />}
							Save
						</button>
						<button type="button" class="button" disabled={!isDirty} onClick={takeTheirs}>
							Discard
						</button>
					</>
				)}
				{isEditable && canWrite.value && (
					<>
						<button
							type="button"
							class="button"
							aria-pressed={isComparing}
							disabled={!isDirty && !isComparing}
							onClick={() => compare(isComparing ? undefined : base.value)}
						>
							Changes
						</button>
						<button
							type="button"
							class="button"
							onClick={format}
							title="Break the text into lines. Numbers and texts stay as they are."
						>
							Format
						</button>
					</>
				)}
				<span class="grow" />
				{canWrite.value && (
					<button type="button" class="button danger" onClick={() => setAsked("delete")}>
						Delete
					</button>
				)}
				{moment.value !== undefined && <span class="muted">To bring it back, use Backups.</span>}
			</div>
			{asked === "delete" && (
				<Confirm
					title="Delete this key?"
					action="Delete"
					isDangerous
					close={() => setAsked(undefined)}
					run={async () => {
						await call("key/delete", { ...place, version: stored.version });
						drafts.drop(id);
						model.selected.value = undefined;
						notify("Deleted.");
						await model.reload();
					}}
				>
					<p class="mono" style={{ overflowWrap: "anywhere" }}>
						{stored.key.slice(0, 300)}
					</p>
				</Confirm>
			)}
			{asked === "expiry" && (
				<ExpiryDialog
					expiresAt={stored.expiresAt}
					close={() => setAsked(undefined)}
					save={async (expiresAt) => {
						const isBase = base.version === stored.version;
						const { version } = await call("key/expire", { ...place, version: stored.version, expiresAt });
						// What is typed still builds on the value that is there.
						if (isBase) setBase({ ...base, version });
						await reload();
						notify(expiresAt === null ? "It never expires now." : "The expiry was changed.");
					}}
				/>
			)}
		</>
	);
}

function Unreadable({ stored }: { stored: Stored }) {
	const { begin, type } = stored;
	const shown = typeof begin === "string" ? begin : (begin?.text ?? begin?.blob ?? "");
	const what =
		type === "text"
			? "This value is too long to be edited here. Download it to see all of it."
			: "This value is binary, not JSON. A bot cannot read it.";
	return (
		<div class="scroll" style={{ padding: "12px" }}>
			<p class="note warn">{what}</p>
			<p class="mono muted" style={{ overflowWrap: "anywhere", marginTop: "8px" }}>
				{shown.slice(0, 400)}...
			</p>
		</div>
	);
}
