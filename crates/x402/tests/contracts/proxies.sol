// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;
// Stand-ins for the x402 proxies in tests: the same functions and checks, nothing else.
struct Permitted { address token; uint256 amount; }
struct Permit { Permitted permitted; uint256 nonce; uint256 deadline; }
struct Details { address to; uint256 requestedAmount; }
interface Spender {
    function permitWitnessTransferFrom(Permit calldata permit, Details calldata details, address owner, bytes32 witness,
        string calldata witnessType, bytes calldata signature) external;
}
contract ExactProxy {
    struct Witness { address to; uint256 validAfter; }
    error PaymentTooEarly();
    function settle(Permit calldata permit, address owner, Witness calldata witness, bytes calldata signature) external {
        if (block.timestamp < witness.validAfter) revert PaymentTooEarly();
        bytes32 hash = keccak256(abi.encode(keccak256("Witness(address to,uint256 validAfter)"), witness.to, witness.validAfter));
        Spender(0x000000000022D473030F116dDEE9F6B43aC78BA3).permitWitnessTransferFrom(permit,
            Details(witness.to, permit.permitted.amount), owner, hash,
            "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)", signature);
    }
}
contract UptoProxy {
    struct Witness { address to; address facilitator; uint256 validAfter; }
    error PaymentTooEarly();
    error UnauthorizedFacilitator();
    error AmountExceedsPermitted();
    function settle(Permit calldata permit, uint256 amount, address owner, Witness calldata witness, bytes calldata signature) external {
        if (block.timestamp < witness.validAfter) revert PaymentTooEarly();
        if (msg.sender != witness.facilitator) revert UnauthorizedFacilitator();
        if (amount > permit.permitted.amount) revert AmountExceedsPermitted();
        bytes32 hash = keccak256(abi.encode(keccak256("Witness(address to,address facilitator,uint256 validAfter)"), witness.to, witness.facilitator, witness.validAfter));
        Spender(0x000000000022D473030F116dDEE9F6B43aC78BA3).permitWitnessTransferFrom(permit,
            Details(witness.to, amount), owner, hash,
            "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)", signature);
    }
}
