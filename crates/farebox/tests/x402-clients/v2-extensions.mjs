// Pays like v2-fetch.mjs, and judges the extensions of the 402 and of the receipt with the published validators.

import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { validateDiscoveryExtension, validateDiscoveryExtensionSpec } from '@x402/extensions/bazaar';
import {
  decodeSignedOffers, extractOffersFromPaymentRequired, extractReceiptFromResponse, verifyOfferSignatureEIP712,
  verifyReceiptMatchesOffer, verifyReceiptSignatureEIP712,
} from '@x402/extensions/offer-receipt';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import { privateKeyToAccount } from 'viem/accounts';
import { key, url } from './asked.mjs';

const account = privateKeyToAccount(key);
const header = (await fetch(url)).headers.get('payment-required');
const required = decodePaymentRequiredHeader(header);
const bazaar = required.extensions.bazaar;
const checked = bazaar && [validateDiscoveryExtension(bazaar), validateDiscoveryExtensionSpec(bazaar)];
const signed = extractOffersFromPaymentRequired(required);
const offers = await Promise.all(signed.map(offer => verifyOfferSignatureEIP712(offer)));

const client = new x402Client().register('eip155:*', new ExactEvmScheme(account));
const response = await wrapFetchWithPayment(fetch, client)(url);
const receipt = extractReceiptFromResponse(response);
const decoded = decodeSignedOffers(signed);
console.log(JSON.stringify({
  status: response.status,
  headerBytes: header.length,
  accepts: required.accepts.length,
  bazaar,
  bazaarErrors: checked?.flatMap(result => result.errors ?? []),
  offerSigners: offers.map(offer => offer.signer),
  receiptSigner: receipt && (await verifyReceiptSignatureEIP712(receipt)).signer,
  receiptMatches: receipt && decoded.map(offer => verifyReceiptMatchesOffer(receipt, offer, [account.address])),
  settled: decodePaymentResponseHeader(response.headers.get('payment-response')).success,
}));
