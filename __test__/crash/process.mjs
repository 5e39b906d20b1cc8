// A process under load, as the test sees it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { Reports } from "./reports.mjs";

const program = fileURLToPath(new URL("./load.mjs", import.meta.url));

export class LoadProcess {
	#waiting = new Map();
	reports = new Reports();
	stderr = "";

	/**
	 * @param {string} filename
	 * @param {string[]} clients
	 */
	constructor(filename, clients) {
		const { DATABASE_CONFIG, ROOTCELLAR_BACKUP, NODE_OPTIONS, ...env } = process.env;
		this.child = spawn(process.execPath, [program, filename, ...clients], { env });
		this.child.stderr.on("data", (chunk) => {
			this.stderr += chunk;
		});
		const lines = createInterface({ input: this.child.stdout });
		lines.on("line", (line) => this.#take(line));
		const drained = new Promise((resolve) => lines.once("close", resolve));
		const exited = new Promise((resolve) => this.child.once("exit", (_, signal) => resolve(signal)));
		this.ended = Promise.all([exited, drained]).then(([signal]) => signal);
		this.ready = this.#until("ready");
		onTestFinished(() => this.child.kill("SIGKILL"));
	}

	/** Begins the load. */
	go() {
		this.child.stdin.write("go\n");
	}

	/** Resolves when the load shows its first effect. */
	underLoad() {
		return this.#until("done");
	}

	/** Ends the load, not the process. */
	stop() {
		this.child.stdin.write("stop\n");
		return this.#until("stopped");
	}

	/** Kills the process, and resolves when everything that it reported is here. */
	async kill() {
		this.child.kill("SIGKILL");
		const signal = await this.ended;
		if (signal !== "SIGKILL" || this.stderr !== "") throw new Error(`a process under load failed: ${this.stderr}`);
	}

	#until(kind) {
		const reported = new Promise((resolve, reject) => {
			this.#waiting.set(kind, resolve);
			this.ended.then(() => reject(new Error(`a process under load ended: ${this.stderr}`)));
		});
		// Not everybody who asks waits.
		reported.catch(() => {});
		return reported;
	}

	#take(line) {
		this.reports.add(line);
		const kind = line.split(" ", 1)[0];
		this.#waiting.get(kind)?.();
		this.#waiting.delete(kind);
	}
}
