// Small parts that all screens are made of.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api";
import { notify } from "../state";

/** The time, which moves each second while something shows it. */
export const now = signal(Date.now());
let viewers = 0;
let clock: ReturnType<typeof setInterval> | undefined;

export function useClock(): number {
	useEffect(() => {
		now.value = Date.now();
		if (viewers++ === 0) clock = setInterval(() => (now.value = Date.now()), 1_000);
		return () => {
			if (--viewers === 0) clearInterval(clock);
		};
	}, []);
	return now.value;
}

export function Spinner({ title = "Loading" }: { title?: string }) {
	return (
		<span class="row muted" role="status">
			<span class="spinner" />
			{title}
		</span>
	);
}

export function Failure({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
	const { code, message } = error as ApiError;
	if (code === "ABORT_ERR") return null;
	return (
		<div class="note danger" role="alert">
			<span class="grow">{message}</span>
			{code !== undefined && <code>{code}</code>}
			{retry && (
				<button type="button" class="button small" onClick={retry}>
					Try again
				</button>
			)}
		</div>
	);
}

interface DialogProps {
	title: string;
	close: () => void;
	children: ComponentChildren;
	wide?: boolean;
	className?: string;
}

/** A dialog in front of the page. It closes with Escape. */
export function Dialog({ title, close, children, wide = false, className = "" }: DialogProps) {
	const element = useRef<HTMLDialogElement>(null);
	useLayoutEffect(() => {
		const before = document.activeElement;
		const dialog = element.current;
		dialog?.showModal();
		return () => {
			// The elements behind an open dialog take no focus.
			dialog?.close();
			if (before instanceof HTMLElement) before.focus();
		};
	}, []);
	return (
		<dialog
			ref={element}
			class={`${wide ? "wide" : ""} ${className}`}
			aria-label={title}
			onCancel={(event) => {
				event.preventDefault();
				close();
			}}
		>
			{children}
		</dialog>
	);
}

interface ConfirmProps {
	title: string;
	children: ComponentChildren;
	action: string;
	isDangerous?: boolean;
	isReady?: boolean;
	run: (signal: AbortSignal, tell: (part: number) => void) => Promise<void> | void;
	close: () => void;
}

/** Asks before something is done, and cancels it on demand. What fails is shown in it, and it stays. */
export function Confirm({ title, children, action, isDangerous = false, isReady = true, run, close }: ConfirmProps) {
	const [error, setError] = useState<unknown>();
	const [work, setWork] = useState<AbortController>();
	const [part, setPart] = useState<number>();
	const submit = async (event: Event) => {
		event.preventDefault();
		const controller = new AbortController();
		setWork(controller);
		setError(undefined);
		try {
			await run(controller.signal, setPart);
			close();
		} catch (problem) {
			if (isAbort(problem)) {
				notify("Cancelled. Nothing was changed.");
				close();
			} else setError(problem);
		} finally {
			setWork(undefined);
			setPart(undefined);
		}
	};
	const leave = () => (work === undefined ? close() : work.abort());
	return (
		<Dialog title={title} close={leave}>
			<form onSubmit={submit}>
				<h1>{title}</h1>
				{children}
				{error !== undefined && <Failure error={error} />}
				{part !== undefined && <progress value={part} max={1} aria-label={action} />}
				<div class="buttons">
					<button type="button" class="button" onClick={leave}>
						Cancel
					</button>
					<button
						type="submit"
						class={`button ${isDangerous ? "solid-danger" : "primary"}`}
						disabled={work !== undefined || !isReady}
					>
						{work !== undefined && <span class="spinner" />}
						{action}
					</button>
				</div>
			</form>
		</Dialog>
	);
}

/** Something that is asked from the server, again whenever one of `about` changes. The request before is cancelled. */
export function useAnswer<T>(ask: (signal: AbortSignal) => Promise<T>, about: unknown[]) {
	const [state, setState] = useState<{ value?: T; error?: unknown; isLoading: boolean }>({ isLoading: true });
	const [turn, setTurn] = useState(0);
	const controller = useRef<AbortController | undefined>(undefined);
	useEffect(() => {
		const mine = new AbortController();
		controller.current = mine;
		setState((before) => ({ ...before, error: undefined, isLoading: true }));
		ask(mine.signal).then(
			(value) => mine.signal.aborted || setState({ value, isLoading: false }),
			(error) => {
				if (controller.current === mine) setState((before) => ({ ...before, error, isLoading: false }));
			},
		);
		return () => mine.abort();
	}, [...about, turn]);
	return { ...state, reload: () => setTurn((count) => count + 1), cancel: () => controller.current?.abort() };
}

/** A value that follows another when that has been still for a moment. */
export function useSettled<T>(value: T, delayMs = 200): T {
	const [settled, setSettled] = useState(value);
	useEffect(() => {
		const timer = setTimeout(() => setSettled(value), delayMs);
		return () => clearTimeout(timer);
	}, [value]);
	return settled;
}

export function isAbort(error: unknown): boolean {
	return error instanceof ApiError && error.code === "ABORT_ERR";
}
