/** Paths of the pages about events. */

/** @returns the path of an event's page. */
export function eventPath(uuid: string): string {
  return `/events/${uuid}`;
}

/** @returns the path of the archive with these filters; empty ones are left out. */
export function archivePath(query: Record<string, string | undefined>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  return given.length === 0 ? "/events" : `/events?${new URLSearchParams(given).toString()}`;
}

/** @returns the path of the page that publishes a copy of an event. */
export function copyPath(uuid: string): string {
  return `/events/new?${new URLSearchParams({ like: uuid }).toString()}`;
}
