// Compiles Coin.sol and prints {"Coin": "0x…"}: what a transaction that makes it carries.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const solc = require('solc');
const source = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const input = {
  language: 'Solidity',
  sources: { 'Coin.sol': { content: source('Coin.sol') } },
  settings: { outputSelection: { '*': { Coin: ['evm.bytecode.object'] } }, evmVersion: 'cancun' },
};
const open = (path) => ({ contents: source(`node_modules/${path}`) });
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: open }));
const errors = (output.errors ?? []).filter((error) => error.severity === 'error');
if (errors.length > 0) {
  console.error(errors.map((error) => error.formattedMessage).join('\n'));
  process.exit(1);
}
const { object } = output.contracts['Coin.sol'].Coin.evm.bytecode;
console.log(JSON.stringify({ Coin: `0x${object}` }));
