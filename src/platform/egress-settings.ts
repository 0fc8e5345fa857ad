/** The setting `EGRESS`: egresses, which send the requests that the gateway's own `fetch` cannot send. */
import { z } from "zod";
import { ConfigurationError } from "./errors";

/**
 * The targets that an egress is for. `hosts`: names, `*.name` for the names below one, or `*` for all. `isPrivate`:
 * hosts with private addresses. `isUnverified`: webhooks whose certificate is not verified.
 */
type EgressFor = { hosts: readonly string[]; isPrivate: boolean; isUnverified: boolean };

/**
 * `relay`: a relay at a URL, reached by `fetch` or by a binding. `dialOut`: relays that connect to the gateway.
 * `binding`: a service or VPC binding that makes the requests itself. They contain secrets: never log them.
 */
export type Egress = { name: string; for: EgressFor } & (
  | { kind: "relay"; url: string; secret: string; binding: string | null }
  | { kind: "dialOut"; secret: string }
  | { kind: "binding"; binding: string }
);

/** The length of `openssl rand -hex 16`. Nothing limits how often an attacker can guess at a relay. */
const secretCharactersMin = 32;
const egressesMax = 20;

const schema = z
  .array(
    z.strictObject({
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be lower-case letters, digits and hyphens, at most 32")
        .refine((name) => name !== "direct", "must not be direct, which stands for no egress"),
      url: z.url({ protocol: /^https?$/, error: "must be an https URL" }).optional(),
      secret: z
        .string()
        .min(
          secretCharactersMin,
          `must have at least ${secretCharactersMin} characters: openssl rand -hex 32`,
        )
        .optional(),
      binding: z.string().min(1).optional(),
      for: z
        .array(
          z
            .string()
            .toLowerCase()
            .regex(
              /^(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/,
              "must be host names, *.names, *, private or unverified",
            ),
        )
        .min(1, "must name what it is for"),
    }),
  )
  .max(egressesMax);

type Entry = z.output<typeof schema>[number];

/**
 * @param text JSON; absent or empty for no egresses. @param isLocal whether a relay's URL may be `http:`.
 * @throws {ConfigurationError} naming the entry and the field. The message contains no value.
 */
export function readEgresses(text: string | undefined, isLocal: boolean): Egress[] {
  if (text === undefined || text.trim() === "") return [];
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is malformed"}`);
  }
  const names = new Set(parsed.data.map(({ name }) => name));
  if (names.size < parsed.data.length) throw malformed("two entries have the same name");
  return parsed.data.map((entry) => readEntry(entry, isLocal));
}

function readFor({ for: listed }: Entry): EgressFor {
  return {
    hosts: listed.filter((one) => one !== "private" && one !== "unverified"),
    isPrivate: listed.includes("private"),
    isUnverified: listed.includes("unverified"),
  };
}

function readEntry(entry: Entry, isLocal: boolean): Egress {
  const { name, url, secret, binding } = entry;
  const common = { name, for: readFor(entry) };
  if (secret !== undefined && url !== undefined) {
    const isPrivateWay = isLocal || binding !== undefined;
    if (!url.toLowerCase().startsWith("https:") && !isPrivateWay) {
      throw malformed(`${name}: url must be an https URL`);
    }
    return { ...common, kind: "relay", url, secret, binding: binding ?? null };
  }
  if (secret !== undefined && binding === undefined) return { ...common, kind: "dialOut", secret };
  if (secret === undefined && url === undefined && binding !== undefined) {
    return { ...common, kind: "binding", binding };
  }
  throw malformed(
    `${name}: give url and secret for a relay, secret alone for relays that connect to the gateway, or binding alone`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes a part of the text, which may be a secret.
    throw malformed("it is not JSON");
  }
}

function malformed(what: string): ConfigurationError {
  return new ConfigurationError(`EGRESS must be a JSON list of {name, url, secret, binding, for}: ${what}.`);
}
