// Files on their way to the account's: small ones in a form, large ones by a link to where files are kept, past the API where that is a
// bucket (docs/uploads.md). By XMLHttpRequest, since fetch does not tell how far it is.

import * as api from "./api.js";
import { t } from "./language.js";

const LARGE = 8_000_000; // bytes from which a second try is worth a link, for of what was put by one twice there is one file

/** The file, once it is the account's; `progress` hears from 0 to 1, `signal` ends it. Rejects with Problem, or as the signal says. */
export function upload(file, ways) {
  return file.size < LARGE ? inForm(file, ways) : byLink(file, ways);
}

async function inForm(file, ways) {
  const form = new FormData();
  form.append("file", file);
  const { status, response } = await sent("POST", `${api.BASE}/files`, form, ways);
  if (status !== 201) throw api.refused(response ?? {}, status);
  return response;
}

async function byLink(file, ways) {
  const name = [...file.name].slice(-200).join("");
  const place = await api.insist(() => api.post("/files", { upload: { name, bytes: file.size } })).catch(tooLarge);
  await put(place, file, ways).catch((problem) => (passes(problem) ? put(place, file, ways) : Promise.reject(problem)));
  return api.insist(() => api.post(`/files/${place.id}/complete`));
}

async function put({ url, complete_url: ours }, file, ways) {
  ways.signal.throwIfAborted();
  const isOurs = new URL(url).origin === new URL(ours).origin;
  const { status, response } = await sent("PUT", isOurs ? api.here(url) : url, file, ways);
  // What a bucket says is XML, and for its operator.
  if (status === 0 || status >= 300) throw new api.Problem({ code: "not_put", detail: t("media.not-put"), ...response }, status);
}

function passes({ status }) {
  return status === 0 || status >= 500;
}

function tooLarge(problem) {
  const isLength = problem.errors?.some(({ field }) => field === "upload.bytes");
  throw isLength ? new api.Problem({ code: "too_large", detail: t("media.too-large") }, problem.status) : problem;
}

/** The request that was answered, or broke off: then its status is 0. */
function sent(method, address, body, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => resolve(request));
    request.addEventListener("abort", () => reject(signal.reason));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}
