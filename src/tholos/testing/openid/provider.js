// A real OpenID Connect provider for tests. Its people, its client and its pages are given as JSON on stdin; it prints the
// port it listens on. Sign-in takes a name and no password; people can be changed while it runs (PUT /test/people).
import { generateKeyPairSync } from "node:crypto";
import http from "node:http";
import Provider from "oidc-provider";

const given = JSON.parse(await text(process.stdin));
let people = given.people;

async function text(stream) {
  let all = "";
  for await (const chunk of stream) all += chunk;
  return all;
}

function newKey(kid) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
}

function account(_context, id) {
  const person = people[id];
  if (!person) return undefined;
  const { sub, ...claims } = person;
  return { accountId: id, claims: () => ({ sub: sub ?? id, ...claims }) };
}

const issuer = `http://127.0.0.1:${given.port}`;
const provider = new Provider(issuer, {
  clients: [given.client],
  jwks: { keys: [newKey("one")] },
  cookies: { keys: ["only a test's"] },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"], groups: ["groups"] },
  conformIdTokenClaims: given.claims_by_userinfo,
  features: { devInteractions: { enabled: true } },
  findAccount: account,
  pkce: { methods: ["S256"], required: () => true },
  subjectTypes: ["public"],
  ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
});

const answer = provider.callback();
const server = http.createServer(async (request, response) => {
  if (request.method === "PUT" && request.url === "/test/people") {
    people = JSON.parse(await text(request));
    response.writeHead(204).end();
    return;
  }
  answer(request, response);
});
server.listen(given.port, "127.0.0.1", () => console.log("ready"));
