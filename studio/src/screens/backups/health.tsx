// State of the backups, in words.

import { ago, bytes, number, time } from "../../format";
import { useClock } from "../../parts/basics";
import { info } from "../../state";
import { backups, status } from "./model";

interface Health {
	kind: "ok" | "warn" | "danger";
	title: string;
	text: string;
}

const LATE_MS = 60_000;
const CODES: Record<string, string> = {
	failing: "The last attempt failed, and is repeated.",
	conflict: "Something else writes to the destination, so no backups are made.",
};

export function healthOf(now: number): Health {
	const { own, lag, isServed } = status.value ?? {};
	const { lastError } = own ?? {};
	const newest = backups.value[0];
	if (own?.state === "failing" || own?.state === "conflict") {
		return { kind: "danger", title: "Backups fail", text: `${CODES[own.state]} ${lastError?.message ?? ""}` };
	}
	if (newest === undefined) {
		return { kind: "danger", title: "No backup yet", text: "Nothing of this file can be restored." };
	}
	if (lag === undefined) {
		return {
			kind: "ok",
			title: "Backups only",
			text: "There is no file here: the newest state of the backups is shown.",
		};
	}
	if (lag.state === "none")
		return { kind: "ok", title: "All is backed up", text: "The newest backup has all of the file." };
	if (lag.state === "oldCopy") {
		return {
			kind: "danger",
			title: "An old copy",
			text: "The file lacks newer backups. Opening it with the bot restores them.",
		};
	}
	if (lag.since === undefined) {
		return {
			kind: "warn",
			title: "Not known",
			text: `How far the backups are behind cannot be told: ${lag.reason ?? ""}`,
		};
	}
	const behind = now - lag.since;
	const changed = `${bytes(lag.changedBytes)} changed since ${time(lag.since)}.`;
	if (behind < LATE_MS && isServed)
		return { kind: "ok", title: "Up to date", text: `${changed} The next backup is about to have it.` };
	if (!isServed) {
		return {
			kind: "warn",
			title: "Waiting for the bot",
			text: `${changed} No process backs the file up at the moment; the bot does as soon as it runs.`,
		};
	}
	return {
		kind: "danger",
		title: "Behind",
		text: `${changed} The process that has the file open should have backed it up by now.`,
	};
}

export function Cards() {
	const now = useClock();
	const newest = backups.value[0];
	const oldest = backups.value.at(-1);
	const total = backups.value.reduce((sum, backup) => sum + backup.bytes, 0);
	const { isServed, total: count = 0, own } = status.value ?? {};
	const health = healthOf(now);
	const by = isServed
		? own?.state === "active"
			? "this studio"
			: "a process that has the file open"
		: "nobody at the moment";
	return (
		<>
			<div class={`note ${health.kind}`} role="status">
				<strong>{health.title}</strong>
				<span class="grow">{health.text}</span>
			</div>
			<div class="cards">
				<div class="panel card">
					<h2 class="label">Newest state</h2>
					<span class="big">{newest ? ago(newest.at, now) : "none"}</span>
					<span class="muted">{newest ? time(newest.at) : ""}</span>
				</div>
				<div class="panel card">
					<h2 class="label">States to go back to</h2>
					<span class="big">{number(count)}</span>
					<span class="muted">{oldest ? `from ${time(oldest.at)} on` : ""}</span>
				</div>
				<div class="panel card">
					<h2 class="label">Size at the destination</h2>
					<span class="big">{bytes(total)}</span>
					<span class="muted cut" title={info.value?.destination}>
						{info.value?.destination}
					</span>
				</div>
				{isServed !== undefined && (
					<div class="panel card">
						<h2 class="label">Backed up by</h2>
						<span>{by}</span>
						{own?.lastError && (
							<span class="muted">
								last error {ago(own.lastError.at, now)}: {own.lastError.message}
							</span>
						)}
					</div>
				)}
			</div>
		</>
	);
}
