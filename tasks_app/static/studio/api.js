// The public API, as any client of it sees it. The browser's session opens it; pictures and videos need nothing else.

import { language } from "./language.js";

export const BASE = "/api/v1";
const TRIES = 4;
const REST_MS = 800;
// What says nothing about whether the request was carried out, so that it may be sent again where it has an Idempotency-Key, or reads.
const PASSING = new Set([429, 502, 503, 504]);

/** A refusal: problem+json as it came, or that nobody answered (status 0). */
export class Problem extends Error {
  constructor(told, status, waitS = 0) {
    super(told.detail || told.title || "");
    Object.assign(this, { status, waitS, code: told.code ?? (status ? "broken" : "offline"), errors: told.errors ?? [] });
  }
}

export const get = (path) => insist(() => call("GET", path));
export const post = (path, body) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path) => call("DELETE", path);

/** A POST that may be sent again and again: the key makes it the same one. */
export function buy(path, body, key) {
  return insist(() => call("POST", path, body, { "Idempotency-Key": key }));
}

/** The session's own address, which lies beside the page. */
export function session(method, body) {
  return send(method, "session", body);
}

/** The address of something of ours on the host that the page came from, whatever PUBLIC_URL calls it. */
export function here(url) {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

/** The query of those of `facts` that say something. */
export function query(facts) {
  const asked = Object.entries(facts).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return asked.length ? `?${new URLSearchParams(asked)}` : "";
}

function call(method, path, body, headers) {
  return send(method, BASE + path, body, headers);
}

async function send(method, address, body, headers = {}) {
  const request = { method, headers: { Accept: "application/json, application/problem+json", "Accept-Language": language(), ...headers } };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  const answer = await fetch(address, request).catch(() => null);
  if (answer === null) throw new Problem({}, 0);
  const told = answer.status === 204 ? null : await answer.json().catch(() => ({}));
  if (!answer.ok) throw refused(told, answer.status, Number(answer.headers.get("Retry-After")) || 0);
  return told;
}

/** What such an answer means; that nobody is signed in is told to the page. */
export function refused(told, status, waitS = 0) {
  if (status === 401) document.dispatchEvent(new Event("signed-out"));
  return new Problem(told, status, waitS);
}

/** Sends what may be sent again until it is answered, or seems to be in vain. */
export async function insist(send) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await send();
    } catch (problem) {
      const passing = problem.status === 0 || PASSING.has(problem.status);
      if (!passing || tried === TRIES) throw problem;
      await new Promise((resolve) => setTimeout(resolve, Math.max(problem.waitS * 1000, REST_MS * 2 ** (tried - 1))));
    }
  }
}
