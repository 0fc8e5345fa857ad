/** What the gateway and the relay of a run share. It guards nothing. */
export const relaySecret = "bench-secret-of-the-relay-0123456789";
