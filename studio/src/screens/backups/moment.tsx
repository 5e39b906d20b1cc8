// The moment that is chosen: look at it, compare it with now, take back keys or everything.

import { useEffect, useState } from "preact/hooks";
import { download } from "../../api";
import { ago, number, time } from "../../format";
import { Confirm, Failure, isAbort, Spinner, useClock } from "../../parts/basics";
import { canWrite, go, info, moment, notify } from "../../state";
import { Comparison } from "./comparison";
import { type Backup, change, chosen, progressed, type Restored, status } from "./model";

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
							void run("Restoring to a temporary file", async (signal, tell) => {
								await progressed("backups/open", { id: backup.id }, signal, tell);
								await download("backups/download", { id: backup.id });
							})
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
						<button type="button" class="button small" onClick={() => work.controller.abort()}>
							Cancel
						</button>
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
					run={async (signal, tell) => {
						await change("backups/restore", { id: backup.id }, signal, tell);
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

/** List of restores, each with its way back. */
export function Restores() {
	const now = useClock();
	const [work, setWork] = useState<{ id: string; part: number; controller: AbortController }>();
	const [error, setError] = useState<unknown>();
	const restores = status.value?.restores ?? [];
	if (restores.length === 0) return null;
	const undo = async (id: string) => {
		const controller = new AbortController();
		setWork({ id, part: 0, controller });
		setError(undefined);
		try {
			await change("backups/undo", { restore: id }, controller.signal, (part) => setWork({ id, part, controller }));
			notify("Undone.");
		} catch (problem) {
			if (isAbort(problem)) notify("Cancelled. Nothing was changed.");
			else setError(problem);
		} finally {
			setWork(undefined);
		}
	};
	return (
		<section class="panel" aria-label="Restored">
			<header>
				<h2>Restored since the studio was started</h2>
			</header>
			<div class="body stack">
				{error !== undefined && <Failure error={error} />}
				{restores.map((restored) => (
					<div class="row" key={restored.id}>
						<span class="grow">{describe(restored)}</span>
						<span class="muted">{ago(restored.at, now)}</span>
						{work?.id === restored.id ? (
							<>
								<progress value={work.part} max={1} aria-label="Undoing" />
								<button type="button" class="button small" onClick={() => work.controller.abort()}>
									Cancel
								</button>
							</>
						) : (
							<button
								type="button"
								class="button small"
								disabled={restored.isUndone || work !== undefined}
								onClick={() => void undo(restored.id)}
							>
								{restored.isUndone ? "Undone" : "Undo"}
							</button>
						)}
					</div>
				))}
			</div>
		</section>
	);
}

function describe({ keys, moment: at, undoes }: Restored): string {
	const what = keys === undefined ? "Everything" : keys === 1 ? "1 key" : `${number(keys)} keys`;
	if (undoes !== undefined) return `${what} as before, by an undo`;
	return at === undefined ? what : `${what} as of ${time(at)}`;
}
