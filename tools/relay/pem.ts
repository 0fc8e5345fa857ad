/** The PEM files of the settings. A bad one ends the start, because later it would look like a receiver's failure. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { codeOf } from "./error-codes.ts";

const certificateForm = /-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----[\s\S]+?-----END \1-----/g;

/**
 * Reads the paths of a certificate, with its chain, and of its key. @returns their texts. @throws {Error} naming the files
 * when they cannot be read or are not a pair.
 */
export function readKeyPair(paths: { cert: string; key: string }): { cert: string; key: string } {
  const pair = { cert: readFileSync(paths.cert, "utf8"), key: readFileSync(paths.key, "utf8") };
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new Error(
      `${paths.cert} and ${paths.key} must be a certificate and its key, in PEM and without a passphrase (${codeOf(error)}).`,
      { cause: error },
    );
  }
  return pair;
}

/**
 * Reads a file of authorities. Node ignores what it cannot parse, so that each one is parsed here.
 * @throws {Error} naming the file when it cannot be read, has no certificate or has one that is malformed.
 */
export function readAuthorities(path: string): string {
  const text = readFileSync(path, "utf8");
  try {
    const certificates = (text.match(certificateForm) ?? []).map((pem) => new X509Certificate(pem));
    if (certificates.length > 0) return text;
  } catch (error) {
    throw new Error(`${path} has a certificate that is malformed (${codeOf(error)}).`, { cause: error });
  }
  throw new Error(`${path} must have the certificate of an authority, in PEM.`);
}
