import { ConclaveError } from "./error.js";
import { keccak256 } from "./keccak.js";

/** A wallet of the browser, as EIP-1193 has it: `window.ethereum`. */
export interface WalletProvider {
  request(call: { method: string; params?: readonly unknown[] }): Promise<unknown>;
}

/** What a sign-in message says (EIP-4361). */
export interface SignInMessage {
  /** Host, with the port where it is not the usual one. */
  domain: string;
  address: string;
  /** What the user reads; one line. */
  statement?: string | undefined;
  uri: string;
  chainId: number;
  nonce: string;
  issuedAt: Date;
  expiresAt?: Date | undefined;
}

/** Its text, which the wallet shows and signs. */
export const signInMessage = (message: SignInMessage): string => {
  const { domain, address, statement, uri, chainId, nonce, issuedAt, expiresAt } = message;
  const lines = [
    `${domain} wants you to sign in with your Ethereum account:`,
    withChecksum(address),
    "",
    ...(statement === undefined ? [] : [statement]),
    "",
    `URI: ${uri}`,
    "Version: 1",
    `Chain ID: ${chainId}`,
    `Nonce: ${nonce}`,
    `Issued At: ${issuedAt.toISOString()}`,
    ...(expiresAt === undefined ? [] : [`Expiration Time: ${expiresAt.toISOString()}`]),
  ];
  return lines.join("\n");
};

/** An address with the capitals of EIP-55, by which a slip is noticed. */
export const withChecksum = (address: string): string => {
  if (!ADDRESS.test(address)) throw new ConclaveError("bad_request", "no address of an account");
  const digits = address.slice(2).toLowerCase();
  const hash = keccak256(new TextEncoder().encode(digits));
  const marked = [...digits].map((digit, index) => {
    const byte = hash[index >> 1] ?? 0;
    const nibble = index % 2 === 0 ? byte >> 4 : byte & 15;
    return nibble >= 8 ? digit.toUpperCase() : digit;
  });
  return `0x${marked.join("")}`;
};

/** The account and the chain that a wallet shows to the page, once its user agrees. */
export const accountOf = async (
  provider: WalletProvider,
): Promise<{ address: string; chainId: number }> => {
  const accounts = await asked(provider, "eth_requestAccounts");
  const chain = await asked(provider, "eth_chainId");
  const address: unknown = Array.isArray(accounts) ? accounts[0] : null;
  const chainId = typeof chain === "string" ? Number(chain) : Number.NaN;
  if (typeof address !== "string" || !Number.isSafeInteger(chainId)) {
    throw new ConclaveError("unsupported", "the wallet shows no account");
  }
  return { address, chainId };
};

/** The signature of a text by an account (`personal_sign`), once its user agrees. */
export const signed = async (
  provider: WalletProvider,
  text: string,
  address: string,
): Promise<string> => {
  const bytes = [...new TextEncoder().encode(text)];
  const hex = `0x${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const signature = await asked(provider, "personal_sign", [hex, address]);
  if (typeof signature !== "string") throw new ConclaveError("unsupported", "the wallet did not sign");
  return signature;
};

/** Wallets throw plain objects with a number. */
const asked = async (
  provider: WalletProvider,
  method: string,
  params: readonly unknown[] = [],
): Promise<unknown> => {
  try {
    return await provider.request({ method, params });
  } catch (thrown) {
    const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
    const refused = code === USER_REFUSED;
    const words = typeof message === "string" ? message : "the wallet failed";
    throw new ConclaveError(refused ? "forbidden" : "unsupported", refused ? "refused in the wallet" : words, {
      cause: thrown,
    });
  }
};

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
/** EIP-1193: the user said no. */
const USER_REFUSED = 4001;
