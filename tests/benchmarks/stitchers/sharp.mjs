// Stitches with Sharp: an order a line, "done" when its file is written.
import readline from 'node:readline';
import sharp from 'sharp';

for await (const line of readline.createInterface({ input: process.stdin })) {
  const { pictures, width, height, across, quality, out } = JSON.parse(line);
  const cells = await Promise.all(pictures.map((path) => sharp(path).resize(width, height).raw().toBuffer({ resolveWithObject: true })));
  const placed = cells.map(({ data, info }, n) => ({
    input: data,
    raw: { width: info.width, height: info.height, channels: info.channels },
    left: (n % across) * width,
    top: Math.floor(n / across) * height,
  }));
  const down = Math.ceil(pictures.length / across);
  await sharp({ create: { width: width * across, height: height * down, channels: 3, background: '#ffffff' } })
    .composite(placed)
    .jpeg({ quality })
    .toFile(out);
  console.log('done');
}
