/** What is shown instead of a secret value. */
export const maskedValue = "********";
