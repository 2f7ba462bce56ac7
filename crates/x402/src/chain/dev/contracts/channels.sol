// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;
// Payment channels for development chains, with the functions, rules, errors, events and typed data that clients of
// `batch-settlement` expect at its addresses. Written for tests and demonstrations; not for money.

struct Channel {
    address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token;
    uint40 withdrawDelay; bytes32 salt;
}
struct Promise { Channel channel; uint128 maxClaimableAmount; }
struct Claim { Promise voucher; bytes signature; uint128 totalClaimed; }

interface Coin {
    function balanceOf(address owner) external view returns (uint256);
    function transfer(address to, uint256 amount) external returns (bool);
    function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore,
        bytes32 nonce, bytes calldata signature) external;
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
}
interface Collector {
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata data) external;
}
interface Wallet { function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4); }

contract Channels {
    struct Escrow { uint128 balance; uint128 totalClaimed; }
    struct Withdrawal { uint128 amount; uint40 initiatedAt; }
    struct Income { uint128 totalClaimed; uint128 totalSettled; }

    mapping(bytes32 => Escrow) public channels;
    mapping(bytes32 => uint256) public refundNonce;
    mapping(bytes32 => Withdrawal) public pendingWithdrawals;
    mapping(address => mapping(address => Income)) public receivers;
    bool transient private busy;

    event ChannelCreated(bytes32 indexed channelId, Channel config);
    event ChannelClosed(bytes32 indexed channelId, Channel config);
    event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance);
    event Claimed(bytes32 indexed channelId, address indexed sender, uint128 claimAmount, uint128 newTotalClaimed);
    event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount);
    event Refunded(bytes32 indexed channelId, address indexed sender, uint128 amount);
    event WithdrawInitiated(bytes32 indexed channelId, uint128 amount, uint40 finalizeAfter);
    event WithdrawFinalized(bytes32 indexed channelId, address indexed sender, uint128 amount);

    error InvalidChannel();
    error ZeroDeposit();
    error DepositOverflow();
    error InvalidSignature();
    error NotReceiverAuthorizer();
    error NotAuthorizedToClaim();
    error NotAuthorizedToRefund();
    error ClaimExceedsCeiling();
    error ClaimExceedsBalance();
    error WithdrawalAlreadyPending();
    error WithdrawalNotPending();
    error NotAuthorizedToFinalizeWithdraw();
    error WithdrawDelayNotElapsed();
    error NothingToWithdraw();
    error WithdrawAmountExceedsAvailable();
    error WithdrawDelayOutOfRange();
    error EmptyBatch();
    error DepositCollectionFailed();
    error InvalidCollector();
    error InvalidRefundNonce();
    error ZeroRefund();
    error ReentrancyGuardReentrantCall();
    error SafeERC20FailedOperation(address token);

    modifier alone() {
        if (busy) revert ReentrancyGuardReentrantCall();
        busy = true;
        _;
        busy = false;
    }

    function deposit(Channel calldata config, uint128 amount, address collector, bytes calldata data) external alone {
        bool named = config.payer != address(0) && config.receiver != address(0);
        if (!named || config.receiverAuthorizer == address(0) || config.token == address(0)) revert InvalidChannel();
        if (config.withdrawDelay < 15 minutes || config.withdrawDelay > 30 days) revert WithdrawDelayOutOfRange();
        if (amount == 0) revert ZeroDeposit();
        if (collector == address(0)) revert InvalidCollector();
        bytes32 id = getChannelId(config);
        Escrow storage escrow = channels[id];
        if (uint256(escrow.balance) + amount > type(uint128).max) revert DepositOverflow();
        escrow.balance += amount;
        uint256 held = Coin(config.token).balanceOf(address(this));
        Collector(collector).collect(config.payer, config.token, amount, id, data);
        if (Coin(config.token).balanceOf(address(this)) != held + amount) revert DepositCollectionFailed();
        if (escrow.balance == amount && escrow.totalClaimed == 0) emit ChannelCreated(id, config);
        emit Deposited(id, msg.sender, amount, escrow.balance);
    }

    function claim(Claim[] calldata claims) external alone {
        if (claims.length == 0) revert EmptyBatch();
        for (uint256 i = 0; i < claims.length; ++i) {
            if (!receives(claims[i].voucher.channel)) revert NotAuthorizedToClaim();
            take(claims[i]);
        }
    }

    function claimWithSignature(Claim[] calldata claims, bytes calldata signature) external alone {
        if (claims.length == 0) revert EmptyBatch();
        address authorizer = claims[0].voucher.channel.receiverAuthorizer;
        if (!signed(authorizer, getClaimBatchDigest(claims), signature)) revert InvalidSignature();
        for (uint256 i = 0; i < claims.length; ++i) {
            if (claims[i].voucher.channel.receiverAuthorizer != authorizer) revert NotReceiverAuthorizer();
            take(claims[i]);
        }
    }

    function settle(address receiver, address token) external alone {
        Income storage income = receivers[receiver][token];
        uint128 due = income.totalClaimed - income.totalSettled;
        if (due == 0) return;
        income.totalSettled = income.totalClaimed;
        send(token, receiver, due);
        emit Settled(receiver, token, msg.sender, due);
    }

    function initiateWithdraw(Channel calldata config, uint128 amount) external alone {
        if (!pays(config)) revert InvalidChannel();
        if (amount == 0) revert NothingToWithdraw();
        bytes32 id = getChannelId(config);
        if (pendingWithdrawals[id].initiatedAt != 0) revert WithdrawalAlreadyPending();
        if (amount > free(id)) revert WithdrawAmountExceedsAvailable();
        uint40 time = uint40(block.timestamp);
        pendingWithdrawals[id] = Withdrawal(amount, time);
        emit WithdrawInitiated(id, amount, time + config.withdrawDelay);
    }

    function finalizeWithdraw(Channel calldata config) external alone {
        if (!pays(config)) revert NotAuthorizedToFinalizeWithdraw();
        bytes32 id = getChannelId(config);
        Withdrawal memory asked = pendingWithdrawals[id];
        if (asked.initiatedAt == 0) revert WithdrawalNotPending();
        if (block.timestamp < uint256(asked.initiatedAt) + config.withdrawDelay) revert WithdrawDelayNotElapsed();
        delete pendingWithdrawals[id];
        uint128 amount = least(asked.amount, free(id));
        channels[id].balance -= amount;
        emit WithdrawFinalized(id, msg.sender, amount);
        closed(id, config);
        if (amount > 0) send(config.token, config.payer, amount);
    }

    function refund(Channel calldata config, uint128 amount) external alone {
        if (!receives(config)) revert NotAuthorizedToRefund();
        giveBack(getChannelId(config), config, amount);
    }

    function refundWithSignature(Channel calldata config, uint128 amount, uint256 nonce, bytes calldata signature) external alone {
        bytes32 id = getChannelId(config);
        if (nonce != refundNonce[id]) revert InvalidRefundNonce();
        if (!signed(config.receiverAuthorizer, getRefundDigest(id, nonce, amount), signature)) revert InvalidSignature();
        giveBack(id, config, amount);
    }

    function multicall(bytes[] calldata calls) external returns (bytes[] memory results) {
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool done, bytes memory said) = address(this).delegatecall(calls[i]);
            if (!done) assembly { revert(add(said, 32), mload(said)) }
            results[i] = said;
        }
    }

    function getChannelId(Channel calldata config) public view returns (bytes32) {
        return digest(keccak256(abi.encode(keccak256("ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"), config)));
    }

    function getVoucherDigest(bytes32 id, uint128 most) public view returns (bytes32) {
        return digest(keccak256(abi.encode(keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)"), id, most)));
    }

    function getRefundDigest(bytes32 id, uint256 nonce, uint128 amount) public view returns (bytes32) {
        return digest(keccak256(abi.encode(keccak256("Refund(bytes32 channelId,uint256 nonce,uint128 amount)"), id, nonce, amount)));
    }

    function getClaimBatchDigest(Claim[] calldata claims) public view returns (bytes32) {
        bytes memory entries;
        for (uint256 i = 0; i < claims.length; ++i) {
            Promise calldata voucher = claims[i].voucher;
            bytes32 entry = keccak256(abi.encode(keccak256("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"),
                getChannelId(voucher.channel), voucher.maxClaimableAmount, claims[i].totalClaimed));
            entries = bytes.concat(entries, entry);
        }
        return digest(keccak256(abi.encode(keccak256("ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"), keccak256(entries))));
    }

    function take(Claim calldata it) private {
        Channel calldata config = it.voucher.channel;
        bytes32 id = getChannelId(config);
        Escrow storage escrow = channels[id];
        if (it.totalClaimed <= escrow.totalClaimed) return;
        if (it.totalClaimed > it.voucher.maxClaimableAmount) revert ClaimExceedsCeiling();
        if (it.totalClaimed > escrow.balance) revert ClaimExceedsBalance();
        bytes32 voucher = getVoucherDigest(id, it.voucher.maxClaimableAmount);
        bool good = config.payerAuthorizer == address(0)
            ? signed(config.payer, voucher, it.signature)
            : signer(voucher, it.signature) == config.payerAuthorizer;
        if (!good) revert InvalidSignature();
        uint128 more = it.totalClaimed - escrow.totalClaimed;
        escrow.totalClaimed = it.totalClaimed;
        receivers[config.receiver][config.token].totalClaimed += more;
        emit Claimed(id, msg.sender, more, it.totalClaimed);
    }

    function giveBack(bytes32 id, Channel calldata config, uint128 wanted) private {
        if (wanted == 0) revert ZeroRefund();
        refundNonce[id] += 1;
        uint128 amount = least(wanted, free(id));
        if (amount == 0) return;
        channels[id].balance -= amount;
        Withdrawal storage asked = pendingWithdrawals[id];
        if (amount >= asked.amount) delete pendingWithdrawals[id];
        else asked.amount -= amount;
        emit Refunded(id, msg.sender, amount);
        closed(id, config);
        send(config.token, config.payer, amount);
    }

    function closed(bytes32 id, Channel calldata config) private {
        if (channels[id].balance == 0 && channels[id].totalClaimed == 0) emit ChannelClosed(id, config);
    }

    function send(address token, address to, uint128 amount) private {
        if (!Coin(token).transfer(to, amount)) revert SafeERC20FailedOperation(token);
    }

    function free(bytes32 id) private view returns (uint128) {
        return channels[id].balance - channels[id].totalClaimed;
    }

    function pays(Channel calldata config) private view returns (bool) {
        return msg.sender == config.payer || msg.sender == config.payerAuthorizer;
    }

    function receives(Channel calldata config) private view returns (bool) {
        return msg.sender == config.receiver || msg.sender == config.receiverAuthorizer;
    }

    function least(uint128 a, uint128 b) private pure returns (uint128) {
        return a < b ? a : b;
    }

    function digest(bytes32 message) private view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            keccak256("x402 Batch Settlement"), keccak256("1"), block.chainid, address(this)));
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }

    function signed(address by, bytes32 hash, bytes calldata signature) private view returns (bool) {
        if (by.code.length == 0) return by != address(0) && signer(hash, signature) == by;
        (bool done, bytes memory said) = by.staticcall(abi.encodeCall(Wallet.isValidSignature, (hash, signature)));
        return done && said.length >= 32 && abi.decode(said, (bytes32)) == bytes32(Wallet.isValidSignature.selector);
    }

    function signer(bytes32 hash, bytes calldata signature) private pure returns (address) {
        if (signature.length != 65) return address(0);
        bytes32 s = bytes32(signature[32:64]);
        if (uint256(s) > 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0) return address(0);
        return ecrecover(hash, uint8(signature[64]), bytes32(signature[0:32]), s);
    }
}

abstract contract ForChannels {
    address constant CHANNELS = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003;

    error OnlyX402BatchSettlement();

    modifier onlyForChannels() {
        if (msg.sender != CHANNELS) revert OnlyX402BatchSettlement();
        _;
    }
}

contract Eip3009Collector is ForChannels {
    error SafeERC20FailedOperation(address token);

    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata data) external onlyForChannels {
        (uint256 validAfter, uint256 validBefore, uint256 salt, bytes memory signature) = abi.decode(data, (uint256, uint256, uint256, bytes));
        bytes32 nonce = keccak256(abi.encode(channelId, salt));
        Coin(token).receiveWithAuthorization(payer, address(this), amount, validAfter, validBefore, nonce, signature);
        if (!Coin(token).transfer(CHANNELS, amount)) revert SafeERC20FailedOperation(token);
    }
}

struct Permitted { address token; uint256 amount; }
struct Permit { Permitted permitted; uint256 nonce; uint256 deadline; }
struct Details { address to; uint256 requestedAmount; }
interface Permit2 {
    function permitWitnessTransferFrom(Permit calldata permit, Details calldata details, address owner, bytes32 witness,
        string calldata witnessType, bytes calldata signature) external;
}

contract Permit2Collector is ForChannels {
    address constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;

    error Permit2612AmountMismatch();

    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata data) external onlyForChannels {
        (uint256 nonce, uint256 deadline, bytes memory signature, bytes memory approval) = abi.decode(data, (uint256, uint256, bytes, bytes));
        if (approval.length > 0) approve(payer, token, amount, approval);
        bytes32 witness = keccak256(abi.encode(keccak256("DepositWitness(bytes32 channelId)"), channelId));
        Permit2(PERMIT2).permitWitnessTransferFrom(Permit(Permitted(token, amount), nonce, deadline), Details(CHANNELS, amount), payer, witness,
            "DepositWitness witness)DepositWitness(bytes32 channelId)TokenPermissions(address token,uint256 amount)", signature);
    }

    // An approval that fails may have been made before, so that only the transfer decides.
    function approve(address payer, address token, uint256 amount, bytes memory approval) private {
        (uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) = abi.decode(approval, (uint256, uint256, uint8, bytes32, bytes32));
        if (value != amount) revert Permit2612AmountMismatch();
        try Coin(token).permit(payer, PERMIT2, value, deadline, v, r, s) {} catch {}
    }
}
