// Charts of the backups, each with its numbers as a table.

import { bytes, number, time } from "../../format";
import { backups, lags } from "./model";

const BUCKETS = 48;
const WIDTH = 480;
const HEIGHT = 110;

interface Point {
	/** Milliseconds since 1970. */
	at: number;
	value: number;
}

interface ChartProps {
	title: string;
	points: Point[];
	kind: "bars" | "line";
	describe: (value: number) => string;
	/** The least value at the top. */
	least: number;
}

function Chart({ title, points, kind, describe, least }: ChartProps) {
	const top = Math.max(least, ...points.map(({ value }) => value));
	const y = (value: number) => HEIGHT - (value / top) * (HEIGHT - 4);
	const first = points[0]?.at ?? 0;
	const length = Math.max(1, (points.at(-1)?.at ?? 0) - first);
	const step = WIDTH / points.length;
	return (
		<section class="panel" aria-label={title}>
			<header>
				<h2>{title}</h2>
			</header>
			<div class="body">
				<div class="chart" aria-hidden="true">
					<div class="scale muted">
						<span>{describe(top)}</span>
						<span>{describe(0)}</span>
					</div>
					<svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
						<title>{title}</title>
						{[4, (HEIGHT + 4) / 2, HEIGHT].map((line) => (
							<line key={line} class="rule" x1="0" x2={WIDTH} y1={line} y2={line} />
						))}
						{kind === "bars" ? (
							points.map(({ at, value }, index) => (
								<rect
									key={at}
									class="bar-mark"
									x={index * step + step * 0.12}
									width={step * 0.76}
									y={y(value)}
									height={HEIGHT - y(value)}
								>
									<title>{`${time(at)}: ${describe(value)}`}</title>
								</rect>
							))
						) : (
							<polyline
								class="line-mark"
								points={points.map(({ at, value }) => `${((at - first) / length) * WIDTH},${y(value)}`).join(" ")}
							/>
						)}
					</svg>
					<div class="times muted">
						<span>{time(first).slice(5, 16)}</span>
						<span>now</span>
					</div>
				</div>
				<details>
					<summary class="muted">As a table</summary>
					<div class="numbers" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
						<table class="data">
							<thead>
								<tr>
									<th scope="col">From</th>
									<th scope="col" class="num">
										{title}
									</th>
								</tr>
							</thead>
							<tbody>
								{points.map(({ at, value }) => (
									<tr key={at}>
										<td>{time(at)}</td>
										<td class="num">{describe(value)}</td>
									</tr>
								))}
							</tbody>
						</table>
					</div>
				</details>
			</div>
		</section>
	);
}

export function Charts() {
	const list = backups.value;
	const begin = list.at(-1)?.at ?? Date.now();
	const length = Math.max(60_000, Date.now() - begin) / BUCKETS;
	const counts = Array.from({ length: BUCKETS }, (_, index) => ({ at: begin + index * length, value: 0 }));
	const sizes = counts.map((point) => ({ ...point }));
	for (const { at, bytes: size } of list) {
		const bucket = Math.min(BUCKETS - 1, Math.floor((at - begin) / length));
		const [count, sum] = [counts[bucket], sizes[bucket]];
		if (count) count.value++;
		if (sum) sum.value += size;
	}
	const behind = lags.value.map(({ at, lagMs }) => ({ at, value: lagMs / 1_000 }));
	return (
		<div class="charts">
			<Chart title="States made" points={counts} kind="bars" describe={number} least={1} />
			<Chart title="Bytes sent" points={sizes} kind="bars" describe={bytes} least={1} />
			{behind.length > 1 && (
				<Chart
					title="Seconds behind"
					points={behind}
					kind="line"
					describe={(value) => `${Math.round(value * 10) / 10} s`}
					least={5}
				/>
			)}
		</div>
	);
}
