// What the cases say about outcomes and moments.

/** Moments that no test comes near. */
export const LATER = new Date(4_102_444_800_000);
export const PAST = new Date(1_000_000_000_000);

/** An expiry that a test waits for, with {@link pastSoon}. */
export const soon = () => new Date(Date.now() + 1_500);
export const pastSoon = () => new Promise((resolve) => setTimeout(resolve, 1_600));

/** How an operation ended: "resolved", or the error's name, code and argument. */
export async function ended(operation) {
	let promise;
	try {
		promise = operation();
	} catch (error) {
		return `threw ${error.name}`;
	}
	try {
		await promise;
		return "resolved";
	} catch (error) {
		return [error.name, error.code, error.argument].filter(Boolean).join(" ");
	}
}

/** The class of the error alone, where it is all that the two must share. */
export const errorClass = async (operation) => (await ended(operation)).split(" ")[0];

/** What {@link ended} gives for an argument that cannot be used. */
export const badArgument = (argument) => `TypeError ERR_INVALID_ARGUMENT ${argument}`;
