// The moment that is chosen: look at it, compare it with now, take back keys or everything.

import { useEffect, useState } from "preact/hooks";
import { call, download } from "../../api";
import { ago, time } from "../../format";
import { Confirm, Failure, isAbort, Spinner, useClock } from "../../parts/basics";
import { canWrite, go, info, moment, notify } from "../../state";
import { Comparison } from "./comparison";
import { type Backup, chosen, done, look, progressed } from "./model";

interface Restored {
	id: string;
	createdAt: number;
	undoId?: string;
}

/** Restores everything, and notes how that is undone. */
async function restoreAll(id: string, text: string, signal: AbortSignal, tell: (part: number) => void): Promise<void> {
	const { undoId } = await progressed<Restored>("backups/restore", { id }, signal, tell);
	if (undoId !== undefined) {
		done.value = [
			{
				text,
				at: Date.now(),
				isUndone: false,
				undo: () => restoreAll(undoId, "Undone: everything as before", signal, tell),
			},
			...done.value,
		];
	}
	await look();
}

export function MomentPanel({ backup }: { backup: Backup }) {
	const now = useClock();
	const [work, setWork] = useState<{ title: string; part: number; controller: AbortController }>();
	const [error, setError] = useState<unknown>();
	const [isComparing, setComparing] = useState(false);
	const [isAsking, setAsking] = useState(false);
	useEffect(() => {
		setComparing(false);
		setError(undefined);
	}, [backup.id]);

	const run = async (title: string, use: (signal: AbortSignal, tell: (part: number) => void) => Promise<void>) => {
		const controller = new AbortController();
		setWork({ title, part: 0, controller });
		setError(undefined);
		try {
			await use(controller.signal, (part) => setWork({ title, part, controller }));
		} catch (problem) {
			if (!isAbort(problem)) setError(problem);
		} finally {
			setWork(undefined);
		}
	};
	const open = () =>
		run("Restoring to a temporary file", async (signal, tell) => {
			const found = await progressed<{ id: string; createdAt: number }>(
				"backups/open",
				{ id: backup.id },
				signal,
				tell,
			);
			moment.value = { id: found.id, createdAt: found.createdAt };
			go("keys");
		});
	const hasFile = info.value?.file !== undefined;
	const off = !hasFile ? "There is no file here to restore." : "Start the studio with --write to restore.";
	return (
		<section class="panel" id="moment" aria-label="Chosen moment">
			<header>
				<h2 class="grow">
					{time(backup.at)} <span class="muted">{ago(backup.at, now)}</span>
				</h2>
				<button type="button" class="button plain small" aria-label="Close" onClick={() => (chosen.value = undefined)}>
					✕
				</button>
			</header>
			<div class="body stack">
				<div class="row wrap">
					<button type="button" class="button" disabled={work !== undefined} onClick={() => void open()}>
						Look at it
					</button>
					{hasFile && (
						<button type="button" class="button" disabled={work !== undefined} onClick={() => setComparing(true)}>
							Compare with now
						</button>
					)}
					<button
						type="button"
						class="button"
						disabled={work !== undefined}
						onClick={() =>
							void run("Restoring to a temporary file", () => download("backups/download", { id: backup.id }))
						}
					>
						Save as a file
					</button>
					<button
						type="button"
						class="button danger"
						disabled={!canWrite.value || work !== undefined}
						title={canWrite.value ? "" : off}
						onClick={() => setAsking(true)}
					>
						Restore everything
					</button>
					{!canWrite.value && <span class="muted">{off}</span>}
				</div>
				{work && (
					<div class="row">
						<Spinner title={work.title} />
						<progress class="grow" value={work.part} max={1} aria-label={work.title} />
					</div>
				)}
				{error !== undefined && <Failure error={error} />}
				{isComparing && <Comparison key={backup.id} backup={backup} />}
			</div>
			{isAsking && (
				<Confirm
					title="Restore everything?"
					action="Restore everything"
					isDangerous
					close={() => setAsking(false)}
					run={async () => {
						const controller = new AbortController();
						await restoreAll(backup.id, `Everything as it was at ${time(backup.at)}`, controller.signal, () => {});
						notify("Restored. What was there before is a backup, too: Undo brings it back.");
					}}
				>
					<p>
						All keys and tables become what they were at <strong>{time(backup.at)}</strong>, for the bot too, while it
						runs.
					</p>
					<p class="muted">The state of now is backed up first, so that this can be undone.</p>
				</Confirm>
			)}
		</section>
	);
}

/** What was restored, and the way back. */
export function DoneList() {
	const now = useClock();
	const [busy, setBusy] = useState<number>();
	const [error, setError] = useState<unknown>();
	if (done.value.length === 0) return null;
	const undo = async (index: number) => {
		setBusy(index);
		setError(undefined);
		const entry = done.value[index];
		try {
			await entry?.undo();
			done.value = done.value.map((one) => (one === entry ? { ...one, isUndone: true } : one));
			notify("Undone.");
		} catch (problem) {
			setError(problem);
		} finally {
			setBusy(undefined);
		}
	};
	return (
		<section class="panel" aria-label="Restored">
			<header>
				<h2>Restored since the page was opened</h2>
			</header>
			<div class="body stack">
				{error !== undefined && <Failure error={error} />}
				{done.value.map((entry, index) => (
					<div class="row" key={entry.at}>
						<span class="grow">{entry.text}</span>
						<span class="muted">{ago(entry.at, now)}</span>
						<button
							type="button"
							class="button small"
							disabled={entry.isUndone || busy !== undefined}
							onClick={() => void undo(index)}
						>
							{busy === index && <span class="spinner" />}
							{entry.isUndone ? "Undone" : "Undo"}
						</button>
					</div>
				))}
			</div>
		</section>
	);
}

/** Puts keys back, and notes how that is undone. */
export async function restoreKeys(
	backup: Backup,
	keys: { key: string; community?: string | undefined }[],
): Promise<void> {
	const { undo } = await call("backups/restore-keys", { at: backup.id, keys });
	const text = `${keys.length === 1 ? "1 key" : `${keys.length} keys`} as of ${time(backup.at)}`;
	const entry = {
		text,
		at: Date.now(),
		isUndone: false,
		undo: async () => {
			await call("backups/undo-keys", { undo });
		},
	};
	done.value = [entry, ...done.value];
	notify(`Put back: ${text}.`);
}
