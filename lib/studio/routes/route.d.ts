import type { IncomingMessage } from "node:http";
import type { startLines } from "../exchange.js";
import type { Session as SessionClass } from "../session.js";

/**
 * Route of a request from the page. Exactly one of `run`, `stream` and `upload` is there: `run` answers one value, `stream`
 * lines, and `upload` takes the body itself. A route that `writes` is refused without `--write`; besides that, SQLite refuses.
 */
export interface Route {
	writes?: boolean;
	limitMs?: number;
	bodyBytes?: number;
	run?: (session: Session, input: Input, signal: AbortSignal) => Promise<unknown>;
	stream?: (session: Session, input: Input, signal: AbortSignal, lines: Lines) => Promise<void>;
	upload?: (session: Session, request: IncomingMessage, signal: AbortSignal) => Promise<unknown>;
}

// biome-ignore lint/suspicious/noExplicitAny: what a page sends may be anything, and is checked where it is used.
export type Input = Record<string, any>;
export type Lines = ReturnType<typeof startLines>;
export type Session = InstanceType<typeof SessionClass>;
