/*
 * What the server's own pages look like: the colours, type and parts of the web client. The custom properties are those of
 * web/src/style.css, and a test compares the two.
 */

const LIGHT = `--surface:#fbfbf8;--raised:#ffffff;--sunken:#f3f4f0;--line:#d6dad3;--line-strong:#7f8982;--ink:#18201c;--muted:#55605a;
--accent:#0b6150;--accent-ink:#ffffff;--accent-soft:#dfece6;--danger:#b3163f;--danger-soft:#fbe6ea;--code:#eff1ec;`;

const DARK = `--surface:#161b18;--raised:#1f2622;--sunken:#121714;--line:#2c3530;--line-strong:#7b8780;--ink:#e6ebe7;--muted:#aeb9b3;
--accent:#63c6a5;--accent-ink:#06231b;--accent-soft:#1b332b;--danger:#ff8fa3;--danger-soft:#3d1c25;--code:#101512;`;

const TYPE = `--sans:system-ui,"Segoe UI",Roboto,"Noto Sans",Helvetica,Arial,sans-serif;
--mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;
--t-meta:500 .75rem/1rem var(--sans);--t-small:.8125rem/1.125rem var(--sans);--t-body:.9375rem/1.4375rem var(--sans);
--t-title:600 1.0625rem/1.5rem var(--sans);--t-head:600 1.375rem/1.75rem var(--sans);--t-display:600 2rem/2.375rem var(--sans);`;

/** Colours and type, in both schemes; for every page. */
export const TOKENS = `:root{color-scheme:light dark;${LIGHT}${TYPE}}
@media(prefers-color-scheme:dark){:root{${DARK}}}
@media(max-width:719px){:root{--t-body:1rem/1.5rem var(--sans);--t-small:.875rem/1.25rem var(--sans)}}`;

/** The parts of pages that are our own. */
export const STYLE = `${TOKENS}
*,::before,::after{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);font:var(--t-body);-webkit-text-size-adjust:100%}
h1,h2,h3,p,ul,dl,dd{margin:0;padding:0}ul{list-style:none}
a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:1px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:6px}
code{font:.875em/1.4 var(--mono);overflow-wrap:anywhere}
main{max-inline-size:40rem;margin-inline:auto;padding:2.5rem 1.5rem 4rem}
.brand{display:flex;align-items:center;gap:.625rem;font:650 1.125rem/1.5rem var(--sans);letter-spacing:-.02em}
.mark{display:block;inline-size:1.5rem;block-size:1.5rem}.mark .a{fill:var(--accent)}.mark .b{fill:var(--ink)}
h1{font:var(--t-display);letter-spacing:-.025em;margin-block:1.75rem .375rem;overflow-wrap:break-word}
.lead{color:var(--muted);margin-block-end:1.5rem;overflow-wrap:anywhere}.lead b{color:var(--ink)}.lead+.lead{margin-block-start:-.75rem}
.btn{display:inline-flex;align-items:center;justify-content:center;min-block-size:2.75rem;padding:.375rem 1.25rem;border:1px solid transparent;border-radius:8px;background:none;color:var(--ink);font:600 .9375rem/1.25rem var(--sans);text-decoration:none;cursor:pointer}
.primary{background:var(--accent);color:var(--accent-ink)}.quiet{border-color:var(--line-strong);background:var(--raised)}
summary{cursor:pointer;inline-size:fit-content;min-block-size:1.5rem}
.mail{border:1px solid var(--line);border-radius:14px;background:var(--raised);padding:1rem 1.25rem 1.125rem;margin-block-end:.75rem;overflow-wrap:anywhere}
.mail .to{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;color:var(--muted);font:var(--t-small)}
.mail h2{font:var(--t-title);margin-block:.375rem .125rem}.mail .do{margin-block:1rem .75rem}
.mail details{color:var(--muted);font:var(--t-small);margin-block-start:.5rem}.mail pre{white-space:pre-wrap;font:inherit;margin:.5rem 0 0}
.door{max-inline-size:26rem}.field{margin-block:1.5rem 1.25rem}
.field label{display:block;font:600 .875rem/1.25rem var(--sans);margin-block-end:.375rem}
.field input{display:block;inline-size:100%;block-size:2.75rem;padding:0 .75rem;border:1px solid var(--line-strong);border-radius:9px;background:var(--raised);color:var(--ink);font:1rem/1.5rem var(--sans)}
.field input:focus-visible{outline-offset:-1px;border-radius:9px}.field input[readonly]{background:var(--sunken);border-color:var(--line)}
.field input[aria-invalid]{border-color:var(--danger);box-shadow:0 0 0 1px var(--danger)}
.field .hint{margin-block-start:.375rem;color:var(--muted);font:var(--t-small)}
.field .err,.alert{margin-block-start:.375rem;color:var(--danger);font:var(--t-small);font-weight:500}
.alert{padding:.75rem .875rem;border-radius:10px;background:var(--danger-soft);margin-block:0 1.25rem}
.door .btn{inline-size:100%}.after{margin-block-start:1.5rem;color:var(--muted);font:var(--t-small)}
@media(forced-colors:active){.btn{border-color:ButtonText}}`;
