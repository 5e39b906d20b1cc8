"use strict";

const { absolutePath } = require("./paths.js");

/** Value of `ROOTCELLAR_BACKUP` that turns backups off, in capital or small letters. */
const OFF = "off";

/** Values by which somebody may mean the same. They are refused; a folder of such a name can be called `./false`. */
const NOT_OFF = ["false", "0", "no", "none", "disabled"];

/** Values that a program writes for one that it has not, or that only say that there should be backups. */
const NO_PLACE = ["true", "1", "yes", "on", "enabled", "undefined", "null", "nan", "[object object]"];

const DESTINATION_FORMS = "the path of a folder, or a URL such as s3://bucket/prefix";

const IS_URL = /^(file:|[a-z][a-z0-9+.-]+:\/\/)/i;

/** One letter and a colon, where that is a drive. */
const IS_DRIVE = process.platform === "win32" ? /^[a-z]:/i : /^$/;

/**
 * Problem of a path that looks like an address, or like what an address was to be made of. As a path it would create a
 * folder of that name, and backups in there would be taken for safe elsewhere. Never shows the address, which may hold
 * credentials.
 *
 * @param {string} address
 * @returns {string | undefined}
 */
function problemWithAddress(address) {
	if (address.trim() !== address) {
		return "it begins or ends with a space or a line break";
	}
	// A URL's parser leaves them out.
	if (/\p{Cc}/u.test(address)) {
		return "it has a line break or another control character";
	}
	if (/^["'`\u2018-\u201f\u00ab\u00bb]|["'`\u2018-\u201f\u00ab\u00bb]$/.test(address)) {
		return "it is in quotes, which some programs keep as a part of the value";
	}
	if (/\$[{(]|(^|:\/\/)\$\w|^%\w+%|<[^<>/]*>/.test(address)) {
		return "it has a placeholder that nothing has replaced; write ./ before a path";
	}
	return IS_URL.test(address) ? undefined : problemWithPath(address);
}

/** @param {string} address */
function problemWithPath(address) {
	const word = address.toLowerCase();
	if ([OFF, ...NOT_OFF, ...NO_PLACE].includes(word)) {
		return `it is ${word}, which names no place; write ./ before a path`;
	}
	if (/^~/.test(address)) {
		return "only a shell knows ~; write the path of that folder, or ./ before a path";
	}
	const isShare = process.platform !== "win32" && address.startsWith("\\\\");
	if (isShare || (/^[^/\\]*:/.test(address) && !IS_DRIVE.test(address))) {
		return 'it looks like a URL without its "://", or like a path of another system; write ./ before a path';
	}
	if (/^(s3|gs|az|abs|https?)[/\\]{2}/i.test(address)) {
		return 'it looks like a URL without its "://"; write ./ before a path';
	}
	return address.includes("://") ? "it holds a URL that something else precedes" : undefined;
}

/**
 * @param {string} address a path or a URL
 * @param {string} [folder] what a relative path starts from
 */
function absolute(address, folder) {
	return IS_URL.test(address) ? address : absolutePath(address, folder);
}

/**
 * A destination without credentials and without query parameters, so that it can be shown.
 *
 * @param {string} address an absolute path or a URL
 */
function withoutSecrets(address) {
	return address.replace(/^([a-z][a-z0-9+.-]+:\/\/)([^/?#]*@)?([^?#]*).*$/is, "$1$3");
}

module.exports = { DESTINATION_FORMS, NOT_OFF, OFF, absolute, problemWithAddress, withoutSecrets };
