// When a key expires: never, in a while, or at a time.

import { useState } from "preact/hooks";
import { time } from "../../format";
import { Confirm } from "../../parts/basics";

type Kind = "never" | "in" | "at";

const UNITS = [
	{ title: "minutes", ms: 60_000 },
	{ title: "hours", ms: 3_600_000 },
	{ title: "days", ms: 86_400_000 },
];

export interface Expiry {
	kind: Kind;
	amount: string;
	unit: number;
	time: string;
}

export function expiryOf(expiresAt: number | undefined): Expiry {
	const local = time(expiresAt ?? Date.now() + 3_600_000).replace(" ", "T");
	return { kind: expiresAt === undefined ? "never" : "at", amount: "1", unit: 3_600_000, time: local };
}

/** Milliseconds since 1970, `null` for never, and `undefined` for what is no time. */
export function toTime({ kind, amount, unit, time }: Expiry): number | null | undefined {
	if (kind === "never") return null;
	const found = kind === "in" ? Date.now() + Number(amount) * unit : new Date(time).getTime();
	return Number.isFinite(found) && found > Date.now() ? Math.round(found) : undefined;
}

export function ExpiryFields({ value, change }: { value: Expiry; change: (value: Expiry) => void }) {
	const choice = (kind: Kind, title: string) => (
		<label class="check">
			<input type="radio" name="expiry" checked={value.kind === kind} onChange={() => change({ ...value, kind })} />
			{title}
		</label>
	);
	return (
		<fieldset class="stack" style={{ border: 0, padding: 0, margin: 0 }}>
			<legend class="label">Expires</legend>
			<div class="row wrap">
				{choice("never", "Never")}
				{choice("in", "In a while")}
				{choice("at", "At a time")}
			</div>
			{value.kind === "in" && (
				<div class="row">
					<input
						class="field"
						type="number"
						min="1"
						aria-label="How long"
						value={value.amount}
						onInput={(event) => change({ ...value, amount: event.currentTarget.value })}
					/>
					<select
						class="field"
						aria-label="Unit"
						value={value.unit}
						onChange={(event) => change({ ...value, unit: Number(event.currentTarget.value) })}
					>
						{UNITS.map(({ title, ms }) => (
							<option key={ms} value={ms}>
								{title}
							</option>
						))}
					</select>
				</div>
			)}
			{value.kind === "at" && (
				<input
					class="field"
					type="datetime-local"
					step="1"
					aria-label="Time"
					value={value.time}
					onInput={(event) => change({ ...value, time: event.currentTarget.value })}
				/>
			)}
			{toTime(value) === undefined && <p class="danger">Choose a time that is still to come.</p>}
		</fieldset>
	);
}

interface DialogProps {
	expiresAt: number | undefined;
	save: (expiresAt: number | null) => Promise<void>;
	close: () => void;
}

export function ExpiryDialog({ expiresAt, save, close }: DialogProps) {
	const [value, setValue] = useState(expiryOf(expiresAt));
	const to = toTime(value);
	return (
		<Confirm
			title="Change the expiry"
			action="Change"
			isReady={to !== undefined}
			run={async () => save(to ?? null)}
			close={close}
		>
			<ExpiryFields value={value} change={setValue} />
		</Confirm>
	);
}
