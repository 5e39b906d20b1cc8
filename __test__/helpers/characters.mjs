// Characters of random texts.

import fc from "fast-check";

const FIRST_SURROGATE = 0xd800;
const SURROGATES = 0x800;
const LAST = 0x10_ffff;

/** Any character, as the unit of `fc.string`, whose own unit "binary" takes seconds until there is a list of all. */
export const anyCharacter = fc
	.oneof(fc.nat(0x7f), fc.nat(LAST - SURROGATES))
	.map((number) => String.fromCodePoint(number < FIRST_SURROGATE ? number : number + SURROGATES));
