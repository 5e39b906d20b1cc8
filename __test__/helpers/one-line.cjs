"use strict";

/** A message as one line of JSON. From Node 24 on, `readline` takes U+2028 and U+2029 for ends of lines, too. */
function oneLine(message) {
	const json = JSON.stringify(message);
	return `${json.replace(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`)}\n`;
}

module.exports = { oneLine };
