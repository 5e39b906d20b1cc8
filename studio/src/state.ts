// State that all screens share.

import { computed, signal } from "@preact/signals";
import { ApiError, call } from "./api";

export interface Info {
	version: string;
	file: string | undefined;
	name: string;
	bytes: number | undefined;
	destination: string | undefined;
	moment: string | undefined;
	canWrite: boolean;
	now: number;
}

/** A state of a backup that is shown instead of the file. */
export interface Moment {
	id: string;
	createdAt: number;
}

export const SCREENS: { id: string; title: string; short: string }[] = [
	{ id: "keys", title: "Keys", short: "Keys" },
	{ id: "tables", title: "Tables", short: "Tables" },
	{ id: "sql", title: "SQL", short: "SQL" },
	{ id: "backups", title: "Backups", short: "Backups" },
	{ id: "transfer", title: "Import & export", short: "Import" },
];

export type Screen = string;

export const info = signal<Info | undefined>(undefined);
export const screen = signal<Screen>("keys");
export const moment = signal<Moment | undefined>(undefined);

/** True if the shown state may be changed: a moment of the past may not. */
export const canWrite = computed(() => info.value?.canWrite === true && moment.value === undefined);

/** The moment as requests name it. */
export const at = computed(() => moment.value?.id);

export interface Notice {
	id: number;
	text: string;
	kind: "info" | "error";
	action?: { title: string; run: () => void } | undefined;
}

export const notices = signal<Notice[]>([]);
let lastNotice = 0;

const NOTICE_MS = 6_000;

/** Shows a line for a few seconds; one with something to do stays until it is closed. */
export function notify(text: string, kind: Notice["kind"] = "info", action?: Notice["action"]): void {
	const id = ++lastNotice;
	notices.value = [...notices.value.slice(-3), { id, text, kind, action }];
	if (action === undefined && kind === "info") setTimeout(() => dismiss(id), NOTICE_MS);
}

export function dismiss(id: number): void {
	notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Shows an error, unless it is that somebody cancelled. */
export function report(error: unknown): void {
	if (error instanceof ApiError && (error.code === "ABORT_ERR" || error.code === "ERR_UNREACHABLE")) return;
	notify(error instanceof Error ? error.message : String(error), "error");
}

export async function loadInfo(): Promise<void> {
	info.value = await call<Info>("info");
	if (info.value.name) document.title = `${info.value.name} - rootcellar studio`;
}

export function go(to: Screen): void {
	if (screen.value !== to) location.hash = to;
}

/** The screen that the address names. */
export function followAddress(): void {
	const name = location.hash.slice(1);
	screen.value = SCREENS.find(({ id }) => id === name)?.id ?? "keys";
}
