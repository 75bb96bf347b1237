// Draws the icons of the installed app from web/public/mark.svg into web/public/icons, with the machine's Chromium. They are committed:
// run it when the mark has changed.
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const PUBLIC = fileURLToPath(new URL('../web/public', import.meta.url));
const BACKGROUND = '#fbfbf8';

/**
 * `mark`: its part of the side. A maskable icon may be cut to a circle of 80 % of its side; a launcher rounds it, as Apple's does, so its
 * background fills it. The others bring corners of their own.
 */
const ICONS = [
  { name: '192', side: 192, mark: 0.66, corner: 0.22 },
  { name: '512', side: 512, mark: 0.66, corner: 0.22 },
  { name: 'maskable-512', side: 512, mark: 0.5, corner: 0 },
  { name: 'apple-touch', side: 180, mark: 0.6, corner: 0 },
];

const svg = readFileSync(`${PUBLIC}/mark.svg`).toString('base64');
mkdirSync(`${PUBLIC}/icons`, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage({ colorScheme: 'light' });
for (const { name, side, mark, corner } of ICONS) {
  await page.setViewportSize({ width: side, height: side });
  await page.setContent(`<style>
    * { margin: 0 }
    div { width: ${side}px; height: ${side}px; display: grid; place-items: center; background: ${BACKGROUND}; border-radius: ${corner * side}px }
    img { width: ${mark * side}px }
  </style><div><img src="data:image/svg+xml;base64,${svg}"></div>`);
  await page.locator('img').evaluate((image) => image.decode());
  await page.screenshot({ path: `${PUBLIC}/icons/${name}.png`, omitBackground: true });
}
await browser.close();
