// Signs session tokens with Clerk's backend library and says what that library thinks of each.
//
//   node tokens.mjs FOLDER < '{"kid": "ins_1", "azp": "https://…", "claims": {NAME: {…}}}'
//
// prints {"jwks": {…}, "tokens": {NAME: {"token": "…", "accepted": true}}}. FOLDER has the
// library in its node_modules. One fresh key signs everything; `accepted` is the verdict of
// `verifyToken` for this key and party.

import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(`${resolve(process.argv[2])}/`);
const { verifyToken } = require("@clerk/backend");
const { signJwt } = require("@clerk/backend/jwt");

const input = JSON.parse(await new Response(process.stdin).text());
const pair = await crypto.subtle.generateKey(
  {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  },
  true,
  ["sign", "verify"],
);
const secret = await crypto.subtle.exportKey("jwk", pair.privateKey);
const { n, e } = secret;
const spki = Buffer.from(await crypto.subtle.exportKey("spki", pair.publicKey));
const pem = [
  "-----BEGIN PUBLIC KEY-----",
  ...spki.toString("base64").match(/.{1,64}/g),
  "-----END PUBLIC KEY-----",
].join("\n");

const tokens = {};
for (const [name, claims] of Object.entries(input.claims)) {
  const header = { cat: "cl_B7d4PD111AAA", kid: input.kid, typ: "JWT" };
  const token = await signJwt({ ...claims }, secret, { algorithm: "RS256", header });
  const verdict = verifyToken(token, { jwtKey: pem, authorizedParties: [input.azp] });
  tokens[name] = { token, accepted: await verdict.then(() => true, () => false) };
}
const key = { use: "sig", kty: "RSA", kid: input.kid, alg: "RS256", n, e };
console.log(JSON.stringify({ jwks: { keys: [key] }, tokens }));
