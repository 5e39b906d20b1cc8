const { closeSync, existsSync, openSync, readSync } = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");

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

/** True if a bundler has put this file into another one. */
const IS_BUNDLED = typeof __filename !== "string" || !__filename.endsWith(path.join("lib", "native", "binding.js"));

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
	const name = `rootcellar-${suffix}`;
	/** @type {unknown} */
	let missing;
	for (const file of IS_BUNDLED ? programFiles() : [__filename]) {
		// Through Node's own `require`: a bundler would put another in its place, and cannot bundle an addon.
		const load = createRequire(file);
		const found = localBinary(suffix) ?? name;
		try {
			load.resolve(found);
		} catch (error) {
			missing ??= error;
			continue;
		}
		try {
			return load(found);
		} catch (error) {
			throw noBinary(suffix, `${found} was found but does not load (${messageOf(error)})`, error);
		}
	}
	const place = IS_BUNDLED ? "beside this program, into which a bundler has put rootcellar" : "installed";
	throw noBinary(suffix, `the package ${name} is not ${place}`, missing);
}

/**
 * Files of a bundled program, from which the addon is looked for: the place of this file is unknown in a bundle, or that on
 * the machine where it was made.
 */
function programFiles() {
	const bundle = typeof __filename === "string" ? __filename : "";
	return [bundle, process.argv[1] ?? "", path.resolve("index.js")].filter((file) => path.isAbsolute(file));
}

/**
 * The addon beside this package's own files, where it was built here.
 *
 * @param {string} suffix
 */
function localBinary(suffix) {
	if (IS_BUNDLED) return undefined;
	const local = path.join(__dirname, "..", "..", `rootcellar.${suffix}.node`);
	return existsSync(local) ? local : undefined;
}

/** @param {unknown} error */
function messageOf(error) {
	return error instanceof Error ? error.message : String(error);
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
 * @param {string} problem
 * @param {unknown} cause
 */
function noBinary(suffix, problem, cause) {
	const { RootcellarError } = require("../base/errors.js");
	const message = [
		`rootcellar has no native binary for ${suffix}: ${problem}.`,
		"There are these ways out:",
		...(IS_BUNDLED ? [BUNDLER_ADVICE] : []),
		installAdvice(suffix),
		"- Build it, with a Rust toolchain (https://rustup.rs) and a C compiler, then install that folder:",
		"  git clone https://github.com/rootcellar/rootcellar",
		"  npm run build --prefix rootcellar",
		"  npm install ./rootcellar",
	].join("\n");
	return new RootcellarError("ERR_NO_BINARY", message, { cause });
}

const BUNDLER_ADVICE = [
	"- Mark rootcellar external (esbuild --external:rootcellar, ncc --external rootcellar, externals of webpack, external",
	"  of rollup), and ship node_modules with the program.",
].join("\n");

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
