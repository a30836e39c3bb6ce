// sharp as a peer: one JSON line in, {"path", "out"}; one out, {"cpu_ms", "width", "height", "bytes"}.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

async function preview(body) {
  return sharp(body)
    .rotate()
    .resize(1280, 1280, { fit: "inside", withoutEnlargement: true })
    .jpeg({ quality: 82 })
    .toBuffer({ resolveWithObject: true });
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const body = readFileSync(asked.path);
  const before = process.cpuUsage();
  const { data, info } = await preview(body);
  const used = process.cpuUsage(before);
  if (asked.out) writeFileSync(asked.out, data);
  const cpu_ms = (used.user + used.system) / 1000;
  console.log(JSON.stringify({ cpu_ms, width: info.width, height: info.height, bytes: data.length }));
}
