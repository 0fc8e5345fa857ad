/** The way to a list's other pages. */

/** @param props.links path and label of each that there is; without any nothing stands here. */
export function Pager({
  label,
  links,
}: {
  label: string;
  links: readonly (readonly [path: string, label: string] | false)[];
}) {
  const there = links.filter((link) => link !== false);
  if (there.length === 0) return null;
  return (
    <nav class="pager" aria-label={label}>
      {there.map(([path, text]) => (
        <a class="button quiet" href={path}>
          {text}
        </a>
      ))}
    </nav>
  );
}
