// Starts the page: its token, its texts and configuration, then the page itself.

import { loadConfig } from "./data/api.js";
import { takeToken } from "./data/session.js";
import { compose } from "./page.js";
import { showBrand } from "./ui/brand.js";
import { byId } from "./ui/dom.js";
import { createI18n } from "./ui/i18n.js";

const LOAD_AGAIN_MS = [2_000, 5_000, 10_000];
const LOAD_LAST_MS = 20_000;

async function start() {
  takeToken();
  const [config, i18n] = await load();
  showBrand(config);
  compose(config.api_base, i18n);
}

/** Without its texts the page can say nothing in them: the one notice for that is in the HTML, in both languages. */
async function load() {
  const notice = byId("start-problem");
  for (let tries = 0; ; tries += 1) {
    try {
      const config = loadConfig();
      const loaded = await Promise.all([config, createI18n(() => config)]);
      notice.hidden = true;
      return loaded;
    } catch {
      notice.hidden = false;
      await new Promise((again) => setTimeout(again, LOAD_AGAIN_MS[tries] ?? LOAD_LAST_MS));
    }
  }
}

start();
