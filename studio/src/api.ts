// Requests to the server. Each carries the token of the address that the command has printed; there is no cookie.

import { signal } from "@preact/signals";

/** Error that the server has told, or that there is no server any more (`ERR_UNREACHABLE`). */
export class ApiError extends Error {
	constructor(
		readonly code: string,
		message: string,
		readonly position?: number,
		readonly details?: unknown,
	) {
		super(message);
	}
}

/** True while the server answers. */
export const isConnected = signal(true);

/** True if the page has no token, or one that another run of the command has given. */
export const isLocked = signal(false);

const TOKEN = "rootcellar-token";

/** Takes the token out of the address, so that it is in no history and no screenshot. */
export function takeToken(): void {
	const [, token] = /token=([\w-]+)/.exec(location.hash) ?? [];
	if (token === undefined) return;
	sessionStorage.setItem(TOKEN, token);
	history.replaceState(null, "", "/#keys");
}

function headers(): Record<string, string> {
	return { Authorization: `Bearer ${sessionStorage.getItem(TOKEN) ?? ""}` };
}

async function post(name: string, body: BodyInit, signal?: AbortSignal): Promise<Response> {
	let response: Response;
	try {
		response = await fetch(`/api/${name}`, { method: "POST", headers: headers(), body, signal: signal ?? null });
	} catch {
		if (signal?.aborted) throw new ApiError("ABORT_ERR", "cancelled");
		isConnected.value = false;
		throw new ApiError("ERR_UNREACHABLE", "The studio does not answer. Has the command ended?");
	}
	isConnected.value = true;
	if (response.ok) return response;
	const { error } = await response.json().catch(() => ({ error: undefined }));
	if (response.status === 401) isLocked.value = true;
	throw new ApiError(
		error?.code ?? "ERR_INTERNAL",
		error?.message ?? response.statusText,
		error?.position,
		error?.details,
	);
}

/** The answer of a route. */
// biome-ignore lint/suspicious/noExplicitAny: an answer is what its route says.
export async function call<T = any>(name: string, input: object = {}, signal?: AbortSignal): Promise<T> {
	const response = await post(name, JSON.stringify(input), signal);
	return response.json();
}

/** Sends a file. */
// biome-ignore lint/suspicious/noExplicitAny: an answer is what its route says.
export async function upload<T = any>(name: string, file: Blob, signal?: AbortSignal): Promise<T> {
	return (await post(name, file, signal)).json();
}

/** The lines of an answer, as they come. */
// biome-ignore lint/suspicious/noExplicitAny: a line is what its route says.
export async function* lines<T = any>(name: string, input: object, signal: AbortSignal): AsyncGenerator<T> {
	const response = await post(name, JSON.stringify(input), signal);
	if (response.body === null) return;
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	try {
		for (;;) {
			const { value, done } = await reader.read();
			if (done) return;
			const parts = (rest + value).split("\n");
			rest = parts.pop() ?? "";
			for (const part of parts) {
				const line = JSON.parse(part);
				if (line.error) throw new ApiError(line.error.code, line.error.message, line.error.position);
				yield line;
			}
		}
	} catch (error) {
		if (signal.aborted) return;
		if (error instanceof ApiError) throw error;
		isConnected.value = false;
		throw new ApiError("ERR_UNREACHABLE", "The studio does not answer. Has the command ended?");
	} finally {
		reader.cancel().catch(() => {});
	}
}

let lastWork = 0;

/**
 * Asks for something that changes data, by a name by which it is cancelled: where it is, its answer still tells what has
 * become of it.
 */
export async function cancellable<T>(signal: AbortSignal, ask: (work: string) => Promise<T>): Promise<T> {
	const work = `${performance.timeOrigin}:${++lastWork}`;
	const cancel = () => void call("cancel", { of: work }).catch(() => {});
	signal.addEventListener("abort", cancel, { once: true });
	try {
		return await ask(work);
	} finally {
		signal.removeEventListener("abort", cancel);
	}
}

/** Saves what a route offers to be downloaded. */
export async function download(name: string, input: object = {}): Promise<void> {
	const { address } = await call<{ address: string }>(name, input);
	const link = document.createElement("a");
	link.href = address;
	link.download = "";
	document.body.append(link);
	link.click();
	link.remove();
}
