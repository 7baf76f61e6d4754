// What a model's input schema asks a person for. JSON Schema in, plain words out; no page here.

const LONG = 200; // characters from which a text gets room for several lines
const WRITING = new Set(["prompt", "negative_prompt", "text", "template"]);
// What most people set stands in sight; the rest is folded away.
const FIRST = [
  "prompt",
  "text",
  "operations",
  "frame_images",
  "images",
  "clips",
  "input_references",
  "layout",
  "transition",
  "aspect_ratio",
  "resolution",
  "duration",
  "n",
  "generate_audio",
  "mode",
];

/** A node with its $ref followed; what stands beside the $ref wins. */
export function resolve(node, root) {
  if (!node.$ref) return node;
  const { $ref, ...beside } = node;
  return { ...resolve(root.$defs[$ref.replace("#/$defs/", "")], root), ...beside };
}

/** The fields of an object, in two lots: what stands in sight, and what is folded. */
export function fields(node, root) {
  const all = Object.entries(node.properties).map(([name, one]) => ({ name, node: resolve(one, root) }));
  const required = new Set(node.required ?? []);
  const placed = all.map((field) => ({ ...field, isRequired: required.has(field.name) }));
  const inSight = placed.filter(({ name, isRequired }) => isRequired || FIRST.includes(name));
  return { inSight: inSight.sort((a, b) => rank(a) - rank(b)), folded: placed.filter((field) => !inSight.includes(field)) };
}

function rank({ name }) {
  return FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;
}

/** Which control a node gets. */
export function shape(name, node, root) {
  if (node.enum) return "choice";
  if (node.type === "string" && node.format === "media") return "media";
  if (node.type === "string") return node.maxLength > LONG || WRITING.has(name) ? "writing" : "line";
  if (node.type === "integer" || node.type === "number") return "number";
  if (node.type === "boolean") return "toggle";
  if (node.type === "object" && node.properties) return "group";
  return node.type === "array" ? shapeOfList(resolve(node.items ?? {}, root), root) : "json";
}

function shapeOfList(item, root) {
  if (item.format === "media" || mediaOf(item, root)) return "medias";
  if (item.enum) return "choices";
  if (item.type === "string") return "lines";
  return item.type === "number" || item.type === "integer" ? "numbers" : "json";
}

/** The one property of a list's items that is a picture or a video; null where they have none of their own. */
export function mediaOf(item, root) {
  const found = Object.entries(item.properties ?? {}).find(([, one]) => resolve(one, root).format === "media");
  return found ? found[0] : null;
}

/** An input that can be priced though the person has not written yet: what is still missing in it is a text. */
export function priceable(schema, value) {
  const missing = (schema.required ?? []).filter((name) => !(name in value));
  const texts = missing.filter((name) => schema.properties[name].type === "string" && !schema.properties[name].format);
  return texts.length === missing.length ? { ...value, ...Object.fromEntries(texts.map((name) => [name, "…"])) } : null;
}
