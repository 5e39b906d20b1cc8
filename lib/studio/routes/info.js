"use strict";

const { statSync } = require("node:fs");
const path = require("node:path");
const { version } = require("../../../package.json");
const { withoutSecrets } = require("../../config/address.js");
const { textOf } = require("../values/input.js");

/** @type {Record<string, import("./route").Route>} */
const INFO_ROUTES = {
	info: {
		run: async (session) => {
			const { file, url, moment, canWrite } = session;
			const destination = url === undefined ? undefined : withoutSecrets(url);
			return {
				version,
				file,
				name: file === undefined ? destination : path.basename(file),
				bytes: file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })?.size,
				destination,
				moment,
				canWrite,
				now: Date.now(),
			};
		},
	},

	/** Cancels another request, whose answer then says what has become of it. */
	cancel: {
		run: async (session, input) => {
			session.works.get(textOf(input, "of"))?.();
			return {};
		},
	},
};

module.exports = { INFO_ROUTES };
