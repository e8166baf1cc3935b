/**
 * Keccak-256 as Ethereum has it (the padding of before SHA-3), of few bytes: whoever needs much of
 * it needs it faster.
 */
export const keccak256 = (input: Uint8Array): Uint8Array => {
  const lanes = new BigUint64Array(25);
  const padded = new Uint8Array((Math.floor(input.length / RATE) + 1) * RATE);
  padded.set(input);
  padded[input.length] = 0x01;
  padded[padded.length - 1] = (padded[padded.length - 1] ?? 0) | 0x80;
  const view = new DataView(padded.buffer);
  for (let block = 0; block < padded.length; block += RATE) {
    for (let lane = 0; lane < RATE / 8; lane += 1) {
      lanes[lane] = at(lanes, lane) ^ view.getBigUint64(block + lane * 8, true);
    }
    permute(lanes);
  }
  const output = new DataView(new ArrayBuffer(32));
  for (let lane = 0; lane < 4; lane += 1) output.setBigUint64(lane * 8, at(lanes, lane), true);
  return new Uint8Array(output.buffer);
};

/** Keccak-f[1600]. */
const permute = (lanes: BigUint64Array): void => {
  const columns = new BigUint64Array(5);
  const moved = new BigUint64Array(25);
  for (const constant of ROUNDS) {
    for (let x = 0; x < 5; x += 1) {
      columns[x] = at(lanes, x) ^ at(lanes, x + 5) ^ at(lanes, x + 10) ^ at(lanes, x + 15) ^ at(lanes, x + 20);
    }
    for (let lane = 0; lane < 25; lane += 1) {
      const x = lane % 5;
      const mixed = at(lanes, lane) ^ at(columns, (x + 4) % 5) ^ turned(at(columns, (x + 1) % 5), 1);
      const y = (lane - x) / 5;
      moved[y + 5 * ((2 * x + 3 * y) % 5)] = turned(mixed, TURNS[lane] ?? 0);
    }
    for (let lane = 0; lane < 25; lane += 1) {
      const row = lane - (lane % 5);
      const next = at(moved, row + ((lane + 1) % 5));
      lanes[lane] = at(moved, lane) ^ (~next & at(moved, row + ((lane + 2) % 5)));
    }
    lanes[0] = at(lanes, 0) ^ constant;
  }
};

const at = (lanes: BigUint64Array, index: number): bigint => lanes[index] ?? 0n;

const turned = (lane: bigint, bits: number): bigint =>
  BigInt.asUintN(64, (lane << BigInt(bits)) | (lane >> BigInt(64 - bits)));

/** Bytes of a block. */
const RATE = 136;

/** How far each lane is turned: triangular numbers along the path that the lanes take. */
const TURNS: readonly number[] = (() => {
  const turns = Array<number>(25).fill(0);
  let [x, y] = [1, 0];
  for (let step = 1; step <= 24; step += 1) {
    turns[x + 5 * y] = ((step * (step + 1)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  return turns;
})();

/** The constants of the rounds: bits of a shift register at places 2^j - 1. */
const ROUNDS: readonly bigint[] = (() => {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let j = 0; j < 7; j += 1) {
      if ((register & 1) === 1) constant |= 1n << BigInt(2 ** j - 1);
      register = (register << 1) ^ ((register >> 7) * 0x171);
    }
    return constant;
  });
})();
