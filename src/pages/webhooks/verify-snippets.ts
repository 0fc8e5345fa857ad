/** Code that verifies `X-Hub-Signature`, ready to copy. A test runs each snippet unchanged with published vectors. */

/** `language`: its name for people. */
export type Snippet = { language: string; code: string };

const python = `import hashlib
import hmac


def is_genuine(secret: str, body: bytes, signature: str) -> bool:
    """body: the request's exact bytes. signature: its header X-Hub-Signature, or ""."""
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())
`;

const node = `import { createHmac, timingSafeEqual } from "node:crypto";

/** body: the request's exact bytes (a Buffer). signature: its header X-Hub-Signature. */
export function isGenuine(secret, body, signature = "") {
  const expected = Buffer.from(createHmac("sha256", secret).update(body).digest("hex"));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
`;

const go = `package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// IsGenuine takes the request's exact bytes and its header X-Hub-Signature.
func IsGenuine(secret string, body []byte, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	expected := hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(signature), []byte(expected))
}
`;

const shell = `# is_genuine SECRET BODY_FILE SIGNATURE
# For trying things out: others on this machine can see the secret while it runs.
is_genuine() {
  expected=$(openssl dgst -sha256 -hmac "$1" -r < "$2" | cut -d ' ' -f 1)
  [ "$3" = "$expected" ]
}
`;

/** The snippets, by the key in the ids of the page. */
export const snippets = {
  python: { language: "Python", code: python },
  node: { language: "Node", code: node },
  go: { language: "Go", code: go },
  shell: { language: "Shell (openssl)", code: shell },
} as const satisfies Record<string, Snippet>;
