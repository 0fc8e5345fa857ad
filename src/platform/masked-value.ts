/** The placeholder for a secret value, in responses and on pages. Sent in, it keeps the stored value. */
export const maskedValue = "********";
