// The HTTP interface: JSON both ways, and errors with the reason the server gives.

import { authorized, enterAgain, tokenNow } from "./session.js";

export class Refusal extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

function cutOff() {
  throw new Refusal(0, "tv does not answer: is it still running?");
}

async function respond(path, options) {
  const token = tokenNow();
  const response = await fetch(path, { ...options, headers: authorized(options?.headers) }).catch(cutOff);
  if (response.ok) return response;
  const content = await response.json().catch(() => ({}));
  const refusal = new Refusal(response.status, content.error ?? response.statusText);
  if (response.status !== 401) throw refusal;
  await enterAgain(token).catch(() => { throw refusal; });
  return respond(path, options);
}

/** An answer that ends in the middle, as when tv is killed, is none: only a whole one may be empty. */
async function ask(path, options) {
  const text = await (await respond(path, options)).text().catch(cutOff);
  return text ? JSON.parse(text) : {};
}

export function get(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  return ask(query ? `${path}?${query}` : path);
}

const asJson = (method, content) =>
  ({ method, headers: { "content-type": "application/json" }, body: JSON.stringify(content) });

export const send = (method, path, content) => ask(path, asJson(method, content));

/** Send JSON, get a file: a picture, an archive. */
export async function fetched(path, content) {
  return (await respond(path, asJson("POST", content))).blob().catch(cutOff);
}

export function upload(path, file) {
  const headers = { "content-type": file.type || "application/octet-stream" };
  return ask(path, { method: "POST", headers, body: file });
}
