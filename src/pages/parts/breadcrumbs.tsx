/** Links to the parent pages, above a page's title. */

/** @param props.links labels by path, from the top down. */
export function Breadcrumbs({ links }: { links: Record<string, string> }) {
  return (
    <p class="small">
      {Object.entries(links).map(([path, label], place) => (
        <>
          {place > 0 && " / "}
          <a href={path}>{label}</a>
        </>
      ))}
    </p>
  );
}
