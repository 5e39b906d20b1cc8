// The screen of backups: how they stand, the moments to go back to, and the way back.

import { useEffect, useState } from "preact/hooks";
import { call } from "../../api";
import { bytes, time } from "../../format";
import { Failure, isAbort, Spinner } from "../../parts/basics";
import { canWrite, notify, report } from "../../state";
import { Charts } from "./charts";
import { Cards } from "./health";
import { backups, chosen, look, problem, progressed, status } from "./model";
import { MomentPanel, Restores } from "./moment";
import { Timeline } from "./timeline";

const LOOK_MS = 5_000;

interface Verified {
	createdAt: number;
	sizeBytes: number;
	files: number;
	isComplete: boolean;
	skipped: { name: string; reason: string }[];
}

export default function Backups() {
	useEffect(() => {
		const controller = new AbortController();
		let timer: ReturnType<typeof setTimeout>;
		const again = async () => {
			if (!document.hidden) await look(controller.signal);
			if (!controller.signal.aborted) timer = setTimeout(again, LOOK_MS);
		};
		void again();
		return () => {
			controller.abort();
			clearTimeout(timer);
		};
	}, []);
	if (status.value === undefined) {
		return (
			<div class="page">
				<div class="inner">
					{problem.value === undefined ? (
						<Spinner title="Asking the destination" />
					) : (
						<Failure error={problem.value} retry={() => void look()} />
					)}
				</div>
			</div>
		);
	}
	if (status.value.isOff) {
		return (
			<div class="page">
				<div class="inner">
					<div class="empty">
						<h1>Backups are turned off</h1>
						<p>
							<code>ROOTCELLAR_BACKUP</code> says so. Name a destination with <code>--url</code> to see the backups
							there.
						</p>
					</div>
				</div>
			</div>
		);
	}
	return (
		<div class="page">
			<div class="inner">
				{problem.value !== undefined && <Failure error={problem.value} retry={() => void look()} />}
				<Cards />
				<Actions />
				<Restores />
				{chosen.value && <MomentPanel backup={chosen.value} />}
				{backups.value.length > 0 && (
					<>
						<Timeline />
						<Charts />
					</>
				)}
			</div>
		</div>
	);
}

function Actions() {
	const [isCreating, setCreating] = useState(false);
	const [verifying, setVerifying] = useState<{ part: number; controller: AbortController }>();
	const [verified, setVerified] = useState<Verified>();
	const [error, setError] = useState<unknown>();
	const create = async () => {
		setCreating(true);
		try {
			const { createdAt } = await call("backups/create");
			notify(`The newest backup is that of ${time(createdAt)}.`);
			await look();
		} catch (failure) {
			report(failure);
		} finally {
			setCreating(false);
		}
	};
	const verify = async () => {
		const controller = new AbortController();
		const tell = (part: number) => setVerifying({ part, controller });
		tell(0);
		setError(undefined);
		setVerified(undefined);
		try {
			setVerified(await progressed<Verified>("backups/verify", {}, controller.signal, tell));
		} catch (failure) {
			if (!isAbort(failure)) setError(failure);
		} finally {
			setVerifying(undefined);
		}
	};
	return (
		<>
			<div class="row wrap">
				<button
					type="button"
					class="button"
					disabled={!canWrite.value || isCreating}
					title={canWrite.value ? "" : "Start the studio with --write to make one."}
					onClick={() => void create()}
				>
					{isCreating && <span class="spinner" />}
					Back up now
				</button>
				<button
					type="button"
					class="button"
					disabled={verifying !== undefined || backups.value.length === 0}
					onClick={() => void verify()}
				>
					Prove that it can be restored
				</button>
				{verifying !== undefined && (
					<>
						<progress class="grow" value={verifying.part} max={1} aria-label="Verifying" />
						<button type="button" class="button small" onClick={() => verifying.controller.abort()}>
							Cancel
						</button>
					</>
				)}
			</div>
			{error !== undefined && <Failure error={error} />}
			{verified && (
				<div class={`note ${verified.isComplete ? "ok" : "danger"}`} role="status">
					<span>
						The state of {time(verified.createdAt)} can be restored: {bytes(verified.sizeBytes)} from {verified.files}{" "}
						files.
						{verified.skipped.map(({ name, reason }) => ` Cannot be used: ${name}: ${reason}.`)}
					</span>
				</div>
			)}
		</>
	);
}
