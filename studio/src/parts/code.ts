// CodeMirror, which is loaded when the first editor is needed.

import {
	autocompletion,
	closeBrackets,
	closeBracketsKeymap,
	closeCompletion,
	completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { SQLite, sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, linter, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { endOfJson } from "../../../lib/studio/values/json-position.js";

const theme = EditorView.theme({
	"&": { backgroundColor: "var(--panel)", color: "var(--text)" },
	".cm-content": { fontFamily: "var(--mono)", caretColor: "var(--accent)", padding: "8px 0" },
	".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--muted)", border: "none", fontFamily: "var(--mono)" },
	".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--sunken) 60%, transparent)" },
	".cm-activeLineGutter": { backgroundColor: "var(--sunken)" },
	".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
	"&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
		backgroundColor: "light-dark(#cfe3d7, #2c4a3a) !important",
	},
	".cm-tooltip": { backgroundColor: "var(--raised)", border: "1px solid var(--line)", borderRadius: "6px" },
	".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
	".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)", borderColor: "var(--line)" },
	".cm-textfield": { backgroundColor: "var(--panel)", border: "1px solid var(--line-strong)" },
	".cm-button": { backgroundImage: "none", backgroundColor: "var(--raised)", border: "1px solid var(--line)" },
	".cm-deletedChunk": { backgroundColor: "var(--danger-soft)", paddingLeft: "6px" },
	// Not underlined, because spaces that were added look like underscores then.
	"&.cm-merge-b .cm-changedText": { background: "color-mix(in srgb, var(--accent) 22%, transparent)" },
	"&.cm-merge-b .cm-deletedChunk .cm-deletedText": {
		background: "color-mix(in srgb, var(--danger) 22%, transparent)",
	},
	".cm-changedLine": { backgroundColor: "var(--accent-soft) !important" },
	".cm-placeholder": { color: "var(--muted)" },
	".cm-lintRange-error": { backgroundImage: "none", textDecoration: "wavy underline var(--danger)" },
});

const colours = HighlightStyle.define([
	{ tag: [tags.propertyName], color: "var(--blue)" },
	{ tag: [tags.string], color: "var(--accent)" },
	{ tag: [tags.number], color: "var(--warn)" },
	{ tag: [tags.bool, tags.null, tags.keyword], color: "var(--violet)" },
	{ tag: [tags.comment], color: "var(--muted)", fontStyle: "italic" },
	{ tag: [tags.typeName], color: "var(--blue)" },
]);

/** Characters beyond which a text is shown without what takes time: colours, checks, the wrapping of long lines. */
const LARGE = 1_000_000;

const jsonLint = linter((view): Diagnostic[] => {
	const text = view.state.doc.toString();
	if (text.length > LARGE) return [];
	const position = endOfJson(text);
	if (position === undefined) return [];
	return [mark(view, position, "Not JSON from here on")];
});

/** The change of one text to another, from the first to the last character that differ: the cursor stays where it is. */
function changeTo(text: string, next: string) {
	const shorter = Math.min(text.length, next.length);
	let from = 0;
	while (from < shorter && text[from] === next[from]) from++;
	let tail = 0;
	while (tail < shorter - from && text.at(-1 - tail) === next.at(-1 - tail)) tail++;
	return { from, to: text.length - tail, insert: next.slice(from, next.length - tail) };
}

function mark(view: EditorView, position: number, message: string): Diagnostic {
	const { length } = view.state.doc;
	const from = Math.min(position, length);
	const to = Math.min(from + 1, length);
	return { from: from === to ? Math.max(0, from - 1) : from, to, severity: "error", message };
}

export interface CodeOptions {
	parent: HTMLElement;
	text: string;
	language: "json" | "sql";
	label: string;
	isReadOnly?: boolean;
	change?: (text: string) => void;
	/** Called by Ctrl+Enter and Ctrl+S. */
	submit?: () => void;
	schema?: Record<string, string[]>;
	hint?: string;
}

export interface Code {
	text: () => string;
	setText: (text: string) => void;
	/** Shows what differs from another text; `undefined` shows the text alone. */
	compare: (original: string | undefined) => void;
	markError: (position: number, message: string) => void;
	setSchema: (schema: Record<string, string[]>) => void;
	selected: () => string;
	focus: () => void;
	destroy: () => void;
}

export function createCode(options: CodeOptions): Code {
	const { parent, text, language, label, isReadOnly = false, change, submit, schema = {}, hint } = options;
	const comparison = new Compartment();
	const languages = new Compartment();
	const isLarge = text.length > LARGE;
	const run = (view: EditorView) => {
		closeCompletion(view);
		submit?.();
		return true;
	};
	const extensions: Extension[] = [
		EditorView.cspNonce.of(document.getElementById("style")?.nonce ?? ""),
		lineNumbers(),
		history(),
		drawSelection(),
		indentUnit.of("  "),
		EditorState.tabSize.of(2),
		// Whatever ends the lines of a value stays as it is.
		EditorState.lineSeparator.of("\n"),
		keymap.of([
			{ key: "Mod-Enter", run },
			{ key: "Mod-s", run, preventDefault: true },
			...closeBracketsKeymap,
			...completionKeymap,
			...searchKeymap,
			...historyKeymap,
			...defaultKeymap,
		]),
		theme,
		EditorState.readOnly.of(isReadOnly),
		EditorView.contentAttributes.of({ "aria-label": label }),
		EditorView.updateListener.of((update) => {
			if (update.docChanged) change?.(update.state.doc.toString());
		}),
		comparison.of([]),
	];
	if (hint !== undefined) extensions.push(placeholder(hint));
	if (!isLarge) {
		extensions.push(EditorView.lineWrapping);
		extensions.push(bracketMatching(), closeBrackets(), syntaxHighlighting(colours), highlightActiveLine());
		if (language === "json") extensions.push(json(), jsonLint);
		else extensions.push(languages.of(sql({ dialect: SQLite, schema })), autocompletion({ icons: false }));
	}
	const view = new EditorView({ parent, state: EditorState.create({ doc: text, extensions }) });
	return {
		text: () => view.state.doc.toString(),
		setText: (next) => view.dispatch({ changes: changeTo(view.state.doc.toString(), next) }),
		compare: (original) => {
			const merge = original === undefined ? [] : unifiedMergeView({ original, mergeControls: false });
			view.dispatch({ effects: comparison.reconfigure(merge) });
		},
		markError: (position, message) => {
			const found = mark(view, position, message);
			view.dispatch(setDiagnostics(view.state, [found]));
			view.dispatch({ selection: { anchor: found.from }, scrollIntoView: true });
			view.focus();
		},
		setSchema: (next) => view.dispatch({ effects: languages.reconfigure(sql({ dialect: SQLite, schema: next })) }),
		selected: () => {
			const { from, to } = view.state.selection.main;
			return view.state.sliceDoc(from, to);
		},
		focus: () => view.focus(),
		destroy: () => view.destroy(),
	};
}
