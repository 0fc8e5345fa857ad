/** Keep-alive connections to receivers, for requests to the same address with the same TLS settings. */
import * as http from "node:http";
import * as https from "node:https";
import { rootCertificates, type SecureContextOptions } from "node:tls";
import { matchesHost } from "./allow-list.ts";

/**
 * TLS settings of matching hosts: additional authorities to trust, and a client certificate with its key. PEM texts.
 * `host`: a pattern of `matchesHost`.
 */
export type HostTls = { host: string; ca?: string; cert?: string; key?: string };

/** A receiver that keeps connections for 5 s, as Node's own server does, must not close one just as it is used. */
const idleMs = 4000;

/** Options of a request that decide which kept connection it may use, beside Node's own. */
export type PinnedOptions = https.RequestOptions & { pinnedTo: string };

/**
 * The agents of a relay. A connection is reused only if the name resolves to the same addresses as when it was made.
 * Otherwise a new connection is made, to an address that was checked.
 */
export class Connections {
  readonly #hosts: readonly HostTls[];
  readonly #plain = new PinnedHttpAgent({ keepAlive: true, timeout: idleMs });
  readonly #secure = new Map<string, https.Agent>();

  constructor(hosts: readonly HostTls[]) {
    this.#hosts = hosts;
  }

  /** @param verify whether the certificate is verified. Verified and unverified requests do not share connections. */
  agentFor({ isSecure, host, verify }: { isSecure: boolean; host: string; verify: boolean }): http.Agent {
    if (!isSecure) return this.#plain;
    const index = this.#hosts.findIndex((one) => matchesHost(one.host, host));
    const key = `${index} ${verify}`;
    const known = this.#secure.get(key);
    if (known !== undefined) return known;
    const made = new PinnedHttpsAgent({
      keepAlive: true,
      timeout: idleMs,
      // A resumed session is not verified anew, so that none is kept: a certificate that expires ends at its next connection.
      maxCachedSessions: 0,
      rejectUnauthorized: verify,
      ...contextOf(this.#hosts[index]),
    });
    this.#secure.set(key, made);
    return made;
  }

  /** Closes the connections that are not in use. */
  close(): void {
    for (const agent of [this.#plain, ...this.#secure.values()]) agent.destroy();
  }
}

/** The additional authorities are trusted beside the well-known ones. */
function contextOf(host: HostTls | undefined): SecureContextOptions {
  if (host === undefined) return {};
  return {
    ...(host.ca !== undefined && { ca: [...rootCertificates, host.ca] }),
    ...(host.cert !== undefined && { cert: host.cert }),
    ...(host.key !== undefined && { key: host.key }),
  };
}

class PinnedHttpAgent extends http.Agent {
  override getName(options?: http.RequestOptions): string {
    return pinned(super.getName(options), options);
  }
}

class PinnedHttpsAgent extends https.Agent {
  override getName(options?: https.RequestOptions): string {
    return pinned(super.getName(options), options);
  }
}

function pinned(name: string, options: object | undefined): string {
  return `${name}:${(options as PinnedOptions | undefined)?.pinnedTo ?? ""}`;
}
