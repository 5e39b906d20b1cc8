// Certificates for a server, from an authority that is made for a test.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import forge from "node-forge";

const { pki, md } = forge;

const DAY_MS = 86_400_000;

/** A new pair of keys, in the forms that node-forge has. */
function keyPair() {
	const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
	const key = pki.privateKeyFromPem(privateKey.export({ type: "pkcs1", format: "pem" }));
	return { key, publicKey: pki.setRsaPublicKey(key.n, key.e) };
}

function certificate({ publicKey, subject, issuer, signer, extensions, from = -DAY_MS, until = 30 * DAY_MS }) {
	const made = pki.createCertificate();
	made.publicKey = publicKey;
	// Positive: the first bit is not set.
	made.serialNumber = `01${randomBytes(15).toString("hex")}`;
	made.validity.notBefore = new Date(Date.now() + from);
	made.validity.notAfter = new Date(Date.now() + until);
	made.setSubject([{ name: "commonName", value: subject }]);
	made.setIssuer([{ name: "commonName", value: issuer }]);
	made.setExtensions(extensions);
	made.sign(signer, md.sha256.create());
	return pki.certificateToPem(made);
}

/** An authority: its `certificate` in PEM, and `issue(options)`, which gives a server's `{ certificate, key }`. */
export function makeAuthority(name = "authority of the tests") {
	const { key, publicKey } = keyPair();
	const extensions = [
		{ name: "basicConstraints", cA: true, critical: true },
		{ name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
	];
	return {
		certificate: certificate({ publicKey, subject: name, issuer: name, signer: key, extensions }),
		issue({ hosts = ["localhost"], addresses = [], from, until } = {}) {
			const server = keyPair();
			const altNames = [...hosts.map((value) => ({ type: 2, value })), ...addresses.map((ip) => ({ type: 7, ip }))];
			return {
				certificate: certificate({
					publicKey: server.publicKey,
					subject: hosts[0] ?? addresses[0],
					issuer: name,
					signer: key,
					from,
					until,
					extensions: [
						{ name: "basicConstraints", cA: false, critical: true },
						{ name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
						{ name: "extKeyUsage", serverAuth: true },
						{ name: "subjectAltName", altNames },
					],
				}),
				key: pki.privateKeyToPem(server.key),
			};
		},
	};
}

/** Has a server speak TLS with a certificate, for new connections. */
export function useCertificate(server, { certificate: text, key }) {
	server.write("server.crt", text);
	server.write("server.key", key);
	server.set({ ssl: "on", ssl_cert_file: "server.crt", ssl_key_file: "server.key" });
	server.reload();
}
