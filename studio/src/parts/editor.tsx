// An editor, as soon as CodeMirror is there.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Code, CodeOptions } from "./code";

interface EditorProps extends Omit<CodeOptions, "parent"> {
	/** Gets the editor when it is there, and `undefined` when it is gone. */
	ready?: (code: Code | undefined) => void;
	className?: string;
}

/** The text is that at the beginning; what is typed is told by `change`. A new `key` makes a new editor. */
export function Editor({ ready, className = "", ...options }: EditorProps) {
	const parent = useRef<HTMLDivElement>(null);
	const latest = useRef(options);
	latest.current = options;
	const [problem, setProblem] = useState<string>();
	useEffect(() => {
		let code: Code | undefined;
		let isGone = false;
		import("./code").then(
			({ createCode }) => {
				if (isGone || parent.current === null) return;
				code = createCode({
					...latest.current,
					parent: parent.current,
					change: (text) => latest.current.change?.(text),
					submit: () => latest.current.submit?.(),
				});
				ready?.(code);
			},
			() => setProblem("The editor could not be loaded."),
		);
		return () => {
			isGone = true;
			code?.destroy();
			ready?.(undefined);
		};
	}, []);
	return (
		<div class={`editor ${className}`} ref={parent}>
			{problem && <p class="note danger">{problem}</p>}
		</div>
	);
}
