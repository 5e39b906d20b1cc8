"use strict";

// Reports what register threw.

const { RootcellarError } = require("rootcellar");

let thrown;
try {
	require("rootcellar/register");
} catch (error) {
	thrown = error;
}
process.send(
	{
		ours: thrown instanceof RootcellarError,
		code: thrown?.code,
		message: thrown?.message,
		cause: thrown?.cause?.message,
	},
	() => process.exit(0),
);
