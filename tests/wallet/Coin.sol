// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ERC-20 token with six decimals. It is also a wallet by EIP-1271 that takes every signature
/// of its maker as its own.
contract Coin is ERC20 {
    address private immutable maker;

    constructor() ERC20("Test Coin", "COIN") {
        maker = msg.sender;
        _mint(msg.sender, 1000 * 10 ** 6);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        require(signature.length == 65, "length");
        bytes32 r = bytes32(signature[0:32]);
        bytes32 s = bytes32(signature[32:64]);
        bool valid = ecrecover(hash, uint8(signature[64]), r, s) == maker;
        return valid ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}
