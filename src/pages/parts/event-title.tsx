/** The sentence of an event and its type, for lists. */

/** @param props.title the sentence; absent for callers who may not read the bodies of events, who see only the type. */
export function EventTitle({ title, type }: { title?: string; type: string }) {
  if (title === undefined) return <>{type}</>;
  return (
    <>
      {title} <span class="event-type muted small">{type}</span>
    </>
  );
}
