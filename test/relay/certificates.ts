/** Certificates, made with openssl when the tests begin. None of their keys is a secret. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate and its key, as files and as PEM texts. */
export type Certificate = { certFile: string; keyFile: string; cert: string; key: string };

/** Makes certificates in a directory of its own, which `remove` removes. */
export class Certificates {
  readonly directory = mkdtempSync(join(tmpdir(), "relay-certificates-"));

  /** An authority, or a certificate that vouches for itself. @param days negative: it has expired. */
  selfSigned(name: string, { host, days = 2 }: { host: string; days?: number }): Certificate {
    const files = this.#files(name);
    this.#openssl([
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      files.keyFile,
      "-out",
      files.certFile,
      "-days",
      String(days),
      "-subj",
      `/CN=${host}`,
      "-addext",
      `subjectAltName=DNS:${host}`,
    ]);
    return read(files);
  }

  /** A certificate that an authority signed. @param days negative: it has expired. */
  signedBy(
    authority: Certificate,
    name: string,
    { host, days = 2 }: { host: string; days?: number },
  ): Certificate {
    const files = this.#files(name);
    const [request, extensions] = [join(this.directory, `${name}.csr`), join(this.directory, `${name}.ext`)];
    writeFileSync(extensions, `subjectAltName=DNS:${host}\nbasicConstraints=CA:FALSE\n`);
    this.#openssl([
      "req",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      files.keyFile,
      "-out",
      request,
      "-subj",
      `/CN=${host}`,
    ]);
    this.#openssl([
      "x509",
      "-req",
      "-in",
      request,
      "-CA",
      authority.certFile,
      "-CAkey",
      authority.keyFile,
      "-set_serial",
      "1",
      "-out",
      files.certFile,
      "-days",
      String(days),
      "-extfile",
      extensions,
    ]);
    return read(files);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #files(name: string): { certFile: string; keyFile: string } {
    return { certFile: join(this.directory, `${name}.crt`), keyFile: join(this.directory, `${name}.key`) };
  }

  #openssl(args: string[]): void {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  }
}

function read(files: { certFile: string; keyFile: string }): Certificate {
  return { ...files, cert: readFileSync(files.certFile, "utf8"), key: readFileSync(files.keyFile, "utf8") };
}
