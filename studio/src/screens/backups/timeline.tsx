// The moments that can be restored, on a line of time, and as a list.

import { useState } from "preact/hooks";
import { ago, bytes, number, time } from "../../format";
import { useClock } from "../../parts/basics";
import { type Backup, backups, chosen } from "./model";

const SPANS = [
	{ title: "Hour", ms: 3_600_000 },
	{ title: "Day", ms: 86_400_000 },
	{ title: "Week", ms: 604_800_000 },
	{ title: "All", ms: Number.POSITIVE_INFINITY },
];

/** Marks that are drawn: more would lie on each other. */
const MARKS_MAX = 400;
const LISTED = 12;

export function Timeline() {
	const now = useClock();
	const list = backups.value;
	const [span, setSpan] = useState<number>();
	const [listed, setListed] = useState(LISTED);
	const shortest = SPANS.find(({ ms }) => list.filter(({ at }) => at > now - ms).length >= 2) ?? SPANS[3];
	const ms = span ?? shortest?.ms ?? Number.POSITIVE_INFINITY;
	const visible = list.filter(({ at }) => at > now - ms).toReversed();
	const begin = ms === Number.POSITIVE_INFINITY ? (visible[0]?.at ?? now) : now - ms;
	const length = Math.max(1, now - begin);
	const at = visible.findIndex(({ id }) => id === chosen.value?.id);
	const step = Math.max(1, Math.ceil(visible.length / MARKS_MAX));
	const marks = visible.filter(
		(backup, index) => index % step === 0 || backup.isSnapshot || index === visible.length - 1,
	);
	const nearest = (event: MouseEvent) => {
		const box = (event.currentTarget as Element).getBoundingClientRect();
		const wanted = begin + ((event.clientX - box.left) / box.width) * length;
		chosen.value = visible.reduce<Backup | undefined>(
			(best, backup) =>
				best === undefined || Math.abs(backup.at - wanted) < Math.abs(best.at - wanted) ? backup : best,
			undefined,
		);
	};
	return (
		<section class="panel" aria-label="Moments">
			<header>
				<h2 class="grow">Moments to go back to</h2>
				{SPANS.map(({ title, ms: wanted }) => (
					<button
						type="button"
						key={title}
						class={`button small ${wanted === ms ? "" : "plain"}`}
						aria-pressed={wanted === ms}
						onClick={() => setSpan(wanted)}
					>
						{title}
					</button>
				))}
			</header>
			<div class="body stack">
				<div>
					<svg class="line" viewBox="0 0 1000 44" preserveAspectRatio="none" aria-hidden="true" onClick={nearest}>
						<line x1="0" x2="1000" y1="22" y2="22" class="axis" />
						{marks.map((backup) => {
							const x = ((backup.at - begin) / length) * 1000;
							const isChosen = backup.id === chosen.value?.id;
							const half = isChosen ? 20 : backup.isSnapshot ? 13 : 8;
							return (
								<line
									key={backup.id}
									x1={x}
									x2={x}
									y1={22 - half}
									y2={22 + half}
									class={isChosen ? "chosen" : backup.isSnapshot ? "snapshot" : "mark"}
								/>
							);
						})}
					</svg>
					<div class="row muted">
						<span class="grow">{time(begin)}</span>
						<span>now</span>
					</div>
				</div>
				<label class="label">
					{at < 0 ? `Choose one of ${number(visible.length)} moments` : `Chosen: ${time(visible[at]?.at ?? 0)}`}
					<input
						type="range"
						min="0"
						max={Math.max(0, visible.length - 1)}
						value={at < 0 ? visible.length - 1 : at}
						disabled={visible.length === 0}
						aria-valuetext={time(visible[at < 0 ? visible.length - 1 : at]?.at ?? now)}
						onInput={(event) => (chosen.value = visible[Number(event.currentTarget.value)])}
					/>
				</label>
			</div>
			<div class="scroll-x">
				<table class="data" aria-label="Moments">
					<thead>
						<tr>
							<th scope="col">Moment</th>
							<th scope="col" class="num">
								Size
							</th>
							<th scope="col" class="not-phone">
								Kind
							</th>
							<th scope="col" class="not-phone">
								Id
							</th>
							<th scope="col">
								<span class="sr">Choose</span>
							</th>
						</tr>
					</thead>
					<tbody>
						{list.slice(0, listed).map((backup) => (
							<tr key={backup.id} aria-selected={backup.id === chosen.value?.id}>
								<td>
									{time(backup.at)} <span class="value-time">{ago(backup.at, now)}</span>
								</td>
								<td class="num">{bytes(backup.bytes)}</td>
								<td class="not-phone muted">{backup.isSnapshot ? "snapshot" : "increment"}</td>
								<td class="not-phone mono muted">{backup.id}</td>
								<td class="num">
									<button
										type="button"
										class="button small"
										aria-label={`Choose ${time(backup.at)}`}
										onClick={() => {
											chosen.value = backup;
											// The moment opens above the list.
											requestAnimationFrame(() =>
												document.getElementById("moment")?.scrollIntoView({ block: "start" }),
											);
										}}
									>
										Choose
									</button>
								</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
			{list.length > listed && (
				<div style={{ padding: "8px 12px" }}>
					<button type="button" class="button small" onClick={() => setListed(listed + 100)}>
						Show more
					</button>
				</div>
			)}
		</section>
	);
}
