// Number of repetitions of tests that do something at random: a few in `npm test`, many in `npm run test:all`, and more in
// `npm run test:long`.

const kind = process.env.ROOTCELLAR_TEST_ROUNDS ?? "few";

/**
 * The number for this run.
 *
 * @param {{ few: number, many: number, long?: number }} numbers
 */
export function rounds({ few, many, long = many }) {
	const numbers = { few, many, long };
	if (!Object.hasOwn(numbers, kind))
		throw new Error(`ROOTCELLAR_TEST_ROUNDS is ${kind}, and has to be few, many or long`);
	return numbers[kind];
}
