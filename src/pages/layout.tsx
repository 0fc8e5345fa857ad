/** The layout of all pages: document, landmarks and stylesheet. */
import type { Context } from "hono";
import { html } from "hono/html";
import type { Child, PropsWithChildren } from "hono/jsx";
import { type Caller, isOfAccess } from "../auth/caller";

const siteName = "Orchest webhooks";

/** The navigation, the same for everyone: each page checks the scopes of its user. */
const sections = [
  { href: "/", label: "Webhooks" },
  { href: "/events", label: "Events" },
  { href: "/dead", label: "Dead letters" },
  { href: "/docs", label: "API" },
] as const;

/** What the layout needs for a page. */
export type PageInfo = {
  /** The title of the document, usually also the page's `h1`. */
  title: string;
  /** The signed-in user; null leaves out the navigation. */
  user: Caller | null;
  /** The `href` of the section that the page belongs to. */
  section?: (typeof sections)[number]["href"];
  /** Scripts that enhance the page. It works without them. */
  scripts?: readonly `/${string}.js`[];
  /** Additional stylesheets of the page. */
  styles?: readonly `/${string}.css`[];
  /** Reloads the page every few seconds if scripts are off, to show progress. */
  refreshWithoutScripts?: boolean;
};

/** Responds with a page, with the status of `c.status()`. */
export function renderPage(c: Context, info: PageInfo, content: Child): Response | Promise<Response> {
  return c.html(html`<!doctype html>${<Layout {...info}>{content}</Layout>}`);
}

function Layout({
  title,
  user,
  section,
  scripts = [],
  styles = [],
  refreshWithoutScripts = false,
  children,
}: PropsWithChildren<PageInfo>) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · ${siteName}`}</title>
        {["/style.css", ...styles].map((path) => (
          <link rel="stylesheet" href={path} />
        ))}
        <link rel="icon" type="image/svg+xml" href="/icon.svg" />
        {["/once.js", ...scripts].map((path) => (
          <script type="module" src={path}></script>
        ))}
        {refreshWithoutScripts && (
          <noscript>
            <meta http-equiv="refresh" content="3" />
          </noscript>
        )}
      </head>
      <body>
        <a class="skip-link" href="#content">
          Skip to content
        </a>
        <header class="site-header">
          <a class="brand" href="/">
            <img src="/icon.svg" alt="" width="24" height="24" />
            {siteName}
          </a>
          {user && <Navigation section={section} />}
          {user && <SignedIn user={user} />}
        </header>
        <main id="content" tabindex={-1}>
          {children}
        </main>
      </body>
    </html>
  );
}

function Navigation({ section }: Pick<PageInfo, "section">) {
  return (
    <nav class="site-nav" aria-label="Main">
      <ul>
        {sections.map(({ href, label }) => (
          <li>
            <a href={href} aria-current={href === section ? "page" : undefined}>
              {label}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function SignedIn({ user }: { user: Caller }) {
  return (
    <form class="signed-in" method="post" action="/sign-out">
      <span class="muted truncate" title={user.name}>
        <span class="visually-hidden">Signed in as </span>
        {user.name}
      </span>
      {isOfAccess(user) ? (
        // The content security policy forbids forms that redirect to another site, such as Access.
        <a class="button quiet small" href="/cdn-cgi/access/logout">
          Sign out
        </a>
      ) : (
        <button class="button quiet small" type="submit">
          Sign out
        </button>
      )}
    </form>
  );
}
