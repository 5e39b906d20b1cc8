const MICROSECONDS_PER_MS = 1000;

/**
 * Processor time of this process since an earlier `process.cpuUsage()`, in milliseconds of one core.
 *
 * @param {NodeJS.CpuUsage} before
 */
export function cpuMsSince(before) {
	const { user, system } = process.cpuUsage(before);
	return (user + system) / MICROSECONDS_PER_MS;
}
