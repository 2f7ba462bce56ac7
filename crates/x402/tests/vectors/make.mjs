// Makes clients.json: payments signed by the published npm clients, for tests/it. Run it in a folder with
//   npm install @x402/core@2.27.0 @x402/evm@2.27.0 @x402/fetch@2.27.0 @x402/extensions@2.27.0 x402-fetch@1.2.0 viem
//   node make.mjs > clients.json
// The key is the first of every development chain and holds nothing anywhere else.
import { wrapFetchWithPayment as fetchV2, x402Client } from "@x402/fetch";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { UptoEvmScheme } from "@x402/evm/upto/client";
import { BatchSettlementEvmScheme, InMemoryClientChannelStorage, computeChannelId } from "@x402/evm/batch-settlement/client";
import { ExactEvmSchemeV1 } from "@x402/evm/exact/v1/client";
import { appendPaymentIdentifierToExtensions } from "@x402/extensions/payment-identifier";
import { createSIWxPayload, encodeSIWxHeader } from "@x402/extensions/sign-in-with-x";
import { createEIP712OfferReceiptIssuer } from "@x402/extensions/offer-receipt";
import { wrapFetchWithPayment as fetchV1 } from "x402-fetch";
import { privateKeyToAccount } from "viem/accounts";

const NOW = 1_790_000_000;
Date.now = () => NOW * 1000;
const signer = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const payTo = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const other = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const url = "https://pay.example/publishers/weather/now";
const resource = { url, description: "The weather now", mimeType: "application/json" };
const domain = { name: "USDC", version: "2" };
const terms = extra => ({ scheme: "exact", network: "eip155:84532", amount: "10000", asset, payTo, maxTimeoutSeconds: 60, extra: { ...domain, ...extra } });
const upto = { ...terms({ assetTransferMethod: "permit2", facilitatorAddress: other }), scheme: "upto" };
const batch = extra => ({ ...terms({ receiverAuthorizer: other, withdrawDelay: 86400, ...extra }), scheme: "batch-settlement" });

const vectors = [];
async function paid(name, wrapped, headers, body, header) {
  let value;
  const stub = async (input, init) => {
    const request = new Request(input, init);
    value = request.headers.get(header);
    if (value) return new Response("{}", { status: 200 });
    return new Response(body === undefined ? "{}" : JSON.stringify(body), { status: 402, headers });
  };
  globalThis.fetch = stub;
  await wrapped(stub)(url);
  vectors.push({ name, header, value });
}
const b64 = value => Buffer.from(JSON.stringify(value)).toString("base64");
const v2 = (name, requirements, client, extensions) =>
  paid(name, f => fetchV2(f, client), { "PAYMENT-REQUIRED": b64({ x402Version: 2, error: "payment_required", resource, accepts: [requirements], extensions }) }, undefined, "PAYMENT-SIGNATURE");
const v1Body = { x402Version: 1, error: "payment_required", accepts: [{ scheme: "exact", network: "base-sepolia", maxAmountRequired: "10000", resource: url, description: "The weather now", mimeType: "application/json", payTo, maxTimeoutSeconds: 60, asset, extra: domain }] };
const one = scheme => new x402Client().register("eip155:*", scheme);

await v2("v2 exact eip3009", terms({}), one(new ExactEvmScheme(signer)));
await v2("v2 exact permit2", terms({ assetTransferMethod: "permit2" }), one(new ExactEvmScheme(signer)));
await v2("v2 upto", upto, one(new UptoEvmScheme(signer)));

const salt = "0x" + "00".repeat(31) + "07";
const storage = new InMemoryClientChannelStorage();
const config = { payer: signer.address, payerAuthorizer: signer.address, receiver: payTo, receiverAuthorizer: other, token: asset, withdrawDelay: 86400, salt };
const channelId = computeChannelId(config, "eip155:84532");
await storage.set(channelId.toLowerCase(), { balance: "1000000", chargedCumulativeAmount: "30000" });
await v2("v2 batch voucher", batch({}), one(new BatchSettlementEvmScheme(signer, { storage, salt })));
await v2("v2 batch deposit eip3009", batch({}), one(new BatchSettlementEvmScheme(signer, { storage: new InMemoryClientChannelStorage(), salt })));
await v2("v2 batch deposit permit2", batch({ assetTransferMethod: "permit2" }), one(new BatchSettlementEvmScheme(signer, { storage: new InMemoryClientChannelStorage(), salt })));

const identified = one(new ExactEvmScheme(signer)).registerExtension({
  key: "payment-identifier",
  enrichPaymentPayload: async payload => ({ ...payload, extensions: appendPaymentIdentifierToExtensions(structuredClone(payload.extensions), "pay_0123456789abcdef") }),
});
await v2("v2 exact with identifier", terms({}), identified, { "payment-identifier": { info: { required: true }, schema: { type: "object" } } });

await paid("v1 exact by x402-fetch", f => fetchV1(f, signer), {}, v1Body, "X-PAYMENT");
await paid("v1 exact by @x402/fetch", f => fetchV2(f, new x402Client().registerV1("base-sepolia", new ExactEvmSchemeV1(signer))), {}, v1Body, "X-PAYMENT");

const challenge = { domain: "pay.example", uri: url, version: "1", nonce: "0123456789abcdef0123456789abcdef", issuedAt: new Date(Date.now()).toISOString(), statement: "Sign in to read what you have paid for.", resources: [url] };
for (const [name, info] of [
  ["sign-in", { ...challenge, chainId: "eip155:84532", type: "eip191" }],
  ["sign-in with every field", { ...challenge, expirationTime: new Date(Date.now() + 300_000).toISOString(), notBefore: new Date(Date.now() - 1000).toISOString(), requestId: "r-1", chainId: "eip155:8453", type: "eip191" }],
  ["sign-in with few fields", { ...challenge, statement: undefined, resources: undefined, chainId: "eip155:1", type: "eip191" }],
]) {
  vectors.push({ name, header: "SIGN-IN-WITH-X", value: encodeSIWxHeader(await createSIWxPayload(info, signer, url)) });
}

const issuer = createEIP712OfferReceiptIssuer("did:pkh:eip155:1:" + signer.address, data => signer.signTypedData(data));
const { scheme, network, amount } = terms({});
vectors.push({ name: "offer", value: JSON.stringify(await issuer.issueOffer(url, { acceptIndex: 0, scheme, network, asset, payTo, amount, offerValiditySeconds: 60 })) });
vectors.push({ name: "receipt", value: JSON.stringify(await issuer.issueReceipt(url, signer.address, network, "0x" + "ab".repeat(32))) });
vectors.push({ name: "receipt without transaction", value: JSON.stringify(await issuer.issueReceipt(url, signer.address, network)) });

console.log(JSON.stringify({ now: NOW, channelId, vectors }, null, 1));
