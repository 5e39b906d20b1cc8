// The key that is open: its value as it is stored, to be edited, compared and saved.

import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, call, download } from "../../api";
import { bytes, time } from "../../format";
import { Confirm, Failure, Spinner } from "../../parts/basics";
import type { Code } from "../../parts/code";
import { draftsOf } from "../../parts/drafts";
import { Editor } from "../../parts/editor";
import { at, canWrite, moment, notify } from "../../state";
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
	/** Version of the file before it was read. */
	fileVersion: string;
}

/** Text as it was typed, and the value that it changes. */
interface Draft {
	text: string;
	base: { value: string; version: string };
}

const drafts = draftsOf<Draft>("key");
const idOf = ({ community, key }: { community: string; key: string }) => JSON.stringify([community, key]);

export function Detail({ name }: { name: string }) {
	const [stored, setStored] = useState<Stored>();
	const [error, setError] = useState<unknown>();
	const reading = useRef<AbortController | undefined>(undefined);
	const place = { community: model.community.value, key: name };

	/** Reads the key again. A read that is under way is dropped: it may be older. */
	const load = async () => {
		reading.current?.abort();
		const mine = new AbortController();
		reading.current = mine;
		model.noteOpen(undefined);
		try {
			const found = await call<Stored>("key/read", { ...place, moment: at.value }, mine.signal);
			if (mine.signal.aborted) return;
			model.noteOpen(found.fileVersion);
			setStored(found);
			setError(undefined);
		} catch (problem) {
			if (!mine.signal.aborted) setError(problem);
		}
	};
	const changes = model.changesOfSelected.value;
	useEffect(() => {
		void load();
	}, [changes]);
	useEffect(() => () => reading.current?.abort(), []);

	if (stored === undefined) {
		return (
			<>
				<Head name={name} />
				<div style={{ padding: "12px" }}>
					{error === undefined ? <Spinner /> : <Failure error={error} retry={() => void load()} />}
				</div>
			</>
		);
	}
	return <Loaded stored={stored} problem={error} take={setStored} reload={load} place={place} />;
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
	/** Why it could not be read again. */
	problem: unknown;
	/** Takes what has just been saved for what is stored, until it is read again. */
	take: (stored: Stored) => void;
	reload: () => Promise<void>;
	place: { community: string; key: string };
}

type Asked = "delete" | "expiry" | undefined;

/**
 * Text as it is typed, and the value that it began with: all that is saved is compared with that. It is noted in the very event
 * in which something is typed, so that no later drawing decides by what was there before.
 */
function useEdit(id: string, stored: Stored) {
	// A state of the past is nobody's to change.
	const found = useRef(canWrite.value ? drafts.take(id) : undefined);
	const [, draw] = useState(0);
	const edit = useRef<Draft | undefined>(undefined);
	edit.current ??= found.current ?? begin(stored);
	return {
		edit: edit.current,
		wasDraft: found.current !== undefined,
		latest: () => edit.current as Draft,
		put(next: Draft): void {
			edit.current = next;
			if (next.text === next.base.value) drafts.drop(id);
			else drafts.keep(id, next);
			draw((count) => count + 1);
		},
	};
}

/** An edit in which nothing was typed yet. */
function begin({ value = "", version }: Stored): Draft {
	return { text: value, base: { value, version } };
}

function Loaded({ stored, problem, take, reload, place }: LoadedProps) {
	const code = useRef<Code | undefined>(undefined);
	const id = idOf(place);
	const { edit, wasDraft, latest, put } = useEdit(id, stored);
	const [isComparing, setComparing] = useState(false);
	const saving = useRef(false);
	const [error, setError] = useState<unknown>();
	const [asked, setAsked] = useState<Asked>();
	const { text, base } = edit;
	const isDirty = text !== base.value;
	const isStale = stored.version !== base.version && !saving.current;
	const isGone = (problem as ApiError | undefined)?.code === "ERR_NOT_FOUND";
	const isEditable = stored.value !== undefined;

	const takeTheirs = () => {
		const next = begin(stored);
		put(next);
		setError(undefined);
		compare(undefined);
		code.current?.setText(next.text);
	};

	// A change in the file shows at once if nothing was typed. While this saves, the file is about to change.
	const isSaving = saving.current;
	useEffect(() => {
		const now = latest();
		if (saving.current) return;
		if (stored.version !== now.base.version && now.text === now.base.value && isEditable) takeTheirs();
	}, [stored.version, base.version, isSaving]);

	const save = async (version: string | null) => {
		if (saving.current || !canWrite.value) return;
		const saved = latest().text;
		saving.current = true;
		put(latest());
		setError(undefined);
		try {
			const { expiresAt } = stored;
			const found = await call("key/save", { ...place, value: saved, version, expiresAt });
			put({ text: latest().text, base: { value: saved, version: found.version } });
			take({ ...stored, value: saved, version: found.version });
			compare(undefined);
			await reload();
			notify("Saved.");
		} catch (failure) {
			const { code: kind, position, message } = failure as ApiError;
			if (position !== undefined) code.current?.markError(position, message);
			if (kind === "ERR_CHANGED_MEANWHILE") await reload();
			setError(failure);
		} finally {
			saving.current = false;
			put(latest());
		}
	};
	const compare = (original: string | undefined) => {
		code.current?.compare(original);
		setComparing(original !== undefined);
	};
	const format = () => {
		const formatted = pretty(latest().text);
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
			{isGone && (
				<div class="note warn" role="alert">
					<span class="grow">Deleted meanwhile by somebody else. The text is still here.</span>
					{canWrite.value && isEditable && (
						<button type="button" class="button small" onClick={() => void save(null)}>
							Save it again
						</button>
					)}
				</div>
			)}
			{problem !== undefined && !isGone && <Failure error={problem} retry={() => void reload()} />}
			{isStale && isDirty && !isGone && (
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
			{wasDraft && isDirty && !isStale && error === undefined && (
				<div class="note">What you had typed before is here again.</div>
			)}
			{isEditable ? (
				<Editor
					text={text}
					language="json"
					label="Value as JSON"
					isReadOnly={!canWrite.value}
					change={(typed) => put({ ...latest(), text: typed })}
					submit={() => isDirty && void save(base.version)}
					ready={(made) => {
						code.current = made;
						// It may have changed while the editor was loaded.
						if (made && made.text() !== latest().text) made.setText(latest().text);
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
						await model.deletingOpen(() => call("key/delete", { ...place, version: stored.version }));
						drafts.drop(id);
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
						const isBase = latest().base.version === stored.version;
						const { version } = await call("key/expire", { ...place, version: stored.version, expiresAt });
						// The typed text still builds on the value that is there.
						if (isBase) put({ ...latest(), base: { ...latest().base, version } });
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
