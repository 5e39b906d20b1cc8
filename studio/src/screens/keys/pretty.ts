// JSON in lines. Every number and text stays as it was written, which JSON.stringify does not keep.

import { endOfJson } from "../../../../lib/studio/values/json-position.js";

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** `undefined` if the text is not JSON. */
export function pretty(text: string): string | undefined {
	if (endOfJson(text) !== undefined) return undefined;
	const tokens = text.match(TOKEN) ?? [];
	const parts: string[] = [];
	let depth = 0;
	const line = () => `\n${"  ".repeat(depth)}`;
	tokens.forEach((token, at) => {
		const next = tokens[at + 1];
		if (token === "{" || token === "[") {
			parts.push(token);
			if (next === "}" || next === "]") return;
			depth++;
			parts.push(line());
		} else if (token === "}" || token === "]") {
			const before = tokens[at - 1];
			if (before !== "{" && before !== "[") {
				depth--;
				parts.push(line());
			}
			parts.push(token);
		} else if (token === ",") parts.push(",", line());
		else if (token === ":") parts.push(": ");
		else parts.push(token);
	});
	return parts.join("");
}
