// The worker one would write first: GET all, PUT the copy, resize, PUT the preview, one job after the other.
// Environment: ENDPOINT, BUCKET, ACCESS_KEY_ID, SECRET_ACCESS_KEY, KEYS (JSON). Says {"ready"}, waits for a line, reports.
import { createInterface } from "node:readline";
import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import sharp from "sharp";

const { ENDPOINT, BUCKET, ACCESS_KEY_ID, SECRET_ACCESS_KEY } = process.env;
const keys = JSON.parse(process.env.KEYS);
const client = new S3Client({
  endpoint: ENDPOINT,
  region: "auto",
  forcePathStyle: true,
  credentials: { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY },
});

async function work(key) {
  const got = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  const body = Buffer.from(await got.Body.transformToByteArray());
  await put(key.replace("/raw/", "/processed/"), body, got.ContentType);
  const preview = await resized(body);
  if (preview) await put(key.replace("/raw/", "/preview/").replace(/\.\w+$/, ".jpg"), preview, "image/jpeg");
  return preview !== null;
}

function put(key, body, type) {
  return client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ContentType: type }));
}

async function resized(body) {
  try {
    return await sharp(body)
      .rotate()
      .resize(1280, 1280, { fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: 82 })
      .toBuffer();
  } catch {
    return null;
  }
}

await work(keys[0]);
console.log(JSON.stringify({ ready: true }));
await new Promise((resolve) => createInterface({ input: process.stdin }).once("line", resolve));
const [started, before] = [Date.now() / 1000, process.cpuUsage()];
let previews = 0;
for (const key of keys) previews += await work(key);
const used = process.cpuUsage(before);
console.log(
  JSON.stringify({
    started,
    ended: Date.now() / 1000,
    done: keys.length,
    previews,
    tree_cpu_seconds: (used.user + used.system) / 1e6,
    peak_mb: process.resourceUsage().maxRSS / 1024,
  }),
);
process.exit(0);
