const { closeSync, existsSync, openSync, readSync } = require("node:fs");
const { join } = require("node:path");

/** The platforms that packages are published for, by napi-rs's names. */
const PUBLISHED = [
	"linux-x64-gnu",
	"linux-arm64-gnu",
	"linux-x64-musl",
	"linux-arm64-musl",
	"darwin-x64",
	"darwin-arm64",
	"win32-x64-msvc",
	"win32-arm64-msvc",
];

/** Room for the head of an ELF file, where linkers put the name of the dynamic loader. */
const ELF_HEAD_BYTES = 2048;

/** @type {typeof import("./addon.js") | undefined} */
let binding;

/**
 * The native addon, loaded by the first call that succeeds.
 *
 * @throws `RootcellarError` `ERR_NO_BINARY` when there is none for this platform, or it does not load.
 */
function loadBinding() {
	binding ??= load(platformSuffix());
	return binding;
}

/**
 * @param {string} suffix
 * @returns {typeof import("./addon.js")}
 */
function load(suffix) {
	const local = join(__dirname, "..", "..", `rootcellar.${suffix}.node`);
	const found = existsSync(local) ? local : `rootcellar-${suffix}`;
	try {
		return require(found);
	} catch (error) {
		throw noBinary(suffix, found, error);
	}
}

/** This platform by napi-rs's names, as in `linux-x64-gnu`. */
function platformSuffix() {
	const { platform, arch } = process;
	if (platform === "linux") return `linux-${arch}-${usesMusl() ? "musl" : "gnu"}`;
	if (platform === "win32") return `win32-${arch}-msvc`;
	return `${platform}-${arch}`;
}

/**
 * True if this Node runs on musl, by the dynamic loader that its executable names. Reading that takes well under a
 * millisecond. The process report, which knows for certain, takes several, and is asked only if the executable does not
 * tell.
 */
function usesMusl() {
	const loader = dynamicLoader();
	if (loader !== undefined) return loader === "musl";
	return !("glibcVersionRuntime" in processReportHeader());
}

/** @returns {"musl" | "glibc" | undefined} */
function dynamicLoader() {
	const head = Buffer.alloc(ELF_HEAD_BYTES);
	try {
		const file = openSync(process.execPath, "r");
		try {
			readSync(file, head, 0, ELF_HEAD_BYTES, 0);
		} finally {
			closeSync(file);
		}
	} catch {
		return undefined;
	}
	if (head.includes("/ld-musl-")) return "musl";
	return head.includes("/ld-linux") ? "glibc" : undefined;
}

/** @returns {object} */
function processReportHeader() {
	/** @type {any} */
	const report = process.report;
	const { excludeNetwork } = report;
	// Otherwise Node looks up the name of the peer of every open connection.
	report.excludeNetwork = true;
	try {
		return report.getReport().header;
	} finally {
		report.excludeNetwork = excludeNetwork;
	}
}

/**
 * @param {string} suffix
 * @param {string} looked file or package that was looked for
 * @param {any} cause
 */
function noBinary(suffix, looked, cause) {
	const { RootcellarError } = require("../base/errors.js");
	const missing = cause?.code === "MODULE_NOT_FOUND";
	const problem = missing
		? `the package ${looked} is not installed`
		: `${looked} was found but does not load (${cause?.message})`;
	const message = [
		`rootcellar has no native binary for ${suffix}: ${problem}.`,
		"There are two ways out:",
		installAdvice(suffix),
		"- Build it, with a Rust toolchain (https://rustup.rs) and a C compiler, then install that folder:",
		"  git clone https://github.com/rootcellar/rootcellar",
		"  npm run build --prefix rootcellar",
		"  npm install ./rootcellar",
	].join("\n");
	return new RootcellarError("ERR_NO_BINARY", message, { cause });
}

/** @param {string} suffix */
function installAdvice(suffix) {
	if (!PUBLISHED.includes(suffix)) {
		return `- Use a platform that a package is published for: ${PUBLISHED.join(", ")}.`;
	}
	const [os, cpu, abi] = suffix.split("-");
	const libc = abi === "gnu" ? " --libc=glibc" : abi === "musl" ? " --libc=musl" : "";
	return [
		"- Install it, with npm install and without --omit=optional. When node_modules is made on one machine and",
		`  used on another: npm install --os=${os} --cpu=${cpu}${libc}`,
	].join("\n");
}

module.exports = { loadBinding, platformSuffix };
