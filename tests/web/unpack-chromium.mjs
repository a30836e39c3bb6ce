// Unpacks the Chromium of @sparticuz/chromium into the folder that TMPDIR names, with the libraries and fonts that it brings.
import { fileURLToPath } from "node:url";
import chromium, { inflate } from "@sparticuz/chromium";

await chromium.executablePath();
// It does this one itself only on Amazon's Linux.
await inflate(fileURLToPath(new URL("../bin/al2023.tar.br", import.meta.resolve("@sparticuz/chromium"))));
