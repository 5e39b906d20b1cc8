"use strict";

// Reports how the first operation ended.

require("rootcellar/register");
const { rootServer } = require("@rootsdk/server-bot");

rootServer.dataStore.appData.get("a").then(
	() => process.send({ code: "resolved" }, () => process.exit(0)),
	({ code }) => process.send({ code }, () => process.exit(0)),
);
