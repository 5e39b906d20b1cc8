// A package registry on this machine, which has what node_modules holds: tests install the package without the network,
// and whatever is in npm's cache.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { npm, root } from "../../scripts/lib/run.mjs";
import { runCommand } from "../helpers/command.mjs";

/**
 * Starts a registry that has some packages and all that they depend on, and answers 404 for any other. `args` are what
 * makes npm ask it and nobody else; `close` ends it. Its files are put into `folder`.
 *
 * `published` are further packages: the manifest of each, and its tarball. `asked` has the tarballs that were fetched.
 */
export async function startRegistry(names, folder, published = []) {
	const manifests = new Map();
	for (const name of names) addWithDependencies(name, root, manifests);
	const tarballs = await packAll(manifests, folder);
	for (const { manifest, tarball } of published) {
		manifests.set(manifest.name, { manifest });
		tarballs.set(`${manifest.name}.tgz`, tarball);
	}
	const asked = new Set();
	const server = createServer((request, response) => {
		const path = decodeURIComponent(request.url.slice(1));
		if (manifests.has(path)) {
			response.setHeader("content-type", "application/json").end(JSON.stringify(describe(path)));
		} else if (tarballs.has(path)) {
			asked.add(path);
			response.end(tarballs.get(path));
		} else response.writeHead(404, { "content-type": "application/json" }).end("{}");
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const url = `http://127.0.0.1:${server.address().port}`;

	/** A registry's description of a package, here of its one version. */
	function describe(name) {
		const { manifest } = manifests.get(name);
		const integrity = `sha512-${createHash("sha512")
			.update(tarballs.get(`${name}.tgz`))
			.digest("base64")}`;
		const dist = { tarball: `${url}/${name}.tgz`, integrity };
		const { version } = manifest;
		return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
	}

	return {
		url,
		asked,
		args: ["--registry", url, "--noproxy", "127.0.0.1", "--cache", join(folder, "cache"), "--no-audit", "--no-fund"],
		async close() {
			server.close();
			server.closeAllConnections();
			await once(server, "close");
		},
	};
}

/** Adds an installed package and all that it depends on, as Node finds them from a folder. */
function addWithDependencies(name, from, manifests) {
	const place = [join(from, "node_modules", name), join(root, "node_modules", name)].find((path) => existsSync(path));
	const manifest = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
	const known = manifests.get(name);
	if (known && known.place !== place)
		throw new Error(`two versions of ${name} are installed: a registry of one is not enough`);
	if (known) return;
	manifests.set(name, { manifest, place });
	for (const dependency of Object.keys(manifest.dependencies ?? {})) addWithDependencies(dependency, place, manifests);
}

/** Packs installed packages; their tarballs by `name.tgz`. */
async function packAll(manifests, folder) {
	mkdirSync(folder, { recursive: true });
	const places = [...manifests.values()].map(({ place }) => place);
	const [command, args, options] = npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder, ...places]);
	const { code, stdout, stderr } = await runCommand(command, args, { cwd: folder, ...options });
	if (code !== 0) throw new Error(`npm pack ended with ${code}:\n${stdout}\n${stderr}`);
	return new Map(JSON.parse(stdout).map(({ name, filename }) => [`${name}.tgz`, readFileSync(join(folder, filename))]));
}
