"use strict";

// Pretends to be another platform, as the first argument has it in JSON, and prints how the first use fails.

const pretended = JSON.parse(process.argv[2]);
for (const [name, value] of Object.entries(pretended)) Object.defineProperty(process, name, { value });

const { openDataStore, RootcellarError } = require("rootcellar");

openDataStore({ filename: "never.sqlite3", backup: false })
	.appData.get("key")
	.then(
		() => console.log(JSON.stringify({ code: "none: the operation succeeded" })),
		(error) => {
			const { code, message, cause } = error;
			const isRootcellarError = error instanceof RootcellarError;
			console.log(JSON.stringify({ isRootcellarError, code, message, causeCode: cause?.code }));
		},
	);
