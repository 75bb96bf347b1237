import { html } from '../../common/http/html.js';
import { BRAND, htmlPage, policyOf } from '../../common/http/page.js';
import { STYLE } from '../../common/http/page-style.js';
import { API_DOCS_PATH, EVENTS_DOCS_PATH } from './paths.js';
import { SWAGGER_STYLE } from './swagger-style.js';

/** Where the files of Swagger UI are. */
export const SWAGGER_PATH = `${API_DOCS_PATH}/swagger`;

const PAGE_STYLE = `${STYLE}
${SWAGGER_STYLE}`;

/** Swagger UI is our own file, asks only this server, and shows the images that its style sheet brings as `data:`. */
export const REST_PAGE_CSP = policyOf({ style: PAGE_STYLE })
  .replace('style-src', "script-src 'self'; connect-src 'self'; style-src 'self'")
  .replace("default-src 'none'", "default-src 'self'");

/** Starts Swagger UI on the page; a file, so that no script has to be allowed in the page. */
export const restScript = (path: string): string =>
  `const ui = SwaggerUIBundle({
  url: ${JSON.stringify(`${path}/${API_DOCS_PATH}-json`)},
  dom_id: '#swagger-ui',
  deepLinking: true,
  // A phone shows what there is, by its kinds.
  docExpansion: matchMedia('(min-width:720px)').matches ? 'list' : 'none',
  defaultModelsExpandDepth: -1,
  // Its colours have too little contrast.
  syntaxHighlight: { activated: false },
  validatorUrl: null,
  // Its links stand inside buttons, where readers of the screen do not find them. An address still opens its route.
  plugins: [() => ({ components: { DeepLink: ({ text }) => text } })],
});
addEventListener('hashchange', () => ui.layoutActions.parseDeepLinkHash(location.hash));

// Names and roles that readers of the screen miss.
const routeOf = (part) => part.closest('.opblock')?.querySelector('.opblock-summary-path')?.textContent;
const NAMES = {
  '.body-param__text': (part) => 'Body for ' + routeOf(part),
  '.responses-table': (part) => 'Answers of ' + routeOf(part),
  '.live-responses-table': (part) => 'The answer of ' + routeOf(part),
  '.close-modal': () => 'Close',
  '.modal-ux': () => 'Authorize',
};
new MutationObserver(() => {
  for (const [selector, nameOf] of Object.entries(NAMES))
    for (const part of document.querySelectorAll(selector + ':not([aria-label])')) part.setAttribute('aria-label', nameOf(part));
  for (const box of document.querySelectorAll('.modal-ux')) box.setAttribute('role', 'dialog');
  // These say something else than what stands on the button.
  for (const button of document.querySelectorAll('.auth-btn-wrapper [aria-label]')) button.removeAttribute('aria-label');
}).observe(document.getElementById('swagger-ui'), { childList: true, subtree: true });
`;

export interface RestPagePlaces {
  /** The path of PUBLIC_URL. */
  path: string;
  /** Whether mails are shown at /dev/mail. */
  hasMails: boolean;
}

/** The routes as a page: where to start, and all of them to try. */
export const restPage = ({ path, hasMails }: RestPagePlaces): string => {
  const place = (route: string) => html`${path}/${route}`;
  const mails = html` (here: <a href="${path}/dev/mail">/dev/mail</a>)`;
  const route = (id: string, name: string) => html`<a href="#/account/AuthController_${id}"><code>${name}</code></a>`;
  return htmlPage(
    'API',
    html`<link rel="stylesheet" href="${place(`${SWAGGER_PATH}/swagger-ui.css`)}" />
      <div class="api">
        <header>
          ${BRAND}
          <h1>Parley's API</h1>
          <p class="lead">HTTP for accounts, lists and histories; Socket.IO for what is live.</p>
          <h2>Start here</h2>
          <ol class="start">
            <li>${route('register', 'POST /http/register')} sends a link by mail${hasMails ? mails : ''}. Opening it creates the account.</li>
            <li>${route('login', 'POST /http/login')} gives a token. Put it into the header <code>authentication</code>: here, by the button Authorize.</li>
            <li>Connect a Socket.IO client to <code>${path}/socket</code> with <code>auth: {token}</code>. What crosses it is described under <a href="${place(EVENTS_DOCS_PATH)}">events</a>.</li>
          </ol>
          <p class="fine">For programs: <a href="${place(`${API_DOCS_PATH}-json`)}">OpenAPI</a>, <a href="${place(`${EVENTS_DOCS_PATH}.json`)}">AsyncAPI</a>.</p>
          <h2>Routes</h2>
          <noscript><p>This list needs JavaScript. The same is in the OpenAPI document.</p></noscript>
        </header>
        <div id="swagger-ui"></div>
      </div>
      <script src="${place(`${SWAGGER_PATH}/swagger-ui-bundle.js`)}"></script>
      <script src="${place(`${API_DOCS_PATH}/start.js`)}"></script>`,
    { style: PAGE_STYLE },
  );
};
