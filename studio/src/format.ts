// Numbers, sizes and times as a person reads them.

export function bytes(count: number | null | undefined): string {
	if (count === null || count === undefined) return "";
	if (count < 1_000) return `${count} B`;
	const units = ["kB", "MB", "GB", "TB"];
	const power = Math.min(Math.floor(Math.log10(count) / 3), units.length);
	return `${(count / 1_000 ** power).toFixed(1)} ${units[power - 1]}`;
}

export function number(count: number): string {
	return count.toLocaleString("en-US");
}

/** Time until an expiry. */
export function countdown(expiresAt: number, now: number): string {
	const seconds = Math.ceil((expiresAt - now) / 1_000);
	if (seconds <= 0) return "expired";
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
	const days = Math.floor(seconds / 86_400);
	return `${days} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** Time since something was, in words. */
export function ago(time: number, now: number): string {
	const seconds = Math.max(0, Math.round((now - time) / 1_000));
	if (seconds < 10) return "just now";
	if (seconds < 90) return `${seconds} s ago`;
	if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`;
	if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h ago`;
	return `${Math.round(seconds / 86_400)} days ago`;
}

const pad = (value: number, length = 2) => String(value).padStart(length, "0");

export function day(time: number): string {
	const date = new Date(time);
	return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** A time of this place, to the second. */
export function time(at: number): string {
	const date = new Date(at);
	return `${day(at)} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

const YEAR_2000_S = 946_684_800;
const YEAR_2100_S = 4_102_444_800;

/** The time that an integer may stand for, in seconds or milliseconds since 1970. */
export function possibleTime(value: number): string | undefined {
	if (!Number.isInteger(value)) return undefined;
	if (value > YEAR_2000_S && value < YEAR_2100_S) return time(value * 1_000);
	if (value > YEAR_2000_S * 1_000 && value < YEAR_2100_S * 1_000) return time(value);
	return undefined;
}
