import { type ComponentType, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, isConnected, isLocked, takeToken } from "./api";
import { time } from "./format";
import { Failure, Spinner } from "./parts/basics";
import { Palette, setTheme } from "./parts/palette";
import Keys from "./screens/keys/keys";
import {
	canWrite,
	dismiss,
	followAddress,
	info,
	loadInfo,
	moment,
	notices,
	report,
	SCREENS,
	type Screen,
	screen,
} from "./state";
import "./styles.css";

/** Screens that are loaded when they are opened. */
const LATER: Record<string, () => Promise<{ default: ComponentType }>> = {
	tables: () => import("./screens/tables/tables"),
	backups: () => import("./screens/backups/backups"),
	sql: () => import("./screens/sql/sql"),
	transfer: () => import("./screens/transfer"),
};

function Later({ name }: { name: Screen }) {
	const [Loaded, setLoaded] = useState<ComponentType>();
	const [error, setError] = useState<unknown>();
	useEffect(() => {
		LATER[name]?.().then(
			(module) => setLoaded(() => module.default),
			() => setError(new Error("This screen could not be loaded. Has the command ended?")),
		);
	}, []);
	if (error !== undefined) return <Failure error={error} />;
	if (Loaded === undefined) {
		return (
			<div class="page">
				<Spinner />
			</div>
		);
	}
	return <Loaded />;
}

function Top({ openPalette }: { openPalette: () => void }) {
	const { name, canWrite: mayWrite } = info.value ?? { name: "", canWrite: false };
	return (
		<header class="top">
			<h1 class="brand">
				<span class="mark" />
				<span class="name">rootcellar</span>
			</h1>
			<nav class="tabs" aria-label="Screens">
				{SCREENS.map(({ id, title, short }) => (
					<a key={id} class="tab" href={`#${id}`} aria-current={screen.value === id ? "page" : undefined}>
						<span class="not-phone">{title}</span>
						<span class="only-phone">{short}</span>
					</a>
				))}
			</nav>
			<span class="grow" />
			<span class="file cut muted" title={info.value?.file ?? info.value?.destination}>
				{name}
			</span>
			<span class={`badge ${mayWrite ? "warn" : ""}`} title={mayWrite ? "" : "Start with --write to change data"}>
				{mayWrite ? "can write" : "read only"}
			</span>
			<button type="button" class="button small" onClick={openPalette} title="Ctrl+K">
				Go to<kbd class="muted not-phone">Ctrl K</kbd>
			</button>
		</header>
	);
}

function Bars() {
	return (
		<div class="bars">
			{!isConnected.value && (
				<div class="bar lost" role="alert">
					<span class="grow">
						The studio does not answer: the command has ended, or the connection is lost. What you typed is still here.
					</span>
					<button type="button" class="button small" onClick={() => void call("info").catch(report)}>
						Try again
					</button>
				</div>
			)}
			{moment.value !== undefined && (
				<div class="bar past">
					<span class="grow">
						This is the data as it was at <strong>{time(moment.value.createdAt)}</strong>, from the backups.
					</span>
					<button type="button" class="button small" onClick={() => (moment.value = undefined)}>
						Back to now
					</button>
				</div>
			)}
		</div>
	);
}

function Locked() {
	return (
		<div class="page">
			<div class="inner">
				<div class="empty">
					<h1>This page needs its key</h1>
					<p>
						Open the address that <code>npx rootcellar studio</code> has printed, with all that stands behind{" "}
						<code>#token=</code>. Each run of the command has a new one.
					</p>
				</div>
			</div>
		</div>
	);
}

function App() {
	const [error, setError] = useState<unknown>();
	const [isPaletteOpen, setPaletteOpen] = useState(false);
	const load = () => {
		setError(undefined);
		loadInfo().catch(setError);
	};
	useEffect(() => {
		load();
		const press = (event: KeyboardEvent) => {
			if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
				event.preventDefault();
				setPaletteOpen(true);
			} else if (event.key === "/" && !isTyping(event.target)) {
				event.preventDefault();
				document.getElementById("filter")?.focus();
			}
		};
		addEventListener("keydown", press);
		addEventListener("hashchange", followAddress);
		return () => {
			removeEventListener("keydown", press);
			removeEventListener("hashchange", followAddress);
		};
	}, []);
	return (
		<div class="app" data-writable={canWrite.value}>
			<Top openPalette={() => setPaletteOpen(true)} />
			<Bars />
			<main class="main">
				{isLocked.value ? (
					<Locked />
				) : error !== undefined ? (
					<div class="page">
						<Failure error={error} retry={load} />
					</div>
				) : info.value === undefined ? (
					<div class="page">
						<Spinner />
					</div>
				) : screen.value === "keys" ? (
					<Keys />
				) : (
					<Later key={screen.value} name={screen.value} />
				)}
			</main>
			<div class="notices" aria-live="polite">
				{notices.value.map(({ id, text, kind, action }) => (
					<div key={id} class={`notice ${kind}`}>
						<span class="grow">{text}</span>
						{action && (
							<button
								type="button"
								onClick={() => {
									dismiss(id);
									action.run();
								}}
							>
								{action.title}
							</button>
						)}
						<button type="button" aria-label="Close" onClick={() => dismiss(id)}>
							✕
						</button>
					</div>
				))}
			</div>
			{isPaletteOpen && <Palette close={() => setPaletteOpen(false)} />}
		</div>
	);
}

function isTyping(target: EventTarget | null): boolean {
	return (
		target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
	);
}

takeToken();
followAddress();
setTheme(localStorage.getItem("rootcellar-theme") ?? "system");
render(<App />, document.getElementById("app") as HTMLElement);
